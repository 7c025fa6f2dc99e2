// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// The right side of a comparison, in the type of the attribute on its left.
enum FilterOperand: Sendable, Hashable {
  /// Folded already when the attribute is not `caseExact`.
  case text([UInt8])
  case bool(Bool)
  case integer(Int64)
  case decimal(Double)
  case date(Date)

  init(
    _ value: JSONValue, for attribute: AttributeDefinition, _ comparison: ComparisonOperator
  ) throws(SCIMError) {
    let ordering: Set<ComparisonOperator> = [.greaterThan, .greaterOrEqual, .lessThan, .lessOrEqual]
    let partial: Set<ComparisonOperator> = [.contains, .startsWith, .endsWith]
    func mismatch() -> SCIMError {
      .invalidFilter("\(attribute.name) is of type \(attribute.type.rawValue); \(value.text) is \(value.kind).")
    }
    func refuse(_ operators: Set<ComparisonOperator>) throws(SCIMError) {
      guard !operators.contains(comparison) else {
        throw .invalidFilter("\(comparison.rawValue) does not apply to the type \(attribute.type.rawValue).")
      }
    }
    switch attribute.type {
    case .string, .reference:
      guard let text = value.string else { throw mismatch() }
      self = .text(Self.comparable(text, attribute))
    case .binary:
      try refuse(ordering)
      guard let text = value.string else { throw mismatch() }
      self = .text(Self.comparable(text, attribute))
    case .boolean:
      try refuse(ordering.union(partial))
      guard let bool = AttributeNormalizer.boolean(value) else { throw mismatch() }
      self = .bool(bool)
    case .integer:
      try refuse(partial)
      guard let integer = value.integer else { throw mismatch() }
      self = .integer(integer)
    case .decimal:
      try refuse(partial)
      switch value {
      case .integer(let integer): self = .decimal(Double(integer))
      case .number(let number): self = .decimal(number)
      default: throw mismatch()
      }
    case .dateTime:
      guard let text = value.string else { throw mismatch() }
      if partial.contains(comparison) {
        self = .text(Array(text.utf8))
      } else {
        guard let date = SCIMDateTime.parse(text) else { throw mismatch() }
        self = .date(date)
      }
    case .complex: throw .invalidFilter("\(attribute.name) has sub-attributes; compare one of them.")
    }
  }

  private static func comparable(_ text: String, _ attribute: AttributeDefinition) -> [UInt8] {
    Array((attribute.caseExact ? text : SCIMText.folded(text)).utf8)
  }

  func holds(_ comparison: ComparisonOperator, for values: [JSONValue], of attribute: AttributeDefinition) -> Bool {
    if comparison == .notEqual { return !values.contains { holds(.equal, for: $0, of: attribute) } }
    return values.contains { holds(comparison, for: $0, of: attribute) }
  }

  private func holds(_ comparison: ComparisonOperator, for value: JSONValue, of attribute: AttributeDefinition) -> Bool
  {
    switch (self, value) {
    case (.text(let right), .string(let text)):
      let left = Self.comparable(text, attribute)
      switch comparison {
      case .contains: return Self.contains(left, right)
      case .startsWith: return left.starts(with: right)
      case .endsWith: return left.count >= right.count && left.suffix(right.count).elementsEqual(right)
      case .equal, .notEqual: return left == right
      default: return Self.holds(comparison, lessThan: left.lexicographicallyPrecedes(right), equal: left == right)
      }
    case (.bool(let right), .bool(let left)): return left == right
    case (.integer(let right), .integer(let left)):
      return Self.holds(comparison, lessThan: left < right, equal: left == right)
    case (.decimal(let right), .number(let left)):
      return Self.holds(comparison, lessThan: left < right, equal: left == right)
    case (.decimal(let right), .integer(let left)):
      return Self.holds(comparison, lessThan: Double(left) < right, equal: Double(left) == right)
    case (.date(let right), .string(let text)):
      guard let left = SCIMDateTime.parse(text) else { return false }
      return Self.holds(comparison, lessThan: left < right, equal: left == right)
    default: return false
    }
  }

  private static func holds(_ comparison: ComparisonOperator, lessThan: Bool, equal: Bool) -> Bool {
    switch comparison {
    case .equal: equal
    case .greaterThan: !lessThan && !equal
    case .greaterOrEqual: !lessThan
    case .lessThan: lessThan
    case .lessOrEqual: lessThan || equal
    case .notEqual, .contains, .startsWith, .endsWith: false
    }
  }

  private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
    guard let first = part.first else { return true }
    guard text.count >= part.count else { return false }
    if part.count > 32 { return containsLong(text, part) }
    for start in 0...(text.count - part.count)
    where text[start] == first && text[start..<(start + part.count)].elementsEqual(part) { return true }
    return false
  }

  /// Knuth, Morris and Pratt's search: linear, whatever the texts. Long parts come from nobody who means well.
  private static func containsLong(_ text: [UInt8], _ part: [UInt8]) -> Bool {
    // How much of the part's beginning is still matched when its next byte does not fit.
    var borders = [0]
    var length = 0
    for index in 1..<part.count {
      while length > 0, part[index] != part[length] { length = borders[length - 1] }
      if part[index] == part[length] { length += 1 }
      borders.append(length)
    }
    var matched = 0
    for byte in text {
      while matched > 0, byte != part[matched] { matched = borders[matched - 1] }
      if byte == part[matched] { matched += 1 }
      if matched == part.count { return true }
    }
    return false
  }
}
