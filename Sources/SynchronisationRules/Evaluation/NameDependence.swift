// SPDX-License-Identifier: Apache-2.0

/// What rules look at in distinguished names. A directory does not report the entries below a container whose name
/// changed, so this says which of them have to be looked at again.
package struct NameDependence: Sendable, Equatable {
  /// Whether any change of a name may change what the rules say.
  private(set) var isWhole = false
  /// In lower case: where names are not looked at as a whole, rules ask whether they contain these.
  private(set) var parts: Set<String> = []

  /// No rule looks at names.
  package init() {}

  package init(_ rules: RuleSet) {
    let scopes = rules.rules.flatMap(\.scope).flatMap(\.conditions)
    for condition in scopes where condition.name == Self.attribute && condition.test.needsAttribute {
      // A part with a comma may begin in the name of an entry and end in that of its container.
      if [.contains, .notContains].contains(condition.test), !condition.values.contains(where: { $0.contains(",") }) {
        parts.formUnion(condition.values.map { $0.lowercased() })
      } else {
        isWhole = true
      }
    }
    let values = rules.rules.flatMap { $0.flowedAttributes + $0.join.flatMap(\.pairs).map(\.source) }
    if values.contains(where: { $0.lowercased() == Self.attribute }) { isWhole = true }
  }

  private static let attribute = "distinguishedname"

  /// Whether the rules may say something else of an entry, or of what stands below it, under its new name.
  package func matters(from old: String, to new: String) -> Bool {
    guard old != new else { return false }
    if isWhole { return true }
    let (old, new) = (old.lowercased(), new.lowercased())
    return parts.contains { old.contains($0) != new.contains($0) }
  }
}
