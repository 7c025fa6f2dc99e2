// SPDX-License-Identifier: Apache-2.0

import SwiftASN1
import X509

/// RFC 5280 4.2.1.13:
/// ```
/// CRLDistributionPoints ::= SEQUENCE SIZE (1..MAX) OF DistributionPoint
/// DistributionPoint ::= SEQUENCE {
///   distributionPoint [0] DistributionPointName OPTIONAL,
///   reasons           [1] ReasonFlags OPTIONAL,
///   cRLIssuer         [2] GeneralNames OPTIONAL }
/// ```
/// FreshestCRL (4.2.1.15, 5.2.6) has the same syntax.
struct DistributionPoint: DERParseable, Sendable, Hashable {
  var name: DistributionPointName?
  /// Nil stands for every reason.
  var reasons: ReasonFlags?
  var crlIssuer: [GeneralName]

  init(name: DistributionPointName?, reasons: ReasonFlags? = nil, crlIssuer: [GeneralName] = []) {
    self.name = name
    self.reasons = reasons
    self.crlIssuer = crlIssuer
  }

  init(derEncoded node: ASN1Node) throws {
    self = try DER.sequence(node, identifier: .sequence) { nodes in
      let name = try DER.optionalExplicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) {
        try DistributionPointName(derEncoded: $0)
      }
      let reasons = try DER.optionalImplicitlyTagged(&nodes, tagNumber: 1, tagClass: .contextSpecific) {
        ReasonFlags(bitString: try ASN1BitString(derEncoded: $0, withIdentifier: $0.identifier).bytes)
      }
      let issuer = try DER.optionalImplicitlyTagged(&nodes, tagNumber: 2, tagClass: .contextSpecific) {
        try DER.sequence(of: GeneralName.self, identifier: $0.identifier, rootNode: $0)
      }
      return DistributionPoint(name: name, reasons: reasons, crlIssuer: issuer ?? [])
    }
  }

  /// The places where the list can be had, in the certificate's order.
  var locations: [String] {
    guard case .fullName(let names) = name else { return [] }
    return names.compactMap {
      guard case .uniformResourceIdentifier(let location) = $0 else { return nil }
      return location
    }
  }

  /// Reads `CRLDistributionPoints` or `FreshestCRL` from an extension's value.
  static func points(_ value: ArraySlice<UInt8>) throws -> [DistributionPoint] {
    try DER.sequence(of: DistributionPoint.self, identifier: .sequence, rootNode: DER.parse(value))
  }
}

/// RFC 5280 4.2.1.13:
/// ```
/// DistributionPointName ::= CHOICE {
///   fullName                [0] GeneralNames,
///   nameRelativeToCRLIssuer [1] RelativeDistinguishedName }
/// ```
enum DistributionPointName: DERParseable, Sendable, Hashable {
  case fullName([GeneralName])
  /// Kept as it travels: it is compared, never resolved.
  case nameRelativeToCRLIssuer(ASN1Any)

  init(derEncoded node: ASN1Node) throws {
    switch node.identifier {
    case ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific):
      self = .fullName(try DER.sequence(of: GeneralName.self, identifier: node.identifier, rootNode: node))
    case ASN1Identifier(tagWithNumber: 1, tagClass: .contextSpecific):
      self = .nameRelativeToCRLIssuer(ASN1Any(derEncoded: node))
    default:
      throw ASN1Error.unexpectedFieldType(node.identifier)
    }
  }

  /// RFC 5280 6.3.3 (b)(2)(i): whether one of the names is the same.
  func intersects(_ other: DistributionPointName) -> Bool {
    switch (self, other) {
    case (.fullName(let left), .fullName(let right)): !Set(left).isDisjoint(with: right)
    case (.nameRelativeToCRLIssuer(let left), .nameRelativeToCRLIssuer(let right)): left == right
    default: false
    }
  }
}
