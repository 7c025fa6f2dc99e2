// SPDX-License-Identifier: Apache-2.0

import Crypto
package import FoundationEssentials
import SwiftASN1
import Wire
import X509

/// A certificate revocation list as it was received: decoded, its signature not yet verified (RFC 5280 5.1).
/// ```
/// CertificateList ::= SEQUENCE {
///   tbsCertList        TBSCertList,
///   signatureAlgorithm AlgorithmIdentifier,
///   signatureValue     BIT STRING }
/// TBSCertList ::= SEQUENCE {
///   version             Version OPTIONAL,
///   signature           AlgorithmIdentifier,
///   issuer              Name,
///   thisUpdate          Time,
///   nextUpdate          Time OPTIONAL,
///   revokedCertificates SEQUENCE OF SEQUENCE { … } OPTIONAL,
///   crlExtensions       [0] EXPLICIT Extensions OPTIONAL }
/// ```
/// Deviation: a list without `nextUpdate` is refused, since RFC 5280 5.1.2.5 obliges issuers to include it and nothing
/// else would say how long it may be believed.
package struct CertificateList: Sendable {
  /// The largest list that is downloaded and decoded; the largest that public authorities publish are about 20 MB.
  package static let maximumBytes = 32 << 20
  /// The most entries that are decoded; 1,000,000 of the smallest fill ``maximumBytes``.
  package static let maximumEntries = 1_000_000

  package let derBytes: [UInt8]
  /// SHA-256 of ``derBytes``.
  let digest: [UInt8]
  package let thisUpdate: Date
  package let nextUpdate: Date
  let issuer: DistinguishedName
  /// 5.2.3 `cRLNumber`, big-endian without leading zeros; empty when the list has none.
  let crlNumber: [UInt8]?
  /// 5.2.4 `BaseCRLNumber`: set in a delta list.
  let baseCRLNumber: [UInt8]?
  let issuingDistributionPoint: IssuingDistributionPoint?
  /// 5.2.6: where this list's delta lists are.
  let freshestCRL: [DistributionPoint]
  /// 5.2.1 `keyIdentifier` of `authorityKeyIdentifier`.
  let authorityKeyIdentifier: ArraySlice<UInt8>?
  private let tbsCertList: ArraySlice<UInt8>
  private let index: RevocationIndex
  private let signature: ListSignature
  private let signatureValue: ArraySlice<UInt8>

  /// Decodes DER, or PEM with the label `X509 CRL` (RFC 7468 6).
  ///
  /// - Parameter location: where it came from, for the error's text.
  /// - Throws: ``TrustError`` with code `listMalformed`.
  package init(_ bytes: [UInt8], from location: String) throws(TrustError) {
    guard bytes.count <= Self.maximumBytes else {
      throw TrustError(
        .listMalformed, "The CRL at \(location) has \(bytes.count) bytes; the limit is \(Self.maximumBytes).")
    }
    do {
      try self.init(der: Self.unarmoured(bytes))
    } catch {
      throw TrustError(.listMalformed, "The CRL at \(location) cannot be decoded: \(error).")
    }
  }

  private static func unarmoured(_ bytes: [UInt8]) throws -> [UInt8] {
    guard bytes.starts(with: Array("-----BEGIN".utf8)) else { return bytes }
    let document = try PEMDocument(pemString: String(decoding: bytes, as: UTF8.self))
    guard document.discriminator == "X509 CRL" else { throw Malformed(reason: "PEM label \(document.discriminator)") }
    return document.derBytes
  }

  private init(der: [UInt8]) throws {
    derBytes = der
    digest = Array(SHA256.hash(data: der))
    var rest = der[...]
    var list = try DERElement.next(&rest, tag: DERElement.sequence).content
    guard rest.isEmpty else { throw Malformed(reason: "\(rest.count) bytes follow the list") }
    let tbs = try DERElement.next(&list, tag: DERElement.sequence)
    let outerAlgorithm = try DERElement.next(&list, tag: DERElement.sequence).encoded
    let value = try ASN1BitString(derEncoded: DERElement.next(&list, tag: DERElement.bitString).encoded)
    guard list.isEmpty, value.paddingBits == 0 else { throw Malformed(reason: "signatureValue") }
    tbsCertList = tbs.encoded
    signatureValue = value.bytes

    var fields = tbs.content
    if let version = try DERElement.nextIfPresent(&fields, tag: DERElement.integer) {
      guard Array(version.content) == [1] else { throw Malformed(reason: "version is not v2") }
    }
    let innerAlgorithm = try DERElement.next(&fields, tag: DERElement.sequence).encoded
    guard innerAlgorithm == outerAlgorithm else { throw Malformed(reason: "the two signature algorithms differ") }
    guard let signature = try ListSignature(algorithmIdentifier: innerAlgorithm) else {
      throw Malformed(reason: "signature algorithm not accepted")
    }
    self.signature = signature
    issuer = try DistinguishedName(derEncoded: DER.parse(DERElement.next(&fields, tag: DERElement.sequence).encoded))
    thisUpdate = try ASN1Time.date(DERElement.next(&fields))
    guard fields.first == DERElement.utcTime || fields.first == DERElement.generalizedTime else {
      throw Malformed(reason: "no nextUpdate")
    }
    nextUpdate = try ASN1Time.date(DERElement.next(&fields))
    let entries = try DERElement.nextIfPresent(&fields, tag: DERElement.sequence)?.content ?? []
    let extensions = try Extensions(DERElement.nextIfPresent(&fields, tag: DERElement.context0))
    guard fields.isEmpty else { throw Malformed(reason: "\(fields.count) bytes follow the last field") }
    crlNumber = extensions.crlNumber
    baseCRLNumber = extensions.baseCRLNumber
    issuingDistributionPoint = extensions.issuingDistributionPoint
    freshestCRL = extensions.freshestCRL
    authorityKeyIdentifier = extensions.authorityKeyIdentifier

    index = try Self.index(entries, isIndirect: extensions.issuingDistributionPoint?.indirectCRL ?? false)
  }

  private static func index(_ entries: ArraySlice<UInt8>, isIndirect: Bool) throws -> RevocationIndex {
    var index = RevocationIndex()
    var remaining = entries
    while !remaining.isEmpty {
      guard index.count < maximumEntries else { throw Malformed(reason: "more than \(maximumEntries) entries") }
      let offset = remaining.startIndex
      let entry = try RevokedCertificate.Raw(&remaining)
      if entry.extensions != nil {
        let issuer = try RevokedCertificate(entry).certificateIssuer
        if isIndirect, let issuer { index.change(issuer: issuer, at: offset) }
      }
      index.add(serial: entry.serial, at: offset)
    }
    index.sort()
    return index
  }

  package var entryCount: Int { index.count }

  /// What the list takes of memory, nearly.
  var byteCount: Int { derBytes.count + index.byteCount }

  struct Malformed: Error, CustomStringConvertible {
    var reason: String
    var description: String { reason }
  }

  func isSigned(by key: Certificate.PublicKey) -> Bool {
    signature.isValid(signatureValue, over: tbsCertList, by: key)
  }

  /// The entry for a certificate. In an indirect list an entry without `certificateIssuer` belongs to the issuer of the
  /// entry before it, the first one to the list's issuer (RFC 5280 5.3.3).
  func entry(serial: ArraySlice<UInt8>, issuer certificateIssuer: DistinguishedName) throws -> RevokedCertificate? {
    let wanted = Self.trimmed(serial)
    for offset in index.offsets(of: wanted) where index.issuer(at: offset) ?? issuer == certificateIssuer {
      var rest = derBytes[offset...]
      let raw = try RevokedCertificate.Raw(&rest)
      if Self.trimmed(raw.serial) == wanted { return try RevokedCertificate(raw) }
    }
    return nil
  }

  /// Without leading zero octets, so that two encodings of one number compare equal.
  static func trimmed(_ number: ArraySlice<UInt8>) -> ArraySlice<UInt8> { number.drop { $0 == 0 } }
}

