// SPDX-License-Identifier: Apache-2.0

import Wire

/// A DNS name in lower case, checked by the rules for host names (RFC 1123 2.1; 253 and 63 bytes by RFC 1035 2.3.4).
struct DomainName: Hashable {
  let text: String

  /// - Throws: ``TenantError`` `invalidDomain`.
  init(_ name: String) throws(TenantError) {
    var name = name.lowercased()
    if name.hasSuffix(".") { name.removeLast() }
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    guard name.utf8.count <= 253, labels.count >= 2, labels.allSatisfy(Self.isLabel) else {
      throw TenantError(
        .invalidDomain, "\(name.prefix(64)) is no domain name.",
        remedy: "Name a domain with at least two labels of letters, digits and hyphens, for example example.com.")
    }
    text = name
  }

  private static func isLabel(_ label: Substring) -> Bool {
    (1...63).contains(label.utf8.count) && label.utf8.first != UInt8(ascii: "-")
      && label.utf8.last != UInt8(ascii: "-")
      && label.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
      }
  }
}
