// SPDX-License-Identifier: Apache-2.0

/// Where something stands in a text: both count from one, columns in characters.
package struct TextPosition: Sendable, Equatable {
  package var line: Int
  package var column: Int
}

/// An expression that cannot be used.
package struct ExpressionError: Error, Sendable, Equatable {
  package var position: TextPosition
  package var message: String
  package var remedy: String
}

struct Token: Equatable {
  enum Kind: Equatable {
    case text(String)
    case number(Int64)
    case name(String)
    case attribute(String)
    case variable(String)
    case sign(Syntax.Operator)
    case open, close, comma, end
  }
  var kind: Kind
  var position: TextPosition
}

/// Takes an expression apart.
struct Lexer {
  /// The longest expression, in characters.
  static let maximumLength = 8_192

  private let characters: [Character]
  private var index = 0
  private var position = TextPosition(line: 1, column: 1)
  private var tokens: [Token] = []

  private init(_ text: String) { characters = Array(text) }

  static func tokens(of text: String) throws(ExpressionError) -> [Token] {
    guard text.utf8.count <= maximumLength * 4, text.count <= maximumLength else {
      throw ExpressionError(
        position: TextPosition(line: 1, column: 1),
        message: "The expression has more than \(maximumLength) characters", remedy: "split it over several rules")
    }
    var lexer = Lexer(text)
    while try lexer.next() {}
    return lexer.tokens
  }

  private var current: Character? { index < characters.count ? characters[index] : nil }
  private func peek(_ distance: Int) -> Character? {
    index + distance < characters.count ? characters[index + distance] : nil
  }

  private mutating func advance() {
    if characters[index].isNewline {
      position = TextPosition(line: position.line + 1, column: 1)
    } else {
      position.column += 1
    }
    index += 1
  }

  private mutating func take(while condition: (Character) -> Bool) -> String {
    let start = index
    while let character = current, condition(character) { advance() }
    return String(characters[start..<index])
  }

  /// Whether an operand has just ended, so that `&` joins two and does not begin a hexadecimal number.
  private var followsOperand: Bool {
    switch tokens.last?.kind {
    case nil, .sign, .open, .comma: false
    default: true
    }
  }

  private mutating func next() throws(ExpressionError) -> Bool {
    _ = take { $0.isWhitespace }
    let start = position
    func add(_ kind: Token.Kind, _ tokens: inout [Token]) { tokens.append(Token(kind: kind, position: start)) }
    guard let character = current else {
      add(.end, &tokens)
      return false
    }
    switch character {
    case "\"": add(.text(try text(from: start)), &tokens)
    case "[": add(.attribute(try attribute(from: start)), &tokens)
    case "$" where peek(1).map(Self.isLetter) ?? false:
      advance()
      add(.variable(take(while: Self.isInName)), &tokens)
    case "(", ")", ",":
      advance()
      add(character == "(" ? .open : character == ")" ? .close : .comma, &tokens)
    case "0"..."9": add(.number(try number(from: start)), &tokens)
    case "&" where !followsOperand && (peek(1) == "H" || peek(1) == "h"):
      advance()
      advance()
      add(.number(try hexadecimal(from: start)), &tokens)
    case _ where Self.isLetter(character):
      add(.name(take(while: Self.isInName)), &tokens)
    default:
      guard let sign = sign() else {
        throw ExpressionError(
          position: start, message: "The character \(character.debugDescription) has no meaning here",
          remedy: Self.remedy(for: character))
      }
      add(.sign(sign), &tokens)
    }
    return true
  }

  private static func isLetter(_ character: Character) -> Bool { character.isASCII && character.isLetter }
  private static func isInName(_ character: Character) -> Bool {
    isLetter(character) || "0"..."9" ~= character || character == "_"
  }

  private static func remedy(for character: Character) -> String {
    switch character {
    case "'", "“", "”": "write texts in straight double quotes"
    case "%": "instead of parameters there are the functions DomainName() and ForestName()"
    default: "remove it; texts stand in double quotes, attributes in brackets"
    }
  }

  private mutating func sign() -> Syntax.Operator? {
    for length in [2, 1] {
      guard index + length <= characters.count,
        let sign = Syntax.Operator(rawValue: String(characters[index..<index + length]))
      else { continue }
      for _ in 0..<length { advance() }
      return sign
    }
    return nil
  }

  private mutating func text(from start: TextPosition) throws(ExpressionError) -> String {
    advance()
    var result = ""
    while let character = current {
      advance()
      guard character == "\"" else {
        result.append(character)
        continue
      }
      guard current == "\"" else { return result }
      result.append("\"")
      advance()
    }
    throw ExpressionError(
      position: start, message: "The text that begins here has no end",
      remedy: "close it with a double quote; a double quote within a text is written twice")
  }

  private mutating func attribute(from start: TextPosition) throws(ExpressionError) -> String {
    advance()
    let name = take { $0 != "]" && !$0.isNewline && $0 != "[" }
    guard current == "]" else {
      throw ExpressionError(
        position: start, message: "The attribute that begins here has no end", remedy: "close it with ]")
    }
    advance()
    guard AttributeName.isValid(name) else {
      throw ExpressionError(
        position: start, message: "[\(name.prefix(64))] is no name of an attribute",
        remedy: "write its LDAP display name in brackets, such as [mail]")
    }
    return name
  }

  private mutating func number(from start: TextPosition) throws(ExpressionError) -> Int64 {
    if current == "0", peek(1) == "x" || peek(1) == "X" {
      advance()
      advance()
      return try hexadecimal(from: start)
    }
    return try value(take { "0"..."9" ~= $0 }, radix: 10, from: start)
  }

  private mutating func hexadecimal(from start: TextPosition) throws(ExpressionError) -> Int64 {
    try value(take { $0.isASCII && $0.isHexDigit }, radix: 16, from: start)
  }

  private func value(_ digits: String, radix: Int, from start: TextPosition) throws(ExpressionError) -> Int64 {
    guard let number = Int64(digits, radix: radix) else {
      throw ExpressionError(
        position: start, message: "This is no whole number that fits into 64 bits",
        remedy: "write digits, or hexadecimal ones after 0x or &H; texts stand in double quotes")
    }
    return number
  }
}

/// Names of attributes as LDAP knows them (RFC 4512 1.4 `keystring`), and with an underscore those of extensions.
enum AttributeName {
  static func isValid(_ name: String) -> Bool {
    guard let first = name.utf8.first, (0x61...0x7A).contains(first | 0x20), name.utf8.count <= 256 else {
      return false
    }
    return name.utf8.allSatisfy { byte in
      (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x5F
    }
  }
}
