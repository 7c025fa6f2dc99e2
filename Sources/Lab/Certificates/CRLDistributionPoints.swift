// SPDX-License-Identifier: Apache-2.0

import SwiftASN1
import X509

/// Where revocation lists are published (RFC 5280 4.2.1.13).
///
/// ```
/// CRLDistributionPoints ::= SEQUENCE SIZE (1..MAX) OF DistributionPoint
/// DistributionPoint ::= SEQUENCE { distributionPoint [0] DistributionPointName OPTIONAL, … }
/// DistributionPointName ::= CHOICE { fullName [0] GeneralNames, … }
/// ```
struct CRLDistributionPoints {
  static let identifier: ASN1ObjectIdentifier = [2, 5, 29, 31]

  /// One distribution point each.
  var urls: [String]

  func encoded() throws -> Certificate.Extension {
    let name = ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)
    let uri = ASN1Identifier(tagWithNumber: 6, tagClass: .contextSpecific)
    var coder = DER.Serializer()
    coder.appendConstructedNode(identifier: .sequence) { coder in
      for url in urls {
        coder.appendConstructedNode(identifier: .sequence) { coder in
          coder.appendConstructedNode(identifier: name) { coder in
            coder.appendConstructedNode(identifier: name) { coder in
              coder.appendPrimitiveNode(identifier: uri) { $0.append(contentsOf: url.utf8) }
            }
          }
        }
      }
    }
    return Certificate.Extension(oid: Self.identifier, critical: false, value: coder.serializedBytes[...])
  }
}
