// SPDX-License-Identifier: Apache-2.0

/// A Windows security identifier (MS-DTYP 2.4.2).
///
/// Wire form: `Revision` (1), `SubAuthorityCount` (at most 15), `IdentifierAuthority` (6 bytes, big-endian), then the
/// sub-authorities as little-endian 32-bit integers. Text form: `S-1-5-21-…`.
package struct SecurityIdentifier: Hashable, Sendable, CustomStringConvertible {
  /// MS-DTYP 2.4.2.2: `SubAuthorityCount` is at most 15.
  package static let maximumSubAuthorities = 15

  package let authority: UInt64
  package let subAuthorities: [UInt32]

  /// Reads exactly one identifier; trailing bytes are malformed.
  package init(_ bytes: some Collection<UInt8>) throws(ByteError) {
    var reader = ByteReader(Array(bytes))
    let revision = try reader.readByte()
    guard revision == 1 else { throw .malformed(offset: 0, reason: "SID revision \(revision)") }
    let count = Int(try reader.readByte())
    guard count <= Self.maximumSubAuthorities else {
      throw .malformed(offset: 1, reason: "SID with \(count) sub-authorities")
    }
    var authority: UInt64 = 0
    for byte in try reader.read(6) { authority = authority << 8 | UInt64(byte) }
    var subAuthorities: [UInt32] = []
    for _ in 0..<count { subAuthorities.append(try reader.readLittleEndian()) }
    guard reader.isAtEnd else {
      throw .malformed(offset: reader.position, reason: "\(reader.remaining) bytes after the SID")
    }
    self.authority = authority
    self.subAuthorities = subAuthorities
  }

  /// Reads the text form with a decimal authority; nil when it is none.
  package init?(_ text: String) {
    var text = text
    guard let value = text.withUTF8({ Self.numbers($0) }) else { return nil }
    (authority, subAuthorities) = value
  }

  /// The text form is in each link value of an import: it is read in one pass, digit by digit.
  private static func numbers(_ text: UnsafeBufferPointer<UInt8>) -> (UInt64, [UInt32])? {
    let dash = UInt8(ascii: "-")
    guard text.count >= 5, text[0] | 0x20 == UInt8(ascii: "s"), text[1] == dash, text[2] == UInt8(ascii: "1"),
      text[3] == dash
    else { return nil }
    var authority: UInt64?
    var subAuthorities: [UInt32] = []
    var position = 4
    while true {
      let start = position
      var number: UInt64 = 0
      while position < text.count, text[position] != dash {
        guard (0x30...0x39).contains(text[position]) else { return nil }
        number = number * 10 + UInt64(text[position] - 0x30)
        guard number < 1 << 48 else { return nil }
        position += 1
      }
      guard position > start else { return nil }
      if authority == nil {
        authority = number
        subAuthorities.reserveCapacity(5)
      } else {
        guard let value = UInt32(exactly: number), subAuthorities.count < maximumSubAuthorities else { return nil }
        subAuthorities.append(value)
      }
      guard position < text.count else { break }
      position += 1
    }
    return authority.map { ($0, subAuthorities) }
  }

  package var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.write([1, UInt8(subAuthorities.count)])
    writer.write((0..<6).map { UInt8(truncatingIfNeeded: authority >> (40 - 8 * UInt64($0))) })
    for value in subAuthorities { writer.writeLittleEndian(value) }
    return writer.bytes
  }

  /// The relative identifier: the last sub-authority.
  package var relativeIdentifier: UInt32? { subAuthorities.last }

  package var description: String {
    (["S", "1", String(authority)] + subAuthorities.map { String($0) }).joined(separator: "-")
  }
}
