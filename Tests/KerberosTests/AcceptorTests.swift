// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import Kerberos

/// Keys and tokens without a KDC; tickets are in the tests with one.
@Suite struct AcceptorTests {
  private func keys(_ password: String = "Horse-Battery-7!") throws -> [ServiceKey] {
    try ServiceKey.ofComputer("PC1", realm: "corp.example", password: SecretBytes(Array(password.utf8)))
  }

  private let service = ServicePrincipal(service: "HTTP", host: "autologon.tenant.example", realm: "CORP.EXAMPLE")

  @Test func keysHaveTheirTypesAndSizes() throws {
    let keys = try keys()
    #expect(keys.map(\.encryptionType) == [.aes256, .aes128])
    #expect(keys.map(\.bytes.count) == [32, 16])
    let texts = try [keys, self.keys(), self.keys("another")].map {
      $0.map { $0.bytes.withBytes { Hex.encode(Array($0)) } }
    }
    #expect(texts[0] == texts[1] && texts[0] != texts[2])
  }

  @Test func namesCountInTheirOwnCase() throws {
    let password = SecretBytes(Array("Horse-Battery-7!".utf8))
    func text(_ computer: String, _ realm: String) throws -> [String] {
      try ServiceKey.ofComputer(computer, realm: realm, password: password)
        .map { $0.bytes.withBytes { Hex.encode(Array($0)) } }
    }
    #expect(try text("pc1", "CORP.EXAMPLE") == text("PC1", "corp.example"))
    #expect(try text("pc2", "CORP.EXAMPLE") != text("PC1", "corp.example"))
  }

  @Test func refusesWhatIsNoTicket() async throws {
    let acceptor = try KerberosAcceptor(service, keys: try keys(), replayCache: .none)
    let ntlm = Array("NTLMSSP\0".utf8) + [1, 0, 0, 0, 0, 0, 0, 0]
    for token in [[], [0], Array("garbage".utf8), ntlm, [UInt8](repeating: 0x60, count: 70_000)] {
      let error = await #expect(throws: SecurityError.self) { try await acceptor.accept(token, channelBinding: nil) }
      #expect(error?.code == .rejectedToken)
    }
  }

  @Test func wantsAKeyAndARealm() throws {
    #expect(throws: SecurityError.self) { try KerberosAcceptor(service, keys: [], replayCache: .none) }
    let keys = try keys()
    #expect(throws: SecurityError.self) {
      try KerberosAcceptor(
        ServicePrincipal(service: "HTTP", host: "autologon.tenant.example"), keys: keys, replayCache: .none)
    }
  }
}
