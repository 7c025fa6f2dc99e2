// SPDX-License-Identifier: Apache-2.0

/// Why a byte sequence from outside could not be read. The offset counts from the start of the sequence.
package enum ByteError: Error, Hashable, Sendable, CustomStringConvertible {
  /// `wanted` bytes were needed at `offset`, only `available` were left.
  case truncated(offset: Int, wanted: Int, available: Int)
  /// The bytes at `offset` do not mean what the specification asks for there.
  case malformed(offset: Int, reason: String)

  package var description: String {
    switch self {
    case .truncated(let offset, let wanted, let available):
      "truncated at byte \(offset): \(wanted) bytes needed, \(available) left"
    case .malformed(let offset, let reason):
      "malformed at byte \(offset): \(reason)"
    }
  }
}

/// A cursor over bytes received from outside. Every read is bounds-checked and throws ``ByteError``; none traps.
package struct ByteReader: Sendable {
  package let bytes: [UInt8]
  /// The offset of the next byte to be read.
  package private(set) var position: Int
  /// One past the last byte that this reader may read.
  package let end: Int

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
    position = 0
    end = bytes.count
  }

  package init(_ slice: ArraySlice<UInt8>) { self.init(Array(slice)) }

  package var remaining: Int { end - position }
  package var isAtEnd: Bool { position == end }

  private func need(_ count: Int) throws(ByteError) {
    guard count >= 0, count <= remaining else {
      throw .truncated(offset: position, wanted: count, available: remaining)
    }
  }

  /// - Throws: `truncated` where fewer bytes are left, as every other reading.
  package mutating func skip(_ count: Int) throws(ByteError) {
    try need(count)
    position += count
  }

  /// Moves to an absolute offset, as compressed names and NDR referents need.
  package mutating func seek(to offset: Int) throws(ByteError) {
    guard offset >= 0, offset <= end else {
      throw .truncated(offset: offset, wanted: 0, available: 0)
    }
    position = offset
  }

  /// A copy of so many bytes.
  package mutating func read(_ count: Int) throws(ByteError) -> [UInt8] {
    try need(count)
    defer { position += count }
    return Array(bytes[position..<position + count])
  }

  /// A copy of what is left, which may be nothing.
  package mutating func readRemaining() -> [UInt8] {
    defer { position = end }
    return Array(bytes[position..<end])
  }

  package mutating func readByte() throws(ByteError) -> UInt8 {
    try need(1)
    defer { position += 1 }
    return bytes[position]
  }

  /// Reads a fixed-width integer, least significant byte first (the order of MS protocols and NDR).
  package mutating func readLittleEndian<T: FixedWidthInteger>(
    _: T.Type = T.self
  ) throws(ByteError) -> T {
    let width = T.bitWidth / 8
    try need(width)
    defer { position += width }
    var value: T = 0
    for index in (position..<position + width).reversed() {
      value = (value << 8) | T(truncatingIfNeeded: bytes[index])
    }
    return value
  }

  /// Reads a fixed-width integer, most significant byte first (network order).
  package mutating func readBigEndian<T: FixedWidthInteger>(
    _: T.Type = T.self
  ) throws(ByteError) -> T {
    try readLittleEndian(T.self).byteSwapped
  }
}
