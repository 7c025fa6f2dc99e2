// SPDX-License-Identifier: Apache-2.0

import Wire

/// What one JSON text may ask of its reader.
package struct JSONLimits: Sendable, Hashable {
  /// Bytes of the whole text.
  package var maximumBytes: Int
  /// Nested arrays and objects. The deepest SCIM message (a bulk request with a PATCH of a complex attribute) needs 9.
  package var maximumDepth: Int
  /// Values of every kind in the whole text: what an attacker multiplies memory with.
  package var maximumValues: Int

  package init(maximumBytes: Int, maximumDepth: Int = 32, maximumValues: Int = 2_000_000) {
    self.maximumBytes = maximumBytes
    self.maximumDepth = maximumDepth
    self.maximumValues = maximumValues
  }

  /// For one request or answer: 16 MiB hold a group of 100,000 members.
  package static let standard = JSONLimits(maximumBytes: 16 << 20)
}

extension JSONValue {
  /// Parses one JSON text (RFC 8259), strictly: no trailing text, no duplicate names, no lone surrogates.
  ///
  /// - Throws: `SCIMError` 413 when `limits.maximumBytes` is passed, else 400 `invalidSyntax` with the byte's position.
  package static func parse(_ bytes: [UInt8], limits: JSONLimits = .standard) throws(SCIMError) -> JSONValue {
    guard bytes.count <= limits.maximumBytes else {
      throw .payloadTooLarge("The body has \(bytes.count) bytes; at most \(limits.maximumBytes) are accepted.")
    }
    var parser = JSONParser(bytes: bytes, limits: limits)
    return try parser.parseText()
  }

  package static func parse(_ text: String, limits: JSONLimits = .standard) throws(SCIMError) -> JSONValue {
    try parse(Array(text.utf8), limits: limits)
  }
}

struct JSONParser {
  private let bytes: [UInt8]
  private let limits: JSONLimits
  private var position = 0
  private var values = 0

  init(bytes: [UInt8], limits: JSONLimits) {
    self.bytes = bytes
    self.limits = limits
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  mutating func parseText() throws(SCIMError) -> JSONValue {
    let value = try parseValue(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw failure("text after the value") }
    return value
  }

  private func failure(_ what: String) -> SCIMError {
    .invalidSyntax("The body is not valid JSON: \(what) at byte \(position).")
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard current == byte else { return false }
    position += 1
    return true
  }

  private mutating func parseValue(depth: Int) throws(SCIMError) -> JSONValue {
    skipSpace()
    values += 1
    guard values <= limits.maximumValues else { throw failure("more than \(limits.maximumValues) values") }
    guard let byte = current else { throw failure("an unexpected end") }
    switch byte {
    case UInt8(ascii: "{"): return .object(try parseObject(depth: depth + 1))
    case UInt8(ascii: "["): return .array(try parseArray(depth: depth + 1))
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
    case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
    case UInt8(ascii: "n"): return try parseWord("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
    default: throw failure("an unexpected character")
    }
  }

  private mutating func parseWord(_ word: StaticString, _ value: JSONValue) throws(SCIMError) -> JSONValue {
    for index in 0..<word.utf8CodeUnitCount {
      guard take(word.utf8Start[index]) else { throw failure("an unexpected character") }
    }
    return value
  }

  private mutating func parseObject(depth: Int) throws(SCIMError) -> JSONObject {
    guard depth <= limits.maximumDepth else { throw failure("nesting deeper than \(limits.maximumDepth)") }
    position += 1
    var members: [JSONObject.Member] = []
    // A set only once the object is larger than any SCIM resource: comparing a few names is cheaper than hashing them.
    var seen: Set<String> = []
    skipSpace()
    if take(UInt8(ascii: "}")) { return JSONObject() }
    while true {
      skipSpace()
      guard current == UInt8(ascii: "\"") else { throw failure("a missing member name") }
      let name = try parseString()
      if members.count == 32 { seen = Set(members.map(\.name)) }
      let duplicate =
        members.count < 32 ? members.contains { $0.name == name } : !seen.insert(name).inserted
      if duplicate { throw failure("a second member of the same name") }
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw failure("a missing colon") }
      members.append(JSONObject.Member(name: name, value: try parseValue(depth: depth)))
      skipSpace()
      if take(UInt8(ascii: ",")) { continue }
      guard take(UInt8(ascii: "}")) else { throw failure("a missing comma or brace") }
      return JSONObject(distinct: members)
    }
  }

  private mutating func parseArray(depth: Int) throws(SCIMError) -> [JSONValue] {
    guard depth <= limits.maximumDepth else { throw failure("nesting deeper than \(limits.maximumDepth)") }
    position += 1
    var elements: [JSONValue] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return elements }
    while true {
      elements.append(try parseValue(depth: depth))
      skipSpace()
      if take(UInt8(ascii: ",")) { continue }
      guard take(UInt8(ascii: "]")) else { throw failure("a missing comma or bracket") }
      return elements
    }
  }

