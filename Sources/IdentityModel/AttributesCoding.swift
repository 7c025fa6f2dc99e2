// SPDX-License-Identifier: Apache-2.0

/// The compact form in which attributes are kept, in memory and in the store.
///
/// A version byte, then for each attribute in the order of its name's bytes: length and bytes of the name, number of
/// values, length and bytes of each value. Numbers are LEB128. Equal attributes have equal encodings, so that a hash of
/// the encoding tells whether an entry changed.
extension Attributes {
  static let version: UInt8 = 1

  package enum DecodingError: Error, Sendable { case malformed }

  /// For the store: without attributes that have no values.
  package func encoded() -> [UInt8] {
    guard hasCleared else { return bytes }
    return fields.reduce(into: [Self.version]) { result, field in
      if field.count > 0 { result += bytes[field.range] }
    }
  }

  package init(decoding encoded: [UInt8]) throws(DecodingError) {
    guard encoded.first == Self.version else { throw .malformed }
    bytes = encoded
    var position = 1
    var last: Range<Int>?
    var isOrdered = true
    while position < encoded.count {
      let name = try Self.take(encoded, &position)
      let count = try Self.checkedNumber(encoded, &position)
      // A value takes at least its length byte: a count beyond what is left is malformed.
      guard count <= encoded.count - position else { throw .malformed }
      for _ in 0..<count { _ = try Self.take(encoded, &position) }
      if let last, !encoded[last].lexicographicallyPrecedes(encoded[name]) { isOrdered = false }
      last = name
    }
    if !isOrdered { self = Attributes(storage) }
  }

  private static func checkedNumber(_ bytes: [UInt8], _ position: inout Int) throws(DecodingError) -> Int {
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

  private static func take(_ bytes: [UInt8], _ position: inout Int) throws(DecodingError) -> Range<Int> {
    let count = try checkedNumber(bytes, &position)
    guard count <= bytes.count - position else { throw .malformed }
    defer { position += count }
    return position..<position + count
  }
}

// MARK: Walking an encoding that is known to be sound

extension Attributes {
  /// Where one attribute stands in the encoding.
  struct Field {
    var range: Range<Int>
    var name: Range<Int>
    /// The number of values.
    var count: Int
    /// Where the values begin.
    var values: Int
  }

  /// Whether an attribute has no values.
  private var hasCleared: Bool {
    var position = 1
    while position < bytes.count { if Self.field(bytes, &position).count == 0 { return true } }
    return false
  }

  var fields: [Field] {
    var fields: [Field] = []
    var position = 1
    while position < bytes.count { fields.append(Self.field(bytes, &position)) }
    return fields
  }

  /// The attribute of that name.
  func field(_ name: String) -> Field? {
    let length = name.utf8.count
    var position = 1
    while position < bytes.count {
      let field = Self.field(bytes, &position)
      if field.name.count == length, bytes[field.name].elementsEqual(name.utf8) { return field }
    }
    return nil
  }

  func name(of field: Field) -> String {
    bytes.withUnsafeBufferPointer { String(decoding: $0[field.name], as: UTF8.self) }
  }

  func values(of field: Field) -> [[UInt8]] {
    var position = field.values
    return (0..<field.count).map { _ in
      let length = Self.number(bytes, &position)
      defer { position += length }
      return Array(bytes[position..<position + length])
    }
  }

  /// Puts an encoded attribute, or nothing, where the attribute of that name belongs.
  mutating func replace(_ name: String, with replacement: [UInt8]) {
    var position = 1
    while position < bytes.count {
      let field = Self.field(bytes, &position)
      if bytes[field.name].elementsEqual(name.utf8) {
        bytes.replaceSubrange(field.range, with: replacement)
        return
      }
      if name.utf8.lexicographicallyPrecedes(bytes[field.name]) {
        bytes.insert(contentsOf: replacement, at: field.range.lowerBound)
        return
      }
    }
    bytes += replacement
  }

  private static func field(_ bytes: [UInt8], _ position: inout Int) -> Field {
    let start = position
    let length = number(bytes, &position)
    let name = position..<position + length
    position += length
    let count = number(bytes, &position)
    let values = position
    for _ in 0..<count {
      let length = number(bytes, &position)
      position += length
    }
    return Field(range: start..<position, name: name, count: count, values: values)
  }

  static func number(_ bytes: [UInt8], _ position: inout Int) -> Int {
    var (value, shift) = (0, 0)
    while true {
      let byte = bytes[position]
      position += 1
      value |= Int(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
  }
}

// MARK: Writing

extension Attributes {
  static func append(_ name: String, _ values: [[UInt8]], to bytes: inout [UInt8]) {
    append(name.utf8.count, to: &bytes)
    bytes.append(contentsOf: name.utf8)
    append(values.count, to: &bytes)
    for value in values {
      append(value.count, to: &bytes)
      bytes.append(contentsOf: value)
    }
  }

  static func append(_ number: Int, to bytes: inout [UInt8]) {
    var rest = UInt(number)
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// Writes attributes one after the other in the order of their names, from bytes that stand elsewhere.
package struct AttributesWriter {
  private var bytes: [UInt8]

  /// - Parameter capacity: about how many bytes there will be.
  package init(capacity: Int) {
    bytes = []
    bytes.reserveCapacity(capacity)
    bytes.append(Attributes.version)
  }

  /// A name with its length, as ``begin(_:count:)`` takes it.
  package static func encode(name: String) -> [UInt8] {
    var bytes: [UInt8] = []
    Attributes.append(name.utf8.count, to: &bytes)
    bytes.append(contentsOf: name.utf8)
    return bytes
  }

  /// Begins an attribute of `count` values; as many calls of ``append(_:)`` follow. Names come in the order of their
  /// bytes, each once.
  package mutating func begin(_ encodedName: [UInt8], count: Int) {
    bytes.append(contentsOf: encodedName)
    Attributes.append(count, to: &bytes)
  }

  package mutating func append(_ value: UnsafeRawBufferPointer) {
    Attributes.append(value.count, to: &bytes)
    bytes.append(contentsOf: value)
  }

  package var attributes: Attributes { Attributes(sound: bytes) }
}

extension Attributes {
  /// - Parameter bytes: an encoding that was made here.
  init(sound bytes: [UInt8]) { self.bytes = bytes }
}
