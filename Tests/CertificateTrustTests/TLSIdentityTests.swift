// SPDX-License-Identifier: Apache-2.0

import Foundation
import SwiftASN1
import Testing
import TrustTestSupport
import X509

@testable import CertificateTrust

@Suite struct TLSIdentityTests {
  /// The files of a certificate, the key's with this mode.
  private func with(mode: Int, key: String? = nil, _ body: (_ certificate: String, _ key: String) throws -> Void) throws
  {
    let directory = FileManager.default.temporaryDirectory.path + "/bridgehead-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let identity = try TestAuthority("Root").issue("server")
    let (certificateFile, keyFile) = (directory + "/server.pem", directory + "/server.key")
    try identity.certificate.serializeAsPEM().pemString.write(
      toFile: certificateFile, atomically: true, encoding: .utf8)
    try (key ?? identity.pem).write(toFile: keyFile, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: keyFile)
    try body(certificateFile, keyFile)
  }

  @Test(arguments: [0o600, 0o640, 0o400]) func keysOfTheirOwnerAreRead(mode: Int) throws {
    try with(mode: mode) { certificate, key in
      _ = try TLSIdentity(certificateFile: certificate, keyFile: key)
    }
  }

  @Test(arguments: [0o644, 0o604, 0o602]) func keysThatEverybodyHasAreRefused(mode: Int) throws {
    try with(mode: mode) { certificate, key in
      let error = #expect(throws: TrustError.self) { try TLSIdentity(certificateFile: certificate, keyFile: key) }
      #expect(error?.code == .badConfiguration)
      #expect(error?.message.contains("is open to everyone on this machine") == true)
      #expect(error?.remedy == "run: chmod 600 \(key)")
    }
  }

  @Test func whatIsNoKeyIsNamed() throws {
    try with(mode: 0o600, key: "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n") { certificate, key in
      let error = #expect(throws: TrustError.self) { try TLSIdentity(certificateFile: certificate, keyFile: key) }
      #expect(error?.message.contains("The private key in \(key) is not understood") == true)
    }
    try with(mode: 0o600) { certificate, key in
      let error = #expect(throws: TrustError.self) {
        try TLSIdentity(certificateFile: certificate, keyFile: key + ".none")
      }
      #expect(error?.message.contains("does not exist") == true)
    }
  }
}
