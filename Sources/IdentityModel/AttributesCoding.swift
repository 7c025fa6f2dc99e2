// SPDX-License-Identifier: Apache-2.0

/// The compact form in which the store keeps attributes.
///
/// A version byte, then for each attribute in the order of its name: length and bytes of the name, number of values,
/// length and bytes of each value. Numbers are LEB128. Equal attributes have equal encodings, so that a hash of the
/// encoding tells whether an entry changed.
extension Attributes {
  private static let version: UInt8 = 1

  package enum DecodingError: Error, Sendable { case malformed }

  package func encoded() -> [UInt8] {
    var bytes: [UInt8] = [Self.version]
    bytes.reserveCapacity(512)
    for name in names {
      guard let values = storage[name], !values.isEmpty else { continue }
      Self.append(name.utf8.count, to: &bytes)
      bytes.append(contentsOf: name.utf8)
      Self.append(values.count, to: &bytes)
      for value in values {
        Self.append(value.count, to: &bytes)
        bytes.append(contentsOf: value)
      }
    }
    return bytes
  }

  package init(decoding bytes: [UInt8]) throws(DecodingError) {
    guard bytes.first == Self.version else { throw .malformed }
    var position = 1
    var storage: [String: [[UInt8]]] = [:]
    while position < bytes.count {
      let name = String(decoding: try Self.take(bytes, &position), as: UTF8.self)
      let count = try Self.number(bytes, &position)
      // A value takes at least its length byte: a count beyond what is left is malformed and allocates nothing.
      guard count <= bytes.count - position else { throw .malformed }
      var values: [[UInt8]] = []
      values.reserveCapacity(count)
      for _ in 0..<count { values.append(Array(try Self.take(bytes, &position))) }
      storage[name] = values
    }
    self.init(storage)
  }

  private static func append(_ number: Int, to bytes: inout [UInt8]) {
    var rest = UInt(number)
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private static func number(_ bytes: [UInt8], _ position: inout Int) throws(DecodingError) -> Int {
    var (value, shift) = (0, 0)
    while true {
      guard position < bytes.count, shift < 35 else { throw .malformed }
      let byte = bytes[position]
      position += 1
      value |= Int(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
  }

  private static func take(_ bytes: [UInt8], _ position: inout Int) throws(DecodingError) -> ArraySlice<UInt8> {
    let count = try number(bytes, &position)
    guard count <= bytes.count - position else { throw .malformed }
    defer { position += count }
    return bytes[position..<position + count]
  }
}
