// SPDX-License-Identifier: Apache-2.0

import Wire

/// What is known of a value before it is computed.
package enum ValueType: String, Sendable, Hashable {
  case any
  case text
  case number
  case boolean
  case bytes
  /// Several values; where one is wanted, the first counts.
  case list

  /// The words for the documentation and for messages.
  package var noun: String {
    switch self {
    case .any: "any value"
    case .text: "a text"
    case .number: "a number"
    case .boolean: "True or False"
    case .bytes: "bytes"
    case .list: "values"
    }
  }

  /// Whether such a value may stand where another type is wanted. Only what can never work is refused: texts of
  /// attributes become numbers while evaluating, a literal text never does.
  func fits(_ wanted: ValueType) -> Bool {
    switch (self, wanted) {
    case (.any, _), (_, .any), (.list, _), (_, .list): true
    case (.number, .boolean), (.text, .bytes): true
    default: self == wanted
    }
  }
}

/// Reads an expression, checking names, numbers of arguments and types on the way.
///
/// Grammar, the operators in the order of ``Syntax/Operator/binding`` and associating to the left:
/// ```
/// expression = operand *( operator operand )
/// operand    = text / number / [attribute] / $variable / True / False / Null / AuthoritativeNull / IgnoreThisFlow / CRLF
///            / "-" operand / "(" expression ")" / Function "(" [ expression *( "," expression ) ] ")"
/// ```
/// Where, Select and With name a variable in place of their first argument; it is known in their last one.
struct Parser {
  /// Functions and parentheses within each other.
  static let maximumDepth = 64

  private var tokens: [Token]
  private var index = 0
  /// The variables that may be used here, in lower case.
  private var variables: [String] = []

  private struct Parsed {
    var syntax: Syntax
    var type: ValueType
    var position: TextPosition
  }

  static func parse(_ text: String) throws(ExpressionError) -> Syntax {
    var parser = Parser(tokens: try Lexer.tokens(of: text))
    let result = try parser.expression(binding: 1, depth: 0)
    guard parser.current.kind == .end else {
      throw parser.unexpected("an operator or the end of the expression")
    }
    return result.syntax
  }

  private var current: Token { tokens[index] }
  /// The last token is the end and stays current.
  private mutating func advance() { if index < tokens.count - 1 { index += 1 } }

  private func unexpected(_ wanted: String) -> ExpressionError {
    let found =
      switch current.kind {
      case .end: "the end"
      case .text(let text): RuleValue.quoted(String(text.prefix(32)))
      case .number(let number): String(number)
      case .name(let name): String(name.prefix(64))
      case .attribute(let name): "[\(name.prefix(64))]"
      case .sign(let sign): sign.rawValue
      case .variable(let name): "$\(name)"
      case .open: "("
      case .close: ")"
      case .comma: ","
      }
    return ExpressionError(
      position: current.position, message: "Here stands \(found) where \(wanted) should be", remedy: "write \(wanted)")
  }

  private mutating func expression(binding: Int, depth: Int) throws(ExpressionError) -> Parsed {
    guard depth < Self.maximumDepth else {
      throw ExpressionError(
        position: current.position, message: "Functions and parentheses stand more than \(Self.maximumDepth) deep",
        remedy: "split the expression over several rules")
    }
    var left = try operand(depth: depth)
    var length = 0
    while case .sign(let sign) = current.kind, sign.binding >= binding {
      length += 1
      // A chain nests to the left, as deep as it is long.
      guard length <= Self.maximumDepth else {
        throw ExpressionError(
          position: current.position, message: "More than \(Self.maximumDepth) operators stand in a row",
          remedy: "use Join, or split the expression over several rules")
      }
      advance()
      let right = try expression(binding: sign.binding + 1, depth: depth + 1)
      left = Parsed(
        syntax: .operation(sign, left.syntax, right.syntax), type: try check(sign, left, right), position: left.position
      )
    }
    return left
  }

  private func check(_ sign: Syntax.Operator, _ left: Parsed, _ right: Parsed) throws(ExpressionError) -> ValueType {
    switch sign {
    case .concatenate:
      for side in [left, right] where !side.type.fits(.text) { throw mismatch(side, sign.rawValue, .text) }
      return .text
    case .and, .or:
      for side in [left, right] where !side.type.fits(.boolean) { throw mismatch(side, sign.rawValue, .boolean) }
      return .boolean
    case .add, .subtract, .multiply, .divide:
      for side in [left, right] where !side.type.fits(.number) { throw mismatch(side, sign.rawValue, .number) }
      return .number
    default:
      guard left.type.fits(right.type) || right.type.fits(left.type) else {
        throw mismatch(right, sign.rawValue, left.type)
      }
      return .boolean
    }
  }

