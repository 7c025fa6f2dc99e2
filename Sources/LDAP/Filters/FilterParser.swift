// SPDX-License-Identifier: Apache-2.0

import Wire

/// Where and why a text is no filter.
package struct FilterSyntaxError: DiagnosableError, Hashable {
  package var text: String
  /// Bytes of UTF-8 before the place, from 0.
  package var offset: Int
  package var reason: String

  package var identifier: String { "ldap.filterSyntax" }
  package var message: String { "`\(text)` is no LDAP filter: \(reason) at character \(character)." }
  package var remedy: String {
    "Write filters as RFC 4515 does, for example (&(objectClass=user)(mail=*)); write ( ) * \\ in values as \\28 \\29 \\2a \\5c."
  }

  /// The place as a reader counts, from 1.
  package var character: Int { String(decoding: Array(text.utf8.prefix(offset)), as: UTF8.self).count + 1 }
}

extension Filter {
  /// Reads RFC 4515's text form.
  package init(_ text: String) throws(FilterSyntaxError) {
    var parser = FilterParser(text)
    self = try parser.filter(depth: LDAPLimits.standard.filterDepth)
    try parser.end()
  }
}

/// A recursive descent through the grammar of RFC 4515 3; each method is named after its rule.
struct FilterParser {
  private let text: String
  private let bytes: [UInt8]
  private var position = 0