extension CertificateList {
  /// RFC 5280 5.2: the extensions of a list.
  struct Extensions {
    var crlNumber: [UInt8]?
    var baseCRLNumber: [UInt8]?
    var issuingDistributionPoint: IssuingDistributionPoint?
    var freshestCRL: [DistributionPoint] = []
    var authorityKeyIdentifier: ArraySlice<UInt8>?

    static let crlNumberID: ASN1ObjectIdentifier = [2, 5, 29, 20]
    static let deltaCRLIndicatorID: ASN1ObjectIdentifier = [2, 5, 29, 27]
    static let issuingDistributionPointID: ASN1ObjectIdentifier = [2, 5, 29, 28]
    static let freshestCRLID: ASN1ObjectIdentifier = [2, 5, 29, 46]

    init(_ element: DERElement?) throws {
      guard let element else { return }
      let list = try DER.sequence(
        of: Certificate.Extension.self, identifier: .sequence, rootNode: DER.parse(element.content))
      for item in list {
        switch item.oid {
        case Self.crlNumberID: crlNumber = try Self.number(item.value)
        case Self.deltaCRLIndicatorID: baseCRLNumber = try Self.number(item.value)
        case Self.issuingDistributionPointID:
          issuingDistributionPoint = try IssuingDistributionPoint(derEncoded: item.value)
        case Self.freshestCRLID: freshestCRL = try DistributionPoint.points(item.value)
        case .X509ExtensionID.authorityKeyIdentifier:
          authorityKeyIdentifier = try AuthorityKeyIdentifier(item).keyIdentifier
        default:
          if item.critical { throw UnknownCriticalExtension(oid: item.oid) }
        }
      }
    }

    /// RFC 5280 5.2.3: a number of up to 20 octets.
    private static func number(_ value: ArraySlice<UInt8>) throws -> [UInt8] {
      var rest = value
      let content = try DERElement.next(&rest, tag: DERElement.integer).content
      guard rest.isEmpty, let first = content.first, first & 0x80 == 0, content.count <= 21 else {
        throw Malformed(reason: "CRL number")
      }
      return Array(CertificateList.trimmed(content))
    }
  }

  /// Compares two numbers without leading zeros.
  static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count ? left.lexicographicallyPrecedes(right) : left.count < right.count
  }
}
