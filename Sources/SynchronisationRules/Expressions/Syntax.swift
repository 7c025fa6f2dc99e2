// SPDX-License-Identifier: Apache-2.0

/// An expression as it was written. Function names are those of the table, attribute names as written.
package indirect enum Syntax: Sendable, Hashable {
  case literal(RuleValue)
  case attribute(String)
  /// A value that Where, Select or With names: without its sign, as written.
  case variable(String)
  case call(String, [Syntax])
  case operation(Operator, Syntax, Syntax)
  /// The sign before anything but a number.
  case negate(Syntax)

  package enum Operator: String, Sendable, CaseIterable {
    case equal = "="
    case notEqual = "<>"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case concatenate = "&"
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case and = "&&"
    case or = "||"

    /// The larger binds tighter: conditions, then comparisons, then concatenation, then numbers, as in Visual Basic.
    var binding: Int {
      switch self {
      case .or: 1
      case .and: 2
      case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: 3
      case .concatenate: 4
      case .add, .subtract: 5
      case .multiply, .divide: 6
      }
    }

    /// Tighter than every operator: the sign before a number.
    static let signBinding = 7
  }
}

extension Syntax: CustomStringConvertible {
  /// The expression in its plainest form: parsing it gives the same expression.
  package var description: String { printed(within: 0) }

  private func printed(within binding: Int) -> String {
    switch self {
    case .literal(.text(Self.lineBreak)): "CRLF"
    case .literal(let value): value.description
    case .attribute(let name): "[\(name)]"
    case .variable(let name): "$\(name)"
    case .call(let name, let arguments): "\(name)(\(arguments.map { $0.printed(within: 0) }.joined(separator: ", ")))"
    case .negate(let operand): "-" + operand.printed(within: Operator.signBinding)
    case .operation(let sign, let left, let right):
      // Operators of one strength associate to the left: the right side needs parentheses, the left none.
      parenthesised(
        "\(left.printed(within: sign.binding)) \(sign.rawValue) \(right.printed(within: sign.binding + 1))",
        sign.binding < binding)
    }
  }

  /// What CRLF stands for.
  static let lineBreak = "\r\n"

  private func parenthesised(_ text: String, _ isNeeded: Bool) -> String { isNeeded ? "(\(text))" : text }
}

extension Syntax {
  /// The attributes that are read, as written; those of functions that look at the entry themselves included.
  var attributes: Set<String> {
    switch self {
    case .literal, .variable: []
    case .attribute(let name): [name]
    case .call(let name, let arguments):
      arguments.reduce(into: Set(RuleFunction.named(name)?.reads ?? [])) { $0.formUnion($1.attributes) }
    case .operation(_, let left, let right): left.attributes.union(right.attributes)
    case .negate(let operand): operand.attributes
    }
  }
}
