// SPDX-License-Identifier: Apache-2.0

/// The comparisons of text that SCIM knows.
package enum SCIMText {
  /// Attribute names and schema URIs match without regard to ASCII case (RFC 7643 2.1).
  package static func namesMatch(_ left: String, _ right: String) -> Bool {
    if left == right { return true }
    let left = left.utf8
    let right = right.utf8
    guard left.count == right.count else { return false }
    return zip(left, right).allSatisfy { lower($0) == lower($1) }
  }

  /// The form in which values of attributes that are not `caseExact` are compared; an index over such an attribute
  /// stores it.
  package static func folded(_ text: String) -> String { text.lowercased() }

  static func hasPrefix(_ text: String, _ prefix: String) -> Bool {
    text.utf8.count >= prefix.utf8.count && zip(text.utf8, prefix.utf8).allSatisfy { lower($0) == lower($1) }
  }

  private static func lower(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }
}
