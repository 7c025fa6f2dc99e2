// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A cursor over basic-encoding-rules elements as RFC 4511 5.1 restricts them: definite lengths, single-octet tags,
/// primitive octet strings.
///
/// Octet strings are slices of the one buffer: reading copies nothing. Nothing is believed of a length before it was
/// held against the enclosing element.
package struct BERReader {
  package let bytes: [UInt8]
  package private(set) var position: Int
  package let end: Int
  /// How many further levels may be entered.
  private let depth: Int

  package init(_ bytes: [UInt8], depth: Int = LDAPLimits.standard.nestingDepth) {
    self.bytes = bytes
    position = 0
    end = bytes.count
    self.depth = depth
  }

  package init(_ slice: ArraySlice<UInt8>, depth: Int = LDAPLimits.standard.nestingDepth) {
    self.init(Array(slice), depth: depth)
  }

  /// Reads a part of `bytes`.
  package init(_ bytes: [UInt8], _ range: Range<Int>, depth: Int = LDAPLimits.standard.nestingDepth) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
    self.depth = depth
  }

  package var isAtEnd: Bool { position >= end }
  package var remaining: Int { end - position }

  /// The next element's tag, nil at the end.
  package var nextTag: UInt8? { position < end ? bytes[position] : nil }

  /// Reads tag and length; afterwards ``position`` is at the first content octet.
  package mutating func readHeader() throws(ByteError) -> (tag: UInt8, length: Int) {
    guard end - position >= 2 else {
      throw .truncated(offset: position, wanted: 2, available: end - position)
    }
    let tag = bytes[position]
    guard tag & 0x1F != 0x1F else { throw .malformed(offset: position, reason: "multi-octet tag") }
    var length = Int(bytes[position + 1])
    var offset = position + 2
    if length & 0x80 != 0 {
      let octets = length & 0x7F
      guard octets != 0 else { throw .malformed(offset: position + 1, reason: "indefinite length") }
      guard octets <= 8 else { throw .malformed(offset: position + 1, reason: "length of \(octets) octets") }
      guard end - offset >= octets else {
        throw .truncated(offset: offset, wanted: octets, available: end - offset)
      }
      length = 0
      for _ in 0..<octets {
        guard length <= Int(Int32.max) >> 8 else {
          throw .malformed(offset: position + 1, reason: "length beyond 2^31 octets")
        }
        length = length << 8 | Int(bytes[offset])
        offset += 1
      }
    }
    guard length <= end - offset else {
      throw .truncated(offset: offset, wanted: length, available: end - offset)
    }
    position = offset
    return (tag, length)
  }

  /// Reads the header of an element that must carry `tag` and moves behind the element.
  /// - Returns: the range of the content octets.
  package mutating func readContent(_ tag: UInt8) throws(ByteError) -> Range<Int> {
    let start = position
    let header = try readHeader()
    guard header.tag == tag else {
      throw .malformed(offset: start, reason: "tag \(Hex.encode([header.tag])) where \(Hex.encode([tag])) belongs")
    }
    let range = position..<position + header.length
    position = range.upperBound
    return range
  }

  /// Moves behind a constructed element and returns a reader of its content.
  package mutating func enter(_ tag: UInt8 = BERTag.sequence) throws(ByteError) -> BERReader {
    guard depth > 0 else { throw .malformed(offset: position, reason: "elements nested too deeply") }
    let range = try readContent(tag)
    return BERReader(bytes, range, depth: depth - 1)
  }

  /// The content as it lies in the message; nothing is copied.
  package mutating func readOctetString(_ tag: UInt8 = BERTag.octetString) throws(ByteError) -> ArraySlice<UInt8> {
    bytes[try readContent(tag)]
  }

  /// An LDAPString: UTF-8 (RFC 4511 4.1.2); ill-formed parts become U+FFFD.
  package mutating func readString(_ tag: UInt8 = BERTag.octetString) throws(ByteError) -> String {
    let range = try readContent(tag)
    return bytes.withUnsafeBufferPointer { String(decoding: $0[range], as: UTF8.self) }
  }

  /// A two's complement integer of one to eight octets.
  package mutating func readInteger(_ tag: UInt8 = BERTag.integer) throws(ByteError) -> Int64 {
    let range = try readContent(tag)
    guard (1...8).contains(range.count) else {
      throw .malformed(offset: range.lowerBound, reason: "integer of \(range.count) octets")
    }
    var value: Int64 = bytes[range.lowerBound] & 0x80 == 0 ? 0 : -1
    for offset in range { value = value << 8 | Int64(bytes[offset]) }
    return value
  }

  /// An integer within `0...Int32.max` (`maxInt` of RFC 4511).
  package mutating func readCount(_ tag: UInt8 = BERTag.integer) throws(ByteError) -> Int32 {
    let start = position
    let value = try readInteger(tag)
    guard value >= 0, let count = Int32(exactly: value) else {
      throw .malformed(offset: start, reason: "\(value) is no count")
    }
    return count
  }

  /// One octet; anything but zero is true (X.690 8.2).
  package mutating func readBoolean(_ tag: UInt8 = BERTag.boolean) throws(ByteError) -> Bool {
    let range = try readContent(tag)
    guard range.count == 1 else {
      throw .malformed(offset: range.lowerBound, reason: "boolean of \(range.count) octets")
    }
    return bytes[range.lowerBound] != 0
  }
}
