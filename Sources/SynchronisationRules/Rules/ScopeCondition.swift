// SPDX-License-Identifier: Apache-2.0

/// One condition of a scope. Of several values one has to fulfil it; the negative operators want that none does.
package struct ScopeCondition: Sendable, Equatable {
  package enum Operator: String, Sendable, CaseIterable {
    case equal = "EQUAL"
    case notEqual = "NOTEQUAL"
    case lessThan = "LESSTHAN"
    case lessThanOrEqual = "LESSTHAN_OR_EQUAL"
    case greaterThan = "GREATERTHAN"
    case greaterThanOrEqual = "GREATERTHAN_OR_EQUAL"
    case contains = "CONTAINS"
    case notContains = "NOTCONTAINS"
    case startsWith = "STARTSWITH"
    case notStartsWith = "NOTSTARTSWITH"
    case endsWith = "ENDSWITH"
    case notEndsWith = "NOTENDSWITH"
    case isNull = "ISNULL"
    case isNotNull = "ISNOTNULL"
    case isIn = "ISIN"
    case isNotIn = "ISNOTIN"
    case isBitSet = "ISBITSET"
    case isBitNotSet = "ISBITNOTSET"
    case isMemberOf = "ISMEMBEROF"
    case isNotMemberOf = "ISNOTMEMBEROF"

    enum Operand: Equatable { case none, text, list, number }

    var operand: Operand {
      switch self {
      case .isNull, .isNotNull: .none
      case .isIn, .isNotIn: .list
      case .isBitSet, .isBitNotSet: .number
      default: .text
      }
    }

    /// Whether the condition is about an attribute, and not about groups.
    var needsAttribute: Bool { self != .isMemberOf && self != .isNotMemberOf }

    /// Whether the operator tells what comes first.
    var isOrder: Bool {
      switch self {
      case .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual: true
      default: false
      }
    }

    /// The operator that holds exactly when this one does not, where this one is the negative.
    var positive: Operator? {
      switch self {
      case .notEqual: .equal
      case .notContains: .contains
      case .notStartsWith: .startsWith
      case .notEndsWith: .endsWith
      case .isNotIn: .isIn
      case .isNotMemberOf: .isMemberOf
      default: nil
      }
    }
  }

  /// The source attribute; empty where the operator is about groups.
  package var attribute: String
  package var test: Operator
  package var values: [String]
  /// What to tell of an entry that does not fulfil the condition, for example `it is a critical system object`.
  package var otherwise: String?
  let name: String
  private let folded: [String]
  private let number: Int64?
  private let time: ScopeTime?

  package init(_ attribute: String, _ test: Operator, _ values: [String] = [], otherwise: String? = nil) {
    self.attribute = attribute
    self.test = test
    self.values = values
    self.otherwise = otherwise
    name = attribute.lowercased()
    folded = values.map { $0.lowercased() }
    number = values.first.flatMap { RuleValue.text($0).number }
    time = test.isOrder ? values.first.flatMap(ScopeTime.init) : nil
  }

  package static func == (left: ScopeCondition, right: ScopeCondition) -> Bool {
    (left.attribute, left.test, left.values, left.otherwise)
      == (right.attribute, right.test, right.values, right.otherwise)
  }

  func holds(in scene: inout Scene) -> Bool {
    if let positive = test.positive { return !holds(positive, in: scene) }
    if let time, let value = scene.values(name).first,
      let answer = time.holds(test, RuleValue(directory: value), in: &scene)
    {
      return answer
    }
    return holds(test, in: scene)
  }

  private func holds(_ test: Operator, in scene: Scene) -> Bool {
    if test == .isMemberOf { return values.contains { scene.context.isMember($0) } }
    let values = scene.values(name)
    func any(_ matches: (String) -> Bool) -> Bool {
      values.contains { matches(String(decoding: $0, as: UTF8.self).lowercased()) }
    }
    /// How the first value stands to the wanted one.
    var order: Int? {
      guard let value = values.first, let wanted = self.values.first else { return nil }
      return RuleValue(directory: value).compare(.text(wanted))
    }
    switch test {
    case .isNull: return values.allSatisfy(\.isEmpty)
    case .isNotNull: return values.contains { !$0.isEmpty }
    case .equal, .isIn: return any { folded.contains($0) }
    case .contains: return any { text in folded.contains { text.range(of: $0, from: text.startIndex) != nil } }
    case .startsWith: return any { text in folded.contains { text.startsExactly(with: $0) } }
    case .endsWith: return any { text in folded.contains { text.endsExactly(with: $0) } }
    case .lessThan: return order.map { $0 < 0 } ?? false
    case .lessThanOrEqual: return order.map { $0 <= 0 } ?? false
    case .greaterThan: return order.map { $0 > 0 } ?? false
    case .greaterThanOrEqual: return order.map { $0 >= 0 } ?? false
    case .isBitSet, .isBitNotSet:
      // No bit of an attribute without a value is set.
      let bits = values.first.flatMap { RuleValue(directory: $0).number } ?? 0
      let isSet = number.map { bits & $0 == $0 } ?? false
      return isSet == (test == .isBitSet)
    case .isMemberOf, .notEqual, .notContains, .notStartsWith, .notEndsWith, .isNotIn, .isNotMemberOf: return false
    }
  }
}

extension ScopeCondition: CustomStringConvertible {
  /// As a person would say it, for example `department EQUAL Sales`.
  package var description: String {
    ([attribute, test.rawValue] + (values.isEmpty ? [] : [values.joined(separator: ", ")])).filter { !$0.isEmpty }
      .joined(separator: " ")
  }

  /// Why it does not hold, in words.
  func refusal(in scene: Scene) -> String {
    if let otherwise { return otherwise }
    guard test.needsAttribute else { return "\(description) does not hold" }
    let found = scene.values(name).prefix(3).map { RuleValue(directory: $0).description }
    return "\(description) does not hold: \(attribute) "
      + (found.isEmpty ? "has no value" : "is " + found.joined(separator: ", "))
  }
}
