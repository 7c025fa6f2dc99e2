// SPDX-License-Identifier: Apache-2.0

import Crypto
package import CryptoExtras
package import FoundationEssentials
import SwiftASN1
package import X509

/// A revocation list made in the test, encoded by hand (RFC 5280 5.1).
package struct TestRevocationList: Sendable {
  package struct Entry: Sendable {
    package var serial: [UInt8]
    package var reason: Int?
    package var date = TestAuthority.now - 2 * TestAuthority.day
    package var certificateIssuer: DistinguishedName?
    package var extra: [UInt8] = []
    package init(_ certificate: Certificate, reason: Int? = nil, issuer: DistinguishedName? = nil) {
      serial = Array(certificate.serialNumber.bytes)
      self.reason = reason
      certificateIssuer = issuer
    }
    package init(serial: [UInt8]) { self.serial = serial }
  }

  /// What signs: the algorithm identifier and the signature over the bytes.
  package struct Signer: Sendable {
    package var algorithmIdentifier: [UInt8]
    package var sign: @Sendable ([UInt8]) throws -> [UInt8]
    package init(_ algorithmIdentifier: [UInt8], _ sign: @escaping @Sendable ([UInt8]) throws -> [UInt8]) {
      self.algorithmIdentifier = algorithmIdentifier
      self.sign = sign
    }
  }

  package var issuer: DistinguishedName
  package var thisUpdate = TestAuthority.now - TestAuthority.day
  package var nextUpdate: Date? = TestAuthority.now + 6 * TestAuthority.day
  package var entries: [Entry] = []
  package var number: Int? = 7
  package var base: Int?
  package var freshest: [String] = []
  /// The content of `IssuingDistributionPoint`, if any.
  package var scope: [UInt8]?
  package var keyIdentifier: ArraySlice<UInt8>?
  package var extra: [UInt8] = []
  package var signer: Signer

  package init(
    _ authority: TestAuthority, revoking entries: [Entry] = [], _ edit: (inout TestRevocationList) -> Void = { _ in }
  ) {
    issuer = authority.certificate.subject
    keyIdentifier = authority.keyIdentifier
    signer = Self.signer(authority.key, authority.algorithm)
    self.entries = entries
    edit(&self)
  }

  package static func signer(_ key: Certificate.PrivateKey, _ algorithm: Certificate.SignatureAlgorithm) -> Signer {
    let identifiers: [Certificate.SignatureAlgorithm: [UInt8]] = [
      .ecdsaWithSHA256: DERText.sequence(DERText.oid([1, 2, 840, 10045, 4, 3, 2])),
      .ecdsaWithSHA384: DERText.sequence(DERText.oid([1, 2, 840, 10045, 4, 3, 3])),
      .ecdsaWithSHA512: DERText.sequence(DERText.oid([1, 2, 840, 10045, 4, 3, 4])),
      .ed25519: DERText.sequence(DERText.oid([1, 3, 101, 112])),
      .sha256WithRSAEncryption: DERText.sequence(DERText.oid([1, 2, 840, 113549, 1, 1, 11]), [5, 0]),
      .sha384WithRSAEncryption: DERText.sequence(DERText.oid([1, 2, 840, 113549, 1, 1, 12]), [5, 0]),
      .sha512WithRSAEncryption: DERText.sequence(DERText.oid([1, 2, 840, 113549, 1, 1, 13]), [5, 0]),
      .sha1WithRSAEncryption: DERText.sequence(DERText.oid([1, 2, 840, 113549, 1, 1, 5]), [5, 0]),
    ]
    return Signer(identifiers[algorithm] ?? []) {
      try key.sign(bytes: $0, signatureAlgorithm: algorithm).rawRepresentation
    }
  }

  /// RSASSA-PSS with SHA-256, MGF1 with SHA-256, salt of 32 bytes (RFC 4055 3.1).
  package static func pssSigner(_ key: _RSA.Signing.PrivateKey) -> Signer {
    let sha256 = DERText.sequence(DERText.oid([2, 16, 840, 1, 101, 3, 4, 2, 1]), [5, 0])
    let parameters = DERText.sequence(
      DERText.element(0xa0, sha256),
      DERText.element(0xa1, DERText.sequence(DERText.oid([1, 2, 840, 113549, 1, 1, 8]), sha256)),
      DERText.element(0xa2, DERText.integer(32)))
    return Signer(DERText.sequence(DERText.oid([1, 2, 840, 113549, 1, 1, 10]), parameters)) {
      Array(try key.signature(for: SHA256.hash(data: $0), padding: .PSS).rawRepresentation)
    }
  }

  package func encoded() throws -> [UInt8] {
    let list = entries.map { entry in
      var extensions: [UInt8] = entry.extra
      if let reason = entry.reason {
        extensions += DERText.extension([2, 5, 29, 21], DERText.element(0x0a, [UInt8(reason)]))
      }
      if let issuer = entry.certificateIssuer {
        let names = DERText.sequence(DERText.element(0xa4, DERText.encoded(issuer)))
        extensions += DERText.extension([2, 5, 29, 29], critical: true, names)
      }
      return DERText.sequence(
        DERText.integer(bytes: entry.serial), DERText.utcTime(entry.date),
        extensions.isEmpty ? [] : DERText.sequence(extensions))
    }
    var extensions = extra
    if let keyIdentifier {
      extensions += DERText.extension(
        [2, 5, 29, 35], DERText.sequence(DERText.element(0x80, Array(keyIdentifier))))
    }
    if let number { extensions += DERText.extension([2, 5, 29, 20], DERText.integer(number)) }
    if let base { extensions += DERText.extension([2, 5, 29, 27], critical: true, DERText.integer(base)) }
    if let scope { extensions += DERText.extension([2, 5, 29, 28], critical: true, DERText.sequence(scope)) }
    if !freshest.isEmpty {
      let points = DERText.sequence(DERText.sequence(DERText.element(0xa0, DERText.locations(0xa0, freshest))))
      extensions += DERText.extension([2, 5, 29, 46], points)
    }
    let tbs = DERText.sequence(
      DERText.integer(1), signer.algorithmIdentifier, DERText.encoded(issuer), DERText.utcTime(thisUpdate),
      nextUpdate.map { DERText.utcTime($0) } ?? [],
      list.isEmpty ? [] : DERText.sequence(list.flatMap { $0 }),
      extensions.isEmpty ? [] : DERText.element(0xa0, DERText.sequence(extensions)))
    return DERText.sequence(tbs, signer.algorithmIdentifier, DERText.element(0x03, [0] + (try signer.sign(tbs))))
  }
}

/// The content of `IssuingDistributionPoint` (RFC 5280 5.2.5).
package enum TestScope {
  package static func locations(_ locations: [String]) -> [UInt8] {
    DERText.element(0xa0, DERText.locations(0xa0, locations))
  }
  package static let onlyUsers: [UInt8] = [0x81, 1, 0xff]
  package static let onlyAuthorities: [UInt8] = [0x82, 1, 0xff]
  package static func reasons(_ bits: [UInt8]) -> [UInt8] { DERText.element(0x83, bits) }
  package static let indirect: [UInt8] = [0x84, 1, 0xff]
}