  private func mismatch(_ found: Parsed, _ consumer: String, _ wanted: ValueType) -> ExpressionError {
    let remedy =
      switch wanted {
      case .text: "convert it with CStr"
      case .number: "convert it with CNum"
      case .boolean: "write a comparison, or convert it with CBool"
      default: "give \(wanted.noun)"
      }
    return ExpressionError(
      position: found.position, message: "\(consumer) takes \(wanted.noun) here, not \(found.type.noun)", remedy: remedy
    )
  }

  private mutating func operand(depth: Int) throws(ExpressionError) -> Parsed {
    let token = current
    func parsed(_ value: RuleValue, _ type: ValueType) -> Parsed {
      Parsed(syntax: .literal(value), type: type, position: token.position)
    }
    switch token.kind {
    case .text(let text):
      advance()
      return parsed(.text(text), .text)
    case .number(let number):
      advance()
      return parsed(.integer(number), .number)
    case .attribute(let name):
      advance()
      return Parsed(syntax: .attribute(name), type: .any, position: token.position)
    case .variable(let name):
      guard variables.contains(name.lowercased()) else {
        throw ExpressionError(
          position: token.position, message: "Nothing here has the name $\(name.prefix(64))",
          remedy: "variables are named by the first argument of Where, Select and With, and known in the last one")
      }
      advance()
      return Parsed(syntax: .variable(name), type: .any, position: token.position)
    case .open:
      advance()
      let inner = try expression(binding: 1, depth: depth + 1)
      guard current.kind == .close else { throw unexpected(")") }
      advance()
      return inner
    case .sign(.subtract):
      advance()
      // Signs nest as functions do.
      guard depth < Self.maximumDepth else { throw unexpected("a value: too many signs stand in a row") }
      let inner = try operand(depth: depth + 1)
      guard inner.type.fits(.number) else { throw mismatch(inner, "-", .number) }
      if case .literal(.integer(let number)) = inner.syntax { return parsed(.integer(0 &- number), .number) }
      return Parsed(syntax: .negate(inner.syntax), type: .number, position: token.position)
    case .name(let name):
      advance()
      if current.kind == .open { return try call(name, token.position, depth) }
      switch name.lowercased() {
      case "true": return parsed(.boolean(true), .boolean)
      case "false": return parsed(.boolean(false), .boolean)
      case "null": return parsed(.null, .any)
      case "authoritativenull": return parsed(.authoritativeNull, .any)
      case "ignorethisflow": return parsed(.ignored, .any)
      case "crlf": return parsed(.text(Syntax.lineBreak), .text)
      default:
        throw ExpressionError(
          position: token.position, message: "\(name) is neither a value nor followed by its arguments",
          remedy: RuleFunction.named(name) == nil
            ? "write [\(name)] for an attribute or \"\(name)\" for a text" : "write \(name)( ) with its arguments")
      }
    default: throw unexpected("a value")
    }
  }

  private mutating func call(
    _ name: String, _ position: TextPosition, _ depth: Int
  ) throws(ExpressionError) -> Parsed {
    guard let function = RuleFunction.named(name) else {
      throw ExpressionError(
        position: position, message: "There is no function \(name.prefix(64))",
        remedy: Suggestion.text(for: name, among: RuleFunction.allNames) ?? "docs/rules.md lists the functions")
    }
    advance()
    var arguments: [Parsed] = []
    let bound = variables
    defer { variables = bound }
    if function.bindsVariable {
      guard case .variable(let name) = current.kind else {
        throw unexpected("a name for the value, such as $item")
      }
      arguments.append(Parsed(syntax: .variable(name), type: .any, position: current.position))
      advance()
      guard current.kind == .comma else { throw unexpected(",") }
      advance()
      arguments.append(try expression(binding: 1, depth: depth + 1))
      guard current.kind == .comma else { throw unexpected(",") }
      advance()
      variables.append(name.lowercased())
    }
    if current.kind == .close, arguments.isEmpty {
      advance()
    } else {
      while true {
        arguments.append(try expression(binding: 1, depth: depth + 1))
        let isLast = current.kind == .close
        guard isLast || current.kind == .comma else { throw unexpected(", or )") }
        advance()
        if isLast { break }
      }
    }
    guard function.accepts(count: arguments.count) else {
      throw ExpressionError(
        position: position, message: "\(function.name) has \(arguments.count) arguments",
        remedy: "write \(function.signature)")
    }
    for (index, argument) in arguments.enumerated() {
      let wanted = function.parameter(index).type
      if !argument.type.fits(wanted) { throw mismatch(argument, function.name, wanted) }
    }
    return Parsed(
      syntax: .call(function.name, arguments.map(\.syntax)), type: function.returns, position: position)
  }
}
