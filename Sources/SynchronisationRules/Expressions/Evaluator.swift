// SPDX-License-Identifier: Apache-2.0

import IdentityModel

/// An expression ready for use.
package struct Expression: Sendable, Hashable {
  package let syntax: Syntax
  /// The attributes that it looks at, as written.
  package let attributes: Set<String>
  let compiled: Syntax.Compiled

  package init(_ text: String) throws(ExpressionError) { self.init(try Parser.parse(text)) }

  init(_ syntax: Syntax) {
    self.syntax = syntax
    attributes = syntax.attributes
    compiled = Syntax.Compiled(syntax)
  }

  package static func == (left: Expression, right: Expression) -> Bool { left.syntax == right.syntax }
  package func hash(into hasher: inout Hasher) { hasher.combine(syntax) }
}

/// What an expression is evaluated in: an entry and its surroundings. Notes when the result may change by itself.
struct Scene {
  let entry: Entry
  let context: RuleContext
  /// The first moment at which a comparison with the time will turn out differently, in seconds since 1970.
  private(set) var nextChange: Double?
  /// Whether the domains of the tenant were asked for: for another tenant the result may be another one.
  private(set) var usesTenant = false
  /// The nickname, where it was asked for.
  private(set) var nickname: String?

  init(_ entry: Entry, _ context: RuleContext) {
    self.entry = entry
    self.context = context
  }

  /// The tenant's domains; notes that they were asked for.
  mutating func tenant() -> TenantDomains {
    usesTenant = true
    return context.tenant
  }

  mutating func note(nickname: String) { self.nickname = nickname }

  mutating func note(change moment: Double) { nextChange = min(nextChange ?? moment, moment) }

  /// The values of an attribute by its name in lower case.
  func values(_ name: String) -> [[UInt8]] {
    let values = entry.attributes[name]
    if !values.isEmpty { return values }
    switch name {
    case "distinguishedname": return [Array(entry.name.utf8)]
    case "objectguid": return [entry.anchor.bytes]
    default: return []
    }
  }

  func value(_ name: String) -> RuleValue {
    let values = values(name)
    switch values.count {
    case 0: return .null
    case 1: return RuleValue(directory: values[0])
    default: return RuleValue(items: values.prefix(RuleValue.maximumItems).map { RuleValue(directory: $0) })
    }
  }

  /// The values of an attribute without blanks around them; empty ones are left out.
  func trimmedTexts(_ name: String) -> [String] {
    values(name).prefix(RuleValue.maximumItems).compactMap { bytes in
      let text = String(decoding: bytes, as: UTF8.self).trimmingBlanks()
      return text.isEmpty ? nil : text
    }
  }
}

extension Syntax {
  /// Attribute names are in lower case and functions are looked up once.
  indirect enum Compiled: Sendable {
    case literal(RuleValue)
    case attribute(String)
    case eager(@Sendable (Arguments, inout Scene) -> RuleValue, [Compiled])
    case lazy(@Sendable ([Compiled], inout Scene) -> RuleValue, [Compiled])
    case operation(Operator, Compiled, Compiled)
    case negate(Compiled)

    init(_ syntax: Syntax) {
      switch syntax {
      case .literal(let value): self = .literal(value)
      case .attribute(let name): self = .attribute(name.lowercased())
      case .negate(let operand): self = .negate(Compiled(operand))
      case .operation(let sign, let left, let right): self = .operation(sign, Compiled(left), Compiled(right))
      case .call(let name, let arguments):
        let arguments = arguments.map { Compiled($0) }
        switch RuleFunction.named(name)?.body {
        case .eager(let body): self = .eager(body, arguments)
        case .lazy(let body): self = .lazy(body, arguments)
        case nil: self = .literal(.null)
        }
      }
    }

    func evaluate(in scene: inout Scene) -> RuleValue {
      switch self {
      case .literal(let value): return value
      case .attribute(let name): return scene.value(name)
      case .eager(let body, let arguments):
        var values: [RuleValue] = []
        values.reserveCapacity(arguments.count)
        for argument in arguments { values.append(argument.evaluate(in: &scene)) }
        return body(Arguments(values: values), &scene)
      case .lazy(let body, let arguments): return body(arguments, &scene)
      case .negate(let operand):
        return RuleValue(number: operand.evaluate(in: &scene).number.flatMap { Int64(0).subtracting($0) })
      case .operation(let sign, let left, let right):
        return sign.apply(left.evaluate(in: &scene), right.evaluate(in: &scene))
      }
    }
  }
}

extension Int64 {
  /// Nil where the result does not fit.
  fileprivate func adding(_ other: Int64) -> Int64? {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? nil : sum
  }

  fileprivate func subtracting(_ other: Int64) -> Int64? {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? nil : difference
  }
}

extension Syntax.Operator {
  fileprivate func apply(_ left: RuleValue, _ right: RuleValue) -> RuleValue {
    switch self {
    case .equal: return .boolean(left.equals(right))
    case .notEqual: return .boolean(!left.equals(right))
    case .less: return .boolean(left.compare(right).map { $0 < 0 } ?? false)
    case .lessOrEqual: return .boolean(left.compare(right).map { $0 <= 0 } ?? false)
    case .greater: return .boolean(left.compare(right).map { $0 > 0 } ?? false)
    case .greaterOrEqual: return .boolean(left.compare(right).map { $0 >= 0 } ?? false)
    case .concatenate:
      // What has no value adds nothing; where neither has one there is none.
      if left.isNull && right.isNull { return .null }
      return RuleValue(bounded: (left.text ?? "") + (right.text ?? ""))
    case .add:
      guard let left = left.number, let right = right.number else { return .null }
      return RuleValue(number: left.adding(right))
    case .subtract:
      guard let left = left.number, let right = right.number else { return .null }
      return RuleValue(number: left.subtracting(right))
    }
  }
}
