// SPDX-License-Identifier: Apache-2.0

/// The comparisons of RFC 7644 3.4.2.2, table 3; `pr` stands alone.
package enum ComparisonOperator: String, Sendable, Hashable, CaseIterable {
  case equal = "eq"
  case notEqual = "ne"
  case contains = "co"
  case startsWith = "sw"
  case endsWith = "ew"
  case greaterThan = "gt"
  case greaterOrEqual = "ge"
  case lessThan = "lt"
  case lessOrEqual = "le"
}

/// A filter as it was written (RFC 7644 3.4.2.2), not yet held against a schema.
package indirect enum Filter: Sendable, Hashable {
  case present(AttributePath)
  /// The value is a string, boolean, number or null.
  case comparison(AttributePath, ComparisonOperator, JSONValue)
  case and([Filter])
  case or([Filter])
  case not(Filter)
  /// `emails[type eq "work"]`: one element satisfies the inner filter, whose names are sub-attributes.
  /// `emails[type eq "work"].value eq "x"` is read as `emails[type eq "work" and value eq "x"]`.
  case element(AttributePath, Filter)
}

/// What one filter may ask of its reader.
package struct FilterLimits: Sendable, Hashable {
  /// Bytes; a disjunction of 100 look-ups by a 40-character identifier has 6 kB.
  package var maximumLength: Int
  /// Nested parentheses, brackets and `not`.
  package var maximumDepth: Int
  /// Comparisons in the whole filter.
  package var maximumTerms: Int

  package init(maximumLength: Int = 16_384, maximumDepth: Int = 16, maximumTerms: Int = 256) {
    self.maximumLength = maximumLength
    self.maximumDepth = maximumDepth
    self.maximumTerms = maximumTerms
  }

  package static let standard = FilterLimits()
}

extension Filter: CustomStringConvertible {
  /// The filter in the grammar's form; parsing it gives an equal filter.
  package var description: String {
    switch self {
    case .present(let path): "\(path) pr"
    case .comparison(let path, let comparison, let value): "\(path) \(comparison.rawValue) \(value.text)"
    case .and(let terms): terms.map { $0.grouped(.or) }.joined(separator: " and ")
    case .or(let terms): terms.map { $0.grouped(nil) }.joined(separator: " or ")
    case .not(let term): "not (\(term))"
    case .element(let path, let inner): "\(path)[\(inner)]"
    }
  }

  private enum Connective { case or }

  private func grouped(_ looser: Connective?) -> String {
    switch (self, looser) {
    case (.or, .or?), (.and, .or?), (.or, nil): "(\(self))"
    default: description
    }
  }

  /// `attribute eq "value"`, quoted as needed.
  package static func equal(_ path: AttributePath, _ value: String) -> Filter {
    .comparison(path, .equal, .string(value))
  }
}
