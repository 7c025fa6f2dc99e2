// SPDX-License-Identifier: Apache-2.0

import SwiftASN1

/// One tag, length and value of X.690, found without building a tree of what is inside.
///
/// A revocation list can hold a million entries; SwiftASN1 keeps a node for each element of each of them. The outer
/// structure is cut with this cursor, and SwiftASN1 decodes the parts that are looked at.
struct DERElement {
  /// The identifier octet; only low tag numbers occur in a certificate list.
  let tag: UInt8
  /// Identifier, length and content octets.
  let encoded: ArraySlice<UInt8>
  let content: ArraySlice<UInt8>

  enum Failure: Error {
    case truncated, badLength
    case unexpected(tag: UInt8)
    case trailingBytes
  }

  static let sequence: UInt8 = 0x30
  static let integer: UInt8 = 0x02
  static let bitString: UInt8 = 0x03
  static let utcTime: UInt8 = 0x17
  static let generalizedTime: UInt8 = 0x18
  /// `[0] EXPLICIT`.
  static let context0: UInt8 = 0xa0

  /// Cuts the first element off `bytes`.
  static func next(_ bytes: inout ArraySlice<UInt8>) throws(Failure) -> DERElement {
    let start = bytes.startIndex
    let end = bytes.endIndex
    guard end - start >= 2 else { throw .truncated }
    let tag = bytes[start]
    guard tag & 0x1f != 0x1f else { throw .unexpected(tag: tag) }
    var position = start + 2
    var length = Int(bytes[start + 1])
    if length >= 0x80 {
      let count = length & 0x7f
      // Four length octets are 4 GB, beyond every limit of this target; 0x80 is BER's indefinite form.
      guard (1...4).contains(count) else { throw .badLength }
      guard end - position >= count else { throw .truncated }
      length = 0
      for _ in 0..<count {
        length = length << 8 | Int(bytes[position])
        position += 1
      }
      // X.690 10.1: the definite form in the fewest octets.
      guard length >= 0x80, length >> ((count - 1) * 8) != 0 else { throw .badLength }
    }
    guard end - position >= length else { throw .truncated }
    defer { bytes = bytes[(position + length)...] }
    return DERElement(
      tag: tag, encoded: bytes[start..<position + length], content: bytes[position..<position + length])
  }

  static func next(_ bytes: inout ArraySlice<UInt8>, tag: UInt8) throws(Failure) -> DERElement {
    let element = try next(&bytes)
    guard element.tag == tag else { throw .unexpected(tag: element.tag) }
    return element
  }

  /// Cuts the first element off if it has the tag.
  static func nextIfPresent(_ bytes: inout ArraySlice<UInt8>, tag: UInt8) throws(Failure) -> DERElement? {
    guard bytes.first == tag else { return nil }
    return try next(&bytes)
  }
}