  init(_ text: String) {
    self.text = text
    bytes = Array(text.utf8)
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func error(_ reason: String, at offset: Int? = nil) -> FilterSyntaxError {
    FilterSyntaxError(text: text, offset: offset ?? position, reason: reason)
  }

  private mutating func expect(_ character: Character) throws(FilterSyntaxError) {
    guard let octet = character.asciiValue, next == octet else { throw error("`\(character)` is missing") }
    position += 1
  }

  func end() throws(FilterSyntaxError) {
    guard position == bytes.count else { throw error("something follows the filter") }
  }

  /// `filter = LPAREN filtercomp RPAREN`
  mutating func filter(depth: Int) throws(FilterSyntaxError) -> Filter {
    guard depth > 0 else { throw error("filters are nested too deeply") }
    try expect("(")
    let filter: Filter
    switch next {
    case UInt8(ascii: "&"): filter = .and(try filterList(depth: depth))
    case UInt8(ascii: "|"): filter = .or(try filterList(depth: depth))
    case UInt8(ascii: "!"):
      position += 1
      filter = .not(try self.filter(depth: depth - 1))
    default: filter = try item()
    }
    try expect(")")
    return filter
  }

  /// `filterlist = *filter`: RFC 4526 lets it be empty, for absolute true and false.
  private mutating func filterList(depth: Int) throws(FilterSyntaxError) -> [Filter] {
    position += 1
    var filters: [Filter] = []
    while next == UInt8(ascii: "(") { filters.append(try filter(depth: depth - 1)) }
    return filters
  }

  /// `item = simple / present / substring / extensible`
  private mutating func item() throws(FilterSyntaxError) -> Filter {
    if next == UInt8(ascii: ":") { return try extensible(attribute: nil) }
    let attribute = try attributeDescription()
    switch next {
    case UInt8(ascii: "="):
      position += 1
      return try equalityOrSubstring(attribute)
    case UInt8(ascii: ">"):
      position += 1
      try expect("=")
      return .greaterOrEqual(attribute, try value())
    case UInt8(ascii: "<"):
      position += 1
      try expect("=")
      return .lessOrEqual(attribute, try value())
    case UInt8(ascii: "~"):
      position += 1
      try expect("=")
      return .approximate(attribute, try value())
    case UInt8(ascii: ":"): return try extensible(attribute: attribute)
    default: throw error("an operator (=, >=, <=, ~=, :=) is missing")
    }
  }

  /// RFC 4512 2.5: `attributedescription = attributetype options`, the type a name or a numeric object identifier.
  private mutating func attributeDescription() throws(FilterSyntaxError) -> String {
    let start = position
    try objectIdentifier()
    while next == UInt8(ascii: ";") {
      position += 1
      let option = position
      while let octet = next, Self.isKeyCharacter(octet) { position += 1 }
      guard position > option else { throw error("an attribute option is missing") }
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func objectIdentifier() throws(FilterSyntaxError) {
    guard let first = next, Self.isLetter(first) || Self.isDigit(first) else {
      throw error("an attribute's name is missing")
    }
    let isNumeric = Self.isDigit(first)
    while let octet = next,
      isNumeric ? Self.isDigit(octet) || octet == UInt8(ascii: ".") : Self.isKeyCharacter(octet)
    {
      position += 1
    }
  }

  private static func isDigit(_ octet: UInt8) -> Bool { (0x30...0x39).contains(octet) }
  private static func isLetter(_ octet: UInt8) -> Bool { (0x61...0x7A).contains(octet | 0x20) }
  private static func isKeyCharacter(_ octet: UInt8) -> Bool {
    isLetter(octet) || isDigit(octet) || octet == UInt8(ascii: "-")
  }

  /// `extensible = ( attr [dnattrs] [matchingrule] COLON EQUALS assertionvalue )
  ///             / ( [dnattrs] matchingrule COLON EQUALS assertionvalue )`
  private mutating func extensible(attribute: String?) throws(FilterSyntaxError) -> Filter {
    var dnAttributes = false
    var rule: String?
    try expect(":")
    while next != UInt8(ascii: "=") {
      let start = position
      try objectIdentifier()
      let word = String(decoding: bytes[start..<position], as: UTF8.self)
      if !dnAttributes, rule == nil, word.equalsIgnoringASCIICase("dn") {
        dnAttributes = true
      } else if rule == nil {
        rule = word
      } else {
        throw error("a second matching rule", at: start)
      }
      try expect(":")
    }
    guard attribute != nil || rule != nil else { throw error("neither attribute nor matching rule") }
    try expect("=")
    return .extensible(rule: rule, attribute: attribute, value: try value(), dnAttributes: dnAttributes)
  }

  /// `=` with a value, with `*` alone (presence), or with `*` between parts of a value (substrings).
  private mutating func equalityOrSubstring(_ attribute: String) throws(FilterSyntaxError) -> Filter {
    var parts = [try part()]
    while next == UInt8(ascii: "*") {
      position += 1
      parts.append(try part())
    }
    guard let first = parts.first, let last = parts.last, parts.count > 1 else { return .equal(attribute, parts[0]) }
    let middle = parts.dropFirst().dropLast()
    if parts.count == 2, first.isEmpty, last.isEmpty { return .present(attribute) }
    guard middle.allSatisfy({ !$0.isEmpty }) else { throw error("`**` in a value") }
    return .substrings(
      attribute, initial: first.isEmpty ? nil : first, any: Array(middle), final: last.isEmpty ? nil : last)
  }

  private mutating func value() throws(FilterSyntaxError) -> [UInt8] {
    let value = try part()
    if next == UInt8(ascii: "*") { throw error("`*` has no meaning here; write \\2a for the character") }
    return value
  }

  /// `valueencoding`: up to `)` or `*`, escapes undone.
  private mutating func part() throws(FilterSyntaxError) -> [UInt8] {
    var value: [UInt8] = []
    while let octet = next, octet != UInt8(ascii: ")"), octet != UInt8(ascii: "*") {
      switch octet {
      case UInt8(ascii: "("): throw error("`(` in a value; write \\28")
      case 0: throw error("a zero byte in a value; write \\00")
      case UInt8(ascii: "\\"):
        let digits = bytes[min(position + 1, bytes.count)..<min(position + 3, bytes.count)]
        guard digits.count == 2, let decoded = Hex.decode(String(decoding: digits, as: UTF8.self)) else {
          throw error("`\\` without two hexadecimal digits")
        }
        value += decoded
        position += 3
      default:
        value.append(octet)
        position += 1
      }
    }
    return value
  }
}
