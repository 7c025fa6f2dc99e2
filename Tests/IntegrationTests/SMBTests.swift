// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import SMB
import Testing
import TestSupport
import Wire

/// One test at a time: they change the server.
@Suite(.serialized, .enabled(if: Lab.current != nil)) enum SMBTests {}

extension SMBTests {
  /// Sessions and pipes on Samba, pinned to each dialect, signature and cipher.
  @Suite struct Sessions {
    private let lab: SMBLab

    init() throws { lab = try SMBLab() }

    struct Pin: Sendable, CustomTestStringConvertible {
      var protocolName: String
      var signing: String?
      var cipher: String?
      var encrypts = true
      var words: String
      var testDescription: String { words }

      var lines: [String] {
        ["server min protocol = \(protocolName)", "server max protocol = \(protocolName)"]
          + (signing.map { ["server smb3 signing algorithms = \($0)"] } ?? [])
          + (cipher.map { ["server smb3 encryption algorithms = \($0)"] } ?? [])
      }
    }

    static let pins = [
      Pin(protocolName: "SMB2_10", words: "SMB 2.1, signing HMAC-SHA256, encryption none"),
      Pin(protocolName: "SMB3_00", encrypts: false, words: "SMB 3.0, signing AES-CMAC, encryption none"),
      Pin(protocolName: "SMB3_00", words: "SMB 3.0, signing AES-CMAC, encryption AES-128-CCM"),
      Pin(protocolName: "SMB3_02", encrypts: false, words: "SMB 3.0.2, signing AES-CMAC, encryption none"),
      Pin(protocolName: "SMB3_02", words: "SMB 3.0.2, signing AES-CMAC, encryption AES-128-CCM"),
      Pin(
        protocolName: "SMB3_11", signing: "aes-128-cmac", encrypts: false,
        words: "SMB 3.1.1, signing AES-CMAC, encryption none"),
      Pin(
        protocolName: "SMB3_11", signing: "aes-128-gmac", encrypts: false,
        words: "SMB 3.1.1, signing AES-GMAC, encryption none"),
      Pin(
        protocolName: "SMB3_11", cipher: "aes-128-ccm", words: "SMB 3.1.1, signing AES-GMAC, encryption AES-128-CCM"),
      Pin(
        protocolName: "SMB3_11", cipher: "aes-128-gcm", words: "SMB 3.1.1, signing AES-GMAC, encryption AES-128-GCM"),
      Pin(
        protocolName: "SMB3_11", cipher: "aes-256-ccm", words: "SMB 3.1.1, signing AES-GMAC, encryption AES-256-CCM"),
      Pin(
        protocolName: "SMB3_11", signing: "aes-128-cmac", cipher: "aes-256-gcm",
        words: "SMB 3.1.1, signing AES-CMAC, encryption AES-256-GCM"),
    ]

    @Test(arguments: pins) func everyProtection(pin: Pin) async throws {
      try await lab.pinned(pin.lines) {
        let connection = try await lab.connect { $0.encryption = pin.encrypts ? .wherePossible : .whereDemanded }
        #expect(connection.protection.hasPrefix(pin.words + ", SPNEGO Kerberos"))
        #expect(lab.flows.uses.map(\.protection) == [connection.protection])
        for service in ["samr", "lsarpc"] {
          let pipe = try await connection.openPipe(service)
          // Twice the same bytes: whatever protects them changes with each message.
          let answer = try await pipe.transceive(SMBLab.bind)
          #expect(answer.count > 24 && answer[2] == SMBLab.bindAck)
          #expect(pipe.sessionKey.count == 16)
          await pipe.close()
        }
        await connection.close()
      }
    }

    /// The server wants encryption, by session and by share; this side would be content with signatures.
    @Test(arguments: ["server smb encrypt = required", "server smb encrypt = desired"])
    func encryptsWhereTheServerWants(line: String) async throws {
      try await lab.pinned([line]) {
        let connection = try await lab.connect { $0.encryption = .whereDemanded }
        #expect(connection.isEncrypted)
        let pipe = try await connection.openPipe("samr")
        #expect(try await pipe.transceive(SMBLab.bind)[2] == SMBLab.bindAck)
        await connection.close()
      }
    }

    @Test func refusesLessThanWanted() async throws {
      try await lab.pinned(["server smb encrypt = off"]) {
        let error = await #expect(throws: SMBError.self) { try await lab.connect { $0.encryption = .required } }
        #expect(error?.code == .noCommonProtection)
      }
      try await lab.pinned(["server min protocol = SMB2_02", "server max protocol = SMB2_02"]) {
        let error = await #expect(throws: SMBError.self) { try await lab.connect() }
        #expect(error?.code == .noCommonProtection, "\(String(describing: error))")
      }
      #expect(lab.flows.uses.isEmpty)
    }

    /// SMB 1 alone: only a question in its own language shows it.
    @Test func oldServers() async throws {
      try await lab.pinned(["server min protocol = NT1", "server max protocol = NT1"]) {
        let error = await #expect(throws: SMBError.self) { try await lab.connect() }
        // Samba refuses in SMB 2; others hang up.
        #expect(error?.status == .notSupported, "\(String(describing: error))")
        let question = OlderNegotiationQuestion()
        let answer = try await lab.exchange(question.message) { try question.answer($0) }
        #expect(answer == .older)
      }
      let question = OlderNegotiationQuestion()
      #expect(try await lab.exchange(question.message) { try question.answer($0) } == .newer)
    }

    /// Without credentials a server shows what it would choose, and its clock.
    @Test func negotiationAlone() async throws {
      let question = try NegotiationQuestion(server: lab.server.description)
      let negotiation = try await lab.exchange(question.message) { try question.answer($0) }
      #expect(negotiation.dialect == .smb311 && negotiation.cipher != nil && negotiation.serverRequiresSigning)
      #expect(abs(Double(negotiation.systemTime.unixSeconds) - Date().timeIntervalSince1970) < 60)
    }

    @Test func namesWhatIsWrong() async throws {
      let connection = try await lab.connect()
      let pipe = await #expect(throws: SMBError.self) { try await connection.openPipe("no-such-service") }
      #expect(pipe?.code == .noSuchPipe, "\(String(describing: pipe))")
      // The connection survives that.
      #expect(try await connection.openPipe("samr").transceive(SMBLab.bind)[2] == SMBLab.bindAck)
      await connection.close()
      // A ticket for another service of the same account is as good; one that nobody has is refused by the KDC.
      let unknown = await #expect(throws: SecurityError.self) {
        try await lab.connect(principal: ServicePrincipal(service: "cifs", host: "other.\(lab.forest.name)"))
      }
      #expect(unknown?.code == .unknownService)
    }

    /// The session ends behind our back: a clear error, and a new connection works.
    @Test func serverProcessDies() async throws {
      let connection = try await lab.connect()
      let pipe = try await connection.openPipe("samr")
      let (code, output) = try lab.kerberos.run("sh", ["-c", "kill -9 $(pgrep -n -x smbd)"])
      try #require(code == 0, "\(output)")
      let error = await #expect(throws: SMBError.self) { try await pipe.transceive(SMBLab.bind) }
      #expect(error?.code == .closed && error?.isTransient == true)
      await connection.close()
      let again = try await lab.connect()
      await again.close()
    }
  }
}
