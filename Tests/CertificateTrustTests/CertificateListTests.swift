// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import Foundation
import SwiftASN1
import Testing
import TrustTestSupport
import X509

@testable import CertificateTrust

/// RFC 5280 5: decoding of revocation lists.
@Suite struct CertificateListTests {
  let authority: TestAuthority
  let leaf: TestIdentity

  init() throws {
    authority = try TestAuthority("Root")
    leaf = try authority.issue("leaf")
  }

  func decode(_ bytes: [UInt8]) throws(TrustError) -> CertificateList { try CertificateList(bytes, from: "test") }

  @Test func readsEveryField() throws {
    let other = try authority.issue("other")
    let list = try decode(
      TestRevocationList(
        authority, revoking: [.init(other.certificate, reason: 4), .init(leaf.certificate, reason: 1)]
      ) {
        $0.number = 300
        $0.freshest = ["http://crl.example/delta.crl"]
        $0.scope =
          TestScope.locations(["http://crl.example/a.crl"]) + TestScope.onlyUsers
          + TestScope.reasons([1, 0b0110_0000]) + TestScope.indirect
      }.encoded())
    #expect(list.entryCount == 2)
    #expect(list.crlNumber == [1, 44])
    #expect(list.baseCRLNumber == nil)
    #expect(list.thisUpdate == TestAuthority.now - TestAuthority.day)
    #expect(list.nextUpdate == TestAuthority.now + 6 * TestAuthority.day)
    #expect(list.freshestCRL.flatMap(\.locations) == ["http://crl.example/delta.crl"])
    let scope = try #require(list.issuingDistributionPoint)
    #expect(scope.onlyContainsUserCerts && scope.indirectCRL && !scope.onlyContainsCACerts)
    #expect(scope.onlySomeReasons == ReasonFlags(rawValue: 0b110))
    #expect(scope.name == .fullName([.uniformResourceIdentifier("http://crl.example/a.crl")]))
    let entry = try #require(
      try list.entry(serial: leaf.certificate.serialNumber.bytes, issuer: authority.certificate.subject))
    #expect(entry.reason == .keyCompromise)
    #expect(entry.revocationDate == TestAuthority.now - 2 * TestAuthority.day)
    #expect(try list.entry(serial: [1, 2, 3], issuer: authority.certificate.subject) == nil)
    #expect(list.isSigned(by: authority.key.publicKey))
    #expect(!list.isSigned(by: leaf.key.publicKey))
  }

  @Test func refusesUnknownCriticalExtensions() throws {
    let unknown = DERText.extension([1, 2, 3, 4], critical: true, [5, 0])
    let inList = try TestRevocationList(authority) { $0.extra = unknown }.encoded()
    var entry = TestRevocationList.Entry(leaf.certificate)
    entry.extra = unknown
    let inEntry = try TestRevocationList(authority, revoking: [entry]).encoded()
    for bytes in [inList, inEntry] {
      let error = #expect(throws: TrustError.self) { _ = try decode(bytes) }
      #expect(error?.code == .listMalformed)
      #expect(error?.message.contains("1.2.3.4") == true)
    }
    let harmless = DERText.extension([1, 2, 3, 4], [5, 0])
    #expect(throws: Never.self) { try decode(TestRevocationList(authority) { $0.extra = harmless }.encoded()) }
  }

  @Test func refusesWhatIsNoList() throws {
    let good = try TestRevocationList(authority, revoking: [.init(leaf.certificate, reason: 1)]).encoded()
    let withoutNextUpdate = try TestRevocationList(authority) { $0.nextUpdate = nil }.encoded()
    let sha1 = try TestRevocationList(authority) {
      $0.signer = .init(DERText.sequence(DERText.oid([1, 2, 840, 113549, 1, 1, 5]), [5, 0])) { _ in [0] }
    }.encoded()
    for bytes in [
      [], Array("<html>".utf8), good + [0], withoutNextUpdate, sha1, [0x30, 0x80, 0, 0],
      [0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
    ] {
      #expect(throws: TrustError.self) { _ = try decode(bytes) }
    }
    let large = [UInt8](repeating: 0, count: CertificateList.maximumBytes + 1)
    #expect(throws: TrustError.self) { _ = try decode(large) }
  }

  @Test func survivesTruncationAndMutation() throws {
    let good = try TestRevocationList(authority, revoking: [.init(leaf.certificate, reason: 1)]) {
      $0.scope = TestScope.locations(["http://crl.example/a.crl"])
    }.encoded()
    for length in 0..<good.count {
      #expect(throws: TrustError.self) { _ = try decode(Array(good[..<length])) }
    }
    // A changed byte is refused by the decoder or by the signature; it never traps.
    for index in good.indices {
      for bit in 0..<8 {
        var bytes = good
        bytes[index] ^= 1 << UInt8(bit)
        guard let list = try? decode(bytes) else { continue }
        #expect(!list.isSigned(by: authority.key.publicKey))
      }
    }
    // Nesting is limited.
    var nested: [UInt8] = [5, 0]
    for _ in 0..<2_000 { nested = DERText.sequence(nested) }
    let deep = try TestRevocationList(authority) { $0.extra = DERText.extension([2, 5, 29, 28], nested) }.encoded()
    #expect(throws: TrustError.self) { _ = try decode(deep) }
  }

  @Test func readsPEM() throws {
    let bytes = try TestRevocationList(authority).encoded()
    let pem = PEMDocument(type: "X509 CRL", derBytes: bytes).pemString
    #expect(try decode(Array(pem.utf8)).derBytes == bytes)
    #expect(throws: TrustError.self) {
      _ = try decode(Array(PEMDocument(type: "CERTIFICATE", derBytes: bytes).pemString.utf8))
    }
  }

  @Test func findsOneOfManyEntries() throws {
    let entries = (1...50_000).map { number -> TestRevocationList.Entry in
      let low = UInt8(number & 255)
      let high = UInt8(number >> 8)
      return TestRevocationList.Entry(serial: [0x11, 0, high, low])
    }
    let list = try decode(TestRevocationList(authority, revoking: entries).encoded())
    #expect(list.entryCount == 50_000)
    #expect(try list.entry(serial: [0x11, 0, 0xc3, 0x50], issuer: authority.certificate.subject) != nil)
    #expect(try list.entry(serial: [0x11, 0, 0xc3, 0x51], issuer: authority.certificate.subject) == nil)
  }

  /// Numbers that end alike are told apart, in whatever order the list has them.
  @Test func findsNumbersThatEndAlike() throws {
    let tail = [UInt8](repeating: 7, count: 8)
    let serials: [[UInt8]] = [[3] + tail, tail, [1, 2] + tail, [0x7f] + tail, [7], [9, 9, 9]]
    var entries = serials.map { TestRevocationList.Entry(serial: $0) }
    for (index, _) in entries.enumerated() { entries[index].reason = index + 1 }
    // The first entry of a number counts.
    entries.append(TestRevocationList.Entry(serial: [7]))
    let list = try decode(TestRevocationList(authority, revoking: entries).encoded())
    let subject = authority.certificate.subject
    for (index, serial) in serials.enumerated() {
      let found = try list.entry(serial: ([0] + serial)[...], issuer: subject)
      #expect(found?.reason == RevocationReason(rawValue: index + 1), "\(serial)")
    }
    for serial in [[2] + tail, [3, 3] + tail, [8], []] as [[UInt8]] {
      #expect(try list.entry(serial: serial[...], issuer: subject) == nil, "\(serial)")
    }
    #expect(try list.entry(serial: [7], issuer: try DistinguishedName { CommonName("Other") }) == nil)
  }

  @Test(arguments: ["p256", "p384", "p521", "ed25519", "rsa256", "rsa384", "rsa512", "pss"])
  func verifiesSignatures(_ name: String) throws {
    let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
    let (key, algorithm): (Certificate.PrivateKey, Certificate.SignatureAlgorithm) =
      switch name {
      case "p256": (.init(P256.Signing.PrivateKey()), .ecdsaWithSHA256)
      case "p384": (.init(P384.Signing.PrivateKey()), .ecdsaWithSHA384)
      case "p521": (.init(P521.Signing.PrivateKey()), .ecdsaWithSHA512)
      case "ed25519": (.init(Curve25519.Signing.PrivateKey()), .ed25519)
      case "rsa384": (.init(rsa), .sha384WithRSAEncryption)
      case "rsa512": (.init(rsa), .sha512WithRSAEncryption)
      default: (.init(rsa), .sha256WithRSAEncryption)
      }
    let issuer = try TestAuthority(name, key: key, algorithm: algorithm)
    var bytes = try TestRevocationList(issuer) {
      if name == "pss" { $0.signer = TestRevocationList.pssSigner(rsa) }
    }.encoded()
    #expect(try decode(bytes).isSigned(by: key.publicKey))
    bytes[bytes.count - 1] ^= 1
    #expect(try decode(bytes).isSigned(by: key.publicKey) == false)
    // A key of another kind is a plain no.
    #expect(try decode(bytes).isSigned(by: authority.key.publicKey) == false)
  }

  @Test func serverEndPointBindingUsesTheSignatureHash() throws {
    let bytes: [UInt8] = [1, 2, 3]
    let prefix = Array("tls-server-end-point:".utf8)
    let cases: [(Certificate.SignatureAlgorithm, [UInt8]?)] = [
      (.sha1WithRSAEncryption, prefix + SHA256.hash(data: bytes)),
      (.sha256WithRSAEncryption, prefix + SHA256.hash(data: bytes)),
      (.ecdsaWithSHA384, prefix + SHA384.hash(data: bytes)),
      (.sha512WithRSAEncryption, prefix + SHA512.hash(data: bytes)),
      (.ed25519, nil),
    ]
    for (algorithm, expected) in cases {
      #expect(ServerEndPointBinding.applicationData(leafDER: bytes, algorithm: algorithm) == expected)
    }
  }
}
