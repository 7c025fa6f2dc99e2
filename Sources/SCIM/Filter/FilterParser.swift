// SPDX-License-Identifier: Apache-2.0

extension Filter {
  /// Parses a filter (RFC 7644 3.4.2.2, figure 1). Operators and names are not case-sensitive; `not` binds closest, then
  /// `and`, then `or`.
  ///
  /// - Throws: `invalidFilter` with the position (1-based, in characters) of what is wrong.
  package static func parse(_ text: String, limits: FilterLimits = .standard) throws(SCIMError) -> Filter {
    guard text.utf8.count <= limits.maximumLength else {
      throw .invalidFilter("The filter is longer than \(limits.maximumLength) bytes.")
    }
    var parser = FilterParser(Array(text.utf8), limits: limits)
    let filter = try parser.parseFilter(depth: 0, inElement: false)
    try parser.expectEnd()
    return filter
  }
}

/// Reads filters and, for PATCH, the value path at the start of a path.
struct FilterParser {
  private let bytes: [UInt8]
  private let limits: FilterLimits
  private var position = 0
  private var terms = 0

  init(_ bytes: [UInt8], limits: FilterLimits) {
    self.bytes = bytes
    self.limits = limits
  }

  private func failure(_ what: String, at place: Int? = nil) -> SCIMError {
    let place = min(place ?? position, bytes.count)
    let column = String(decoding: bytes[..<place], as: UTF8.self).unicodeScalars.count + 1
    return .invalidFilter("The filter is not valid: \(what) at position \(column).")
  }

  mutating func expectEnd() throws(SCIMError) {
    skipSpace()
    guard position == bytes.count else { throw failure("unexpected text") }
  }

  private mutating func skipSpace() {
    while position < bytes.count, bytes[position] == 0x20 { position += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  mutating func parseFilter(depth: Int, inElement: Bool) throws(SCIMError) -> Filter {
    var alternatives = [try parseConjunction(depth: depth, inElement: inElement)]
    while takeWord("or") { alternatives.append(try parseConjunction(depth: depth, inElement: inElement)) }
    return alternatives.count == 1 ? alternatives[0] : .or(alternatives)
  }

  private mutating func parseConjunction(depth: Int, inElement: Bool) throws(SCIMError) -> Filter {
    var conditions = [try parseTerm(depth: depth, inElement: inElement)]
    while takeWord("and") { conditions.append(try parseTerm(depth: depth, inElement: inElement)) }
    return conditions.count == 1 ? conditions[0] : .and(conditions)
  }

  private mutating func parseTerm(depth: Int, inElement: Bool) throws(SCIMError) -> Filter {
    guard depth < limits.maximumDepth else { throw failure("nesting deeper than \(limits.maximumDepth)") }
    skipSpace()
    if take(UInt8(ascii: "(")) {
      let inner = try parseFilter(depth: depth + 1, inElement: inElement)
      skipSpace()
      guard take(UInt8(ascii: ")")) else { throw failure("a missing closing parenthesis") }
      return inner
    }
    let start = position
    if takeWord("not") {
      skipSpace()
      if take(UInt8(ascii: "(")) {
        let inner = try parseFilter(depth: depth + 1, inElement: inElement)
        skipSpace()
        guard take(UInt8(ascii: ")")) else { throw failure("a missing closing parenthesis") }
        return .not(inner)
      }
      position = start
    }
    return try parseExpression(depth: depth, inElement: inElement)
  }

  private mutating func parseExpression(depth: Int, inElement: Bool) throws(SCIMError) -> Filter {
    let path = try parseAttributePath()
    let bracket = position
    if let inner = try parseBracket(depth: depth + 1) {
      guard !inElement else { throw failure("a value path inside a value path", at: bracket) }
      guard path.subAttribute == nil else { throw failure("a sub-attribute before a bracket", at: bracket) }
      guard let name = try parseSubAttribute(), let sub = AttributePath(name) else { return .element(path, inner) }
      let condition = try parseComparison(of: sub)
      return .element(path, .and([inner, condition]))
    }
    return try parseComparison(of: path)
  }

  /// The filter in brackets that follows a multi-valued attribute's name, if one does.
  mutating func parseBracket(depth: Int = 0) throws(SCIMError) -> Filter? {
    guard take(UInt8(ascii: "[")) else { return nil }
    let inner = try parseFilter(depth: depth, inElement: true)
    skipSpace()
    guard take(UInt8(ascii: "]")) else { throw failure("a missing closing bracket") }
    return inner
  }

  /// The name after a bracket, if a dot follows.
  mutating func parseSubAttribute() throws(SCIMError) -> String? {
    guard take(UInt8(ascii: ".")) else { return nil }
    let start = position
    guard position < bytes.count, Self.isPathByte(bytes[position]) else { throw failure("a missing sub-attribute") }
    let path = try parseAttributePath()
    guard path.schema == nil, path.subAttribute == nil else { throw failure("a malformed sub-attribute", at: start) }
    return path.attribute
  }

  private mutating func parseComparison(of path: AttributePath) throws(SCIMError) -> Filter {
    terms += 1
    guard terms <= limits.maximumTerms else { throw failure("more than \(limits.maximumTerms) comparisons") }
    skipSpace()
    let start = position
    let word = parseWord().lowercased()
    if word == "pr" { return .present(path) }
    guard let comparison = ComparisonOperator(rawValue: word) else {
      throw failure(word.isEmpty ? "a missing operator" : "the unknown operator \"\(word.prefix(16))\"", at: start)
    }
    return .comparison(path, comparison, try parseValue())
  }

  private mutating func parseWord() -> String {
    let start = position
    while position < bytes.count, Self.isLetter(bytes[position]) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// Takes a connective when it stands as a whole word.
  private mutating func takeWord(_ word: String) -> Bool {
    let start = position
    skipSpace()
    if parseWord().lowercased() == word, position == bytes.count || [0x20, 0x28].contains(bytes[position]) {
      return true
    }
    position = start
    return false
  }

  mutating func parseAttributePath() throws(SCIMError) -> AttributePath {
    skipSpace()
    let start = position
    while position < bytes.count, Self.isPathByte(bytes[position]) { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let path = AttributePath(text) else {
      throw failure(text.isEmpty ? "a missing attribute name" : "the malformed name \"\(text.prefix(64))\"", at: start)
    }
    return path
  }

  /// A JSON string, number, true, false or null (compValue).
  private mutating func parseValue() throws(SCIMError) -> JSONValue {
    skipSpace()
    let start = position
    if take(UInt8(ascii: "\"")) {
      while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
        position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
      }
      guard take(UInt8(ascii: "\"")) else { throw failure("an unterminated string", at: start) }
    } else {
      while position < bytes.count, ![0x20, 0x28, 0x29, 0x5B, 0x5D].contains(bytes[position]) { position += 1 }
    }
    guard position > start else { throw failure("a missing value") }
    let text = Array(bytes[start..<position])
    let value: JSONValue
    do { value = try JSONValue.parse(text, limits: JSONLimits(maximumBytes: text.count, maximumDepth: 0)) } catch {
      // Some clients write True, False and NULL.
      switch String(decoding: text, as: UTF8.self).lowercased() {
      case "true": value = true
      case "false": value = false
      case "null": value = nil
      default: throw failure("a value that is neither a quoted string nor a number, true, false or null", at: start)
      }
    }
    return value
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private static func isPathByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ":"), UInt8(ascii: "."), UInt8(ascii: "-"),
      UInt8(ascii: "_"), UInt8(ascii: "$"):
      true
    default: isLetter(byte)
    }
  }
}
