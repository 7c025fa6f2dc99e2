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
  /// What Error was first called with.
  private var failure: String?
  /// Values that Where, Select and With name, in lower case; the last of a name counts.
  private var variables: [(name: String, value: RuleValue)] = []
  /// How much may still be done within Where and Select; nil outside of them.
  private var allowance: Int?

  /// What the outermost Where or Select may cost: a value counts one, and one more for each of its values and every 8
  /// bytes. What would cost more is ``RuleValue/null``.
  static let maximumCost = 1_000_000

  init(_ entry: Entry, _ context: RuleContext) {
    self.entry = entry
    self.context = context
  }

  /// The tenant's domains; notes that they were asked for.
  mutating func tenant() -> TenantDomains {
    usesTenant = true
    return context.tenant
  }

  mutating func note(failure text: String) { failure = failure ?? text }

  /// What Error was called with since the last time.
  mutating func takeFailure() -> String? {
    defer { failure = nil }
    return failure
  }

  func variable(_ name: String) -> RuleValue { variables.last { $0.name == name }?.value ?? .null }

  /// Evaluates with a value that has a name.
  mutating func with<R>(_ name: String, _ value: RuleValue, _ body: (inout Scene) -> R) -> R {
    variables.append((name, value))
    defer { variables.removeLast() }
    return body(&self)
  }

  /// Evaluates for each of several values, within what that may cost.
  mutating func loop(_ body: (inout Scene) -> RuleValue) -> RuleValue {
    if allowance != nil { return body(&self) }
    allowance = Self.maximumCost
    defer { allowance = nil }
    let result = body(&self)
    return isExhausted ? .null : result
  }

  var isExhausted: Bool { allowance.map { $0 <= 0 } ?? false }

  /// Counts a value within Where and Select.
  mutating func count(_ value: RuleValue) {
    guard let allowance else { return }
    var cost = 1 + value.size / 8
    if case .list(let items) = value { cost += items.count }
    self.allowance = allowance - cost
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
    case variable(String)
    case eager(@Sendable (Arguments, inout Scene) -> RuleValue, [Compiled])
    case lazy(@Sendable ([Compiled], inout Scene) -> RuleValue, [Compiled])
    case binding(@Sendable (String, RuleValue, Compiled, inout Scene) -> RuleValue, String, Compiled, Compiled)
    case operation(Operator, Compiled, Compiled)
    case negate(Compiled)

    init(_ syntax: Syntax) {
      switch syntax {
      case .literal(let value): self = .literal(value)
      case .attribute(let name): self = .attribute(name.lowercased())
      case .variable(let name): self = .variable(name.lowercased())
      case .negate(let operand): self = .negate(Compiled(operand))
      case .operation(let sign, let left, let right): self = .operation(sign, Compiled(left), Compiled(right))
      case .call(let name, let arguments):
        let arguments = arguments.map { Compiled($0) }
        switch RuleFunction.named(name)?.body {
        case .eager(let body): self = .eager(body, arguments)
        case .lazy(let body): self = .lazy(body, arguments)
        case .binding(let body):
          guard arguments.count == 3, case .variable(let name) = arguments[0] else {
            self = .literal(.null)
            return
          }
          self = .binding(body, name, arguments[1], arguments[2])
        case nil: self = .literal(.null)
        }
      }
    }

    func evaluate(in scene: inout Scene) -> RuleValue {
      if scene.isExhausted { return .null }
      let value = compute(in: &scene)
      scene.count(value)
      return value
    }

    /// Whether it is True; what is neither True nor False is not.
    func holds(in scene: inout Scene) -> Bool { evaluate(in: &scene).boolean ?? false }

    private func compute(in scene: inout Scene) -> RuleValue {
      switch self {
      case .literal(let value): return value
      case .attribute(let name): return scene.value(name)
      case .variable(let name): return scene.variable(name)
      case .eager(let body, let arguments):
        var values: [RuleValue] = []
        values.reserveCapacity(arguments.count)
        for argument in arguments { values.append(argument.evaluate(in: &scene)) }
        return body(Arguments(values: values), &scene)
      case .lazy(let body, let arguments): return body(arguments, &scene)
      case .binding(let body, let name, let value, let expression):
        return body(name, value.evaluate(in: &scene), expression, &scene)
      case .negate(let operand):
        return RuleValue(number: operand.evaluate(in: &scene).number.flatMap { Int64(0).subtracting($0) })
      case .operation(.and, let left, let right):
        return .boolean(left.holds(in: &scene) && right.holds(in: &scene))
      case .operation(.or, let left, let right):
        return .boolean(left.holds(in: &scene) || right.holds(in: &scene))
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

  fileprivate func multiplied(by other: Int64) -> Int64? {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? nil : product
  }

  /// The whole number of times; nil also where the divisor is zero.
  fileprivate func divided(by other: Int64) -> Int64? {
    let (quotient, overflow) = dividedReportingOverflow(by: other)
    return overflow ? nil : quotient
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
      if case .list = left { return left.mapTexts { $0 + (right.text ?? "") } }
      return right.isNull
        ? RuleValue(bounded: left.text ?? "") : right.map { RuleValue(bounded: (left.text ?? "") + ($0.text ?? "")) }
    case .add: return Self.compute(left, right) { $0.adding($1) }
    case .subtract: return Self.compute(left, right) { $0.subtracting($1) }
    case .multiply: return Self.compute(left, right) { $0.multiplied(by: $1) }
    case .divide: return Self.compute(left, right) { $0.divided(by: $1) }
    case .and: return .boolean(left.boolean ?? false && right.boolean ?? false)
    case .or: return .boolean(left.boolean ?? false || right.boolean ?? false)
    }
  }

  private static func compute(
    _ left: RuleValue, _ right: RuleValue, _ body: (Int64, Int64) -> Int64?
  ) -> RuleValue {
    guard let left = left.number, let right = right.number else { return .null }
    return RuleValue(number: body(left, right))
  }
}
