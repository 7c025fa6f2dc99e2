// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SwiftASN1
import X509

/// RFC 5280 5.1.2.6, one entry of `revokedCertificates`:
/// ```
/// SEQUENCE {
///   userCertificate    CertificateSerialNumber,
///   revocationDate     Time,
///   crlEntryExtensions Extensions OPTIONAL }
/// ```
struct RevokedCertificate: Sendable, Hashable {
  var serial: ArraySlice<UInt8>
  var revocationDate: Date
  var reason: RevocationReason
  /// 5.3.3 `certificateIssuer`: set where the entry opens a new issuer's run in an indirect list.
  var certificateIssuer: DistinguishedName?

  private static let reasonCode: ASN1ObjectIdentifier = [2, 5, 29, 21]
  private static let holdInstructionCode: ASN1ObjectIdentifier = [2, 5, 29, 23]
  private static let invalidityDate: ASN1ObjectIdentifier = [2, 5, 29, 24]
  private static let certificateIssuerID: ASN1ObjectIdentifier = [2, 5, 29, 29]

  /// An entry cut into its fields; dates and extensions are decoded only where they matter.
  struct Raw {
    let serial: ArraySlice<UInt8>
    let date: DERElement
    let extensions: ArraySlice<UInt8>?

    init(_ entries: inout ArraySlice<UInt8>) throws {
      var fields = try DERElement.next(&entries, tag: DERElement.sequence).content
      serial = try DERElement.next(&fields, tag: DERElement.integer).content
      date = try DERElement.next(&fields)
      extensions = try DERElement.nextIfPresent(&fields, tag: DERElement.sequence)?.encoded
      guard fields.isEmpty else { throw DERElement.Failure.trailingBytes }
    }
  }

  init(_ raw: Raw) throws {
    serial = raw.serial
    revocationDate = try ASN1Time.date(raw.date)
    reason = .unspecified
    guard let extensions = raw.extensions else { return }
    let list = try DER.sequence(of: Certificate.Extension.self, identifier: .sequence, rootNode: DER.parse(extensions))
    for item in list {
      switch item.oid {
      case Self.reasonCode:
        // `CRLReason` is an ENUMERATED: an INTEGER under tag 10.
        let value = try Int(
          derEncoded: DER.parse(item.value), withIdentifier: ASN1Identifier(tagWithNumber: 10, tagClass: .universal))
        reason = RevocationReason(rawValue: value) ?? .unspecified
      case Self.certificateIssuerID:
        let names = try DER.sequence(of: GeneralName.self, identifier: .sequence, rootNode: DER.parse(item.value))
        for case .directoryName(let name) in names { certificateIssuer = name }
        guard certificateIssuer != nil else { throw UnknownCriticalExtension(oid: item.oid) }
      case Self.holdInstructionCode, Self.invalidityDate:
        break
      default:
        if item.critical { throw UnknownCriticalExtension(oid: item.oid) }
      }
    }
  }
}

/// RFC 5280 5.2 and 5.3: a list with a critical extension that is not understood must not be used.
struct UnknownCriticalExtension: Error, CustomStringConvertible {
  var oid: ASN1ObjectIdentifier
  var description: String { "critical extension \(oid) is not understood" }
}