  private mutating func parseNumber() throws(SCIMError) -> JSONValue {
    let start = position
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")) { try skipDigits() }
    var isInteger = true
    if take(UInt8(ascii: ".")) {
      isInteger = false
      try skipDigits()
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isInteger = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try skipDigits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let value = Int64(text) { return .integer(value) }
    guard text.utf8.count <= 64, let value = Double(text), value.isFinite else {
      throw failure("a number out of range")
    }
    return .number(value)
  }

  private mutating func skipDigits() throws(SCIMError) {
    let start = position
    while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    guard position > start else { throw failure("a missing digit") }
  }

  private mutating func parseString() throws(SCIMError) -> String {
    position += 1
    let start = position
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: bytes[start..<position], as: UTF8.self) else {
          throw failure("a string that is not UTF-8")
        }
        position += 1
        return text
      case UInt8(ascii: "\\"): return try parseEscapedString(from: start)
      case 0..<0x20: throw failure("a bare control character")
      default: position += 1
      }
    }
    throw failure("an unterminated string")
  }

  private mutating func parseEscapedString(from start: Int) throws(SCIMError) -> String {
    var content = Array(bytes[start..<position])
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: content, as: UTF8.self) else {
          throw failure("a string that is not UTF-8")
        }
        position += 1
        return text
      case UInt8(ascii: "\\"):
        position += 1
        try parseEscape(into: &content)
      case 0..<0x20: throw failure("a bare control character")
      default:
        content.append(byte)
        position += 1
      }
    }
    throw failure("an unterminated string")
  }

  private mutating func parseEscape(into content: inout [UInt8]) throws(SCIMError) {
    guard let byte = current else { throw failure("an unterminated string") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
    case UInt8(ascii: "b"): content.append(0x08)
    case UInt8(ascii: "f"): content.append(0x0C)
    case UInt8(ascii: "n"): content.append(0x0A)
    case UInt8(ascii: "r"): content.append(0x0D)
    case UInt8(ascii: "t"): content.append(0x09)
    case UInt8(ascii: "u"):
      var scalar = UInt32(try parseHexQuad())
      if (0xD800..<0xDC00).contains(scalar) {
        guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw failure("a lone surrogate") }
        let low = UInt32(try parseHexQuad())
        guard (0xDC00..<0xE000).contains(low) else { throw failure("a lone surrogate") }
        scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let valid = Unicode.Scalar(scalar) else { throw failure("a lone surrogate") }
      content.append(contentsOf: Array(String(valid).utf8))
    default: throw failure("an unknown escape")
    }
  }

  private mutating func parseHexQuad() throws(SCIMError) -> UInt16 {
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = current, let digit = Hex.nibble(byte) else {
        throw failure("a malformed \\u escape")
      }
      value = value << 4 | UInt16(digit)
      position += 1
    }
    return value
  }
}
