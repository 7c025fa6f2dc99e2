// SPDX-License-Identifier: Apache-2.0

import SwiftASN1
import X509

/// RFC 5280 5.2.5, always critical: which certificates a list covers.
/// ```
/// IssuingDistributionPoint ::= SEQUENCE {
///   distributionPoint          [0] DistributionPointName OPTIONAL,
///   onlyContainsUserCerts      [1] BOOLEAN DEFAULT FALSE,
///   onlyContainsCACerts        [2] BOOLEAN DEFAULT FALSE,
///   onlySomeReasons            [3] ReasonFlags OPTIONAL,
///   indirectCRL                [4] BOOLEAN DEFAULT FALSE,
///   onlyContainsAttributeCerts [5] BOOLEAN DEFAULT FALSE }
/// ```
struct IssuingDistributionPoint: DERParseable, Sendable, Hashable {
  var name: DistributionPointName?
  var onlyContainsUserCerts = false
  var onlyContainsCACerts = false
  /// Nil stands for every reason.
  var onlySomeReasons: ReasonFlags?
  var indirectCRL = false
  var onlyContainsAttributeCerts = false

  init() {}

  init(derEncoded node: ASN1Node) throws {
    self = try DER.sequence(node, identifier: .sequence) { nodes in
      var point = IssuingDistributionPoint()
      point.name = try DER.optionalExplicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) {
        try DistributionPointName(derEncoded: $0)
      }
      point.onlyContainsUserCerts = try Self.flag(&nodes, 1)
      point.onlyContainsCACerts = try Self.flag(&nodes, 2)
      point.onlySomeReasons = try DER.optionalImplicitlyTagged(&nodes, tagNumber: 3, tagClass: .contextSpecific) {
        ReasonFlags(bitString: try ASN1BitString(derEncoded: $0, withIdentifier: $0.identifier).bytes)
      }
      point.indirectCRL = try Self.flag(&nodes, 4)
      point.onlyContainsAttributeCerts = try Self.flag(&nodes, 5)
      return point
    }
  }

  private static func flag(_ nodes: inout ASN1NodeCollection.Iterator, _ number: UInt) throws -> Bool {
    try DER.optionalImplicitlyTagged(&nodes, tagNumber: number, tagClass: .contextSpecific) {
      try Bool(derEncoded: $0, withIdentifier: $0.identifier)
    } ?? false
  }
}
