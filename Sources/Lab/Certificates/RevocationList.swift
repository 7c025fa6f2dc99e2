// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import SwiftASN1
import Wire
import X509

/// A certificate revocation list, version 2 (RFC 5280 5.1), signed with ECDSA and SHA-256.
///
/// ```
/// TBSCertList ::= SEQUENCE { version INTEGER (1), signature AlgorithmIdentifier, issuer Name, thisUpdate Time,
///   nextUpdate Time OPTIONAL, revokedCertificates SEQUENCE OF SEQUENCE { userCertificate INTEGER, revocationDate Time,
///   crlEntryExtensions Extensions OPTIONAL } OPTIONAL, crlExtensions [0] EXPLICIT Extensions OPTIONAL }
/// ```
struct RevocationList {
  private static let ecdsaWithSHA256: ASN1ObjectIdentifier = [1, 2, 840, 10045, 4, 3, 2]
  private static let authorityKeyIdentifier: ASN1ObjectIdentifier = [2, 5, 29, 35]
  private static let crlNumber: ASN1ObjectIdentifier = [2, 5, 29, 20]
  private static let reasonCode: ASN1ObjectIdentifier = [2, 5, 29, 21]

  var issuer: DistinguishedName
  var authorityKeyIdentifier: ArraySlice<UInt8>?
  var thisUpdate: Date
  var nextUpdate: Date
  var number: Int
  var revocations: [LabCertificateAuthority.Revocation]

  func signed(by key: P256.Signing.PrivateKey) throws -> [UInt8] {
    let body = try toBeSigned()
    let signature = try key.signature(for: body).derRepresentation
    var coder = DER.Serializer()
    try coder.appendConstructedNode(identifier: .sequence) { coder in
      coder.serializeRawBytes(body)
      try algorithm(&coder)
      try coder.serialize(ASN1BitString(bytes: [UInt8](signature)[...]))
    }
    return coder.serializedBytes
  }

  private func toBeSigned() throws -> [UInt8] {
    var coder = DER.Serializer()
    try coder.appendConstructedNode(identifier: .sequence) { coder in
      try coder.serialize(1)
      try algorithm(&coder)
      try coder.serialize(issuer)
      try time(thisUpdate, &coder)
      try time(nextUpdate, &coder)
      if !revocations.isEmpty {
        try coder.appendConstructedNode(identifier: .sequence) { coder in
          for revocation in revocations { try entry(revocation, &coder) }
        }
      }
      try coder.appendConstructedNode(identifier: ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)) {
        coder in
        try coder.appendConstructedNode(identifier: .sequence) { coder in
          if let authorityKeyIdentifier {
            try added(Self.authorityKeyIdentifier, &coder) { coder in
              coder.appendConstructedNode(identifier: .sequence) { coder in
                coder.appendPrimitiveNode(identifier: ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)) {
                  $0.append(contentsOf: authorityKeyIdentifier)
                }
              }
            }
          }
          try added(Self.crlNumber, &coder) { try $0.serialize(number) }
        }
      }
    }
    return coder.serializedBytes
  }

  private func entry(_ revocation: LabCertificateAuthority.Revocation, _ coder: inout DER.Serializer) throws {
    try coder.appendConstructedNode(identifier: .sequence) { coder in
      coder.appendPrimitiveNode(identifier: .integer) { $0.append(contentsOf: Self.positive(revocation.serialNumber)) }
      try time(revocation.date, &coder)
      // Without a reason the extension is left out (RFC 5280 5.3.1).
      guard revocation.reason != CRLReason.unspecified.rawValue else { return }
      try coder.appendConstructedNode(identifier: .sequence) { coder in
        try added(Self.reasonCode, &coder) { coder in
          coder.appendPrimitiveNode(identifier: .enumerated) { $0.append(UInt8(truncatingIfNeeded: revocation.reason)) }
        }
      }
    }
  }

  /// The content of a DER INTEGER that is not negative: as short as possible, with a zero before a high bit.
  static func positive(_ magnitude: [UInt8]) -> [UInt8] {
    let digits = magnitude.drop { $0 == 0 }
    guard let first = digits.first else { return [0] }
    return first & 0x80 == 0 ? Array(digits) : [0] + digits
  }

  private func algorithm(_ coder: inout DER.Serializer) throws {
    try coder.appendConstructedNode(identifier: .sequence) { try $0.serialize(Self.ecdsaWithSHA256) }
  }

  /// An Extension that is not critical: its value is DER inside an octet string.
  private func added(
    _ identifier: ASN1ObjectIdentifier, _ coder: inout DER.Serializer, _ value: (inout DER.Serializer) throws -> Void
  ) throws {
    var inner = DER.Serializer()
    try value(&inner)
    let bytes = inner.serializedBytes
    try coder.appendConstructedNode(identifier: .sequence) { coder in
      try coder.serialize(identifier)
      try coder.serialize(ASN1OctetString(contentBytes: bytes[...]))
    }
  }

  /// UTCTime until 2049, GeneralizedTime after (RFC 5280 5.1.2.4).
  private func time(_ date: Date, _ coder: inout DER.Serializer) throws {
    let parts = CivilTime(unixSeconds: Int64(date.timeIntervalSince1970.rounded(.down)))
    if (1950..<2050).contains(parts.year) {
      try coder.serialize(
        UTCTime(
          year: parts.year, month: parts.month, day: parts.day, hours: parts.hour, minutes: parts.minute,
          seconds: parts.second))
    } else {
      try coder.serialize(
        GeneralizedTime(
          year: parts.year, month: parts.month, day: parts.day, hours: parts.hour, minutes: parts.minute,
          seconds: parts.second, fractionalSeconds: 0))
    }
  }
}
