// SPDX-License-Identifier: Apache-2.0

package import IdentityModel
package import Store
import SynchronisationRules

/// What the synchronisation rules make of one object, and why: what `connect rules test` prints.
package struct RuleExplanation: Sendable, Codable, Equatable {
  /// One entry of the connector space.
  package struct Entry: Sendable, Codable, Equatable {
    package var source: String
    package var name: String
    package var kind: ObjectKind
    /// Why it is not synchronised; nil when it is.
    package var excluded: String?
    /// The rules that hold, by precedence.
    package var applied: [String]
    package var rejected: [Rejection]
    package var offers: [Offer]
  }

  package struct Rejection: Sendable, Codable, Equatable {
    package var rule: String
    package var reason: String
  }

  /// A value that a rule has for an attribute.
  package struct Offer: Sendable, Codable, Equatable {
    package var attribute: String
    /// Empty for an explicit null.
    package var values: [String]
    package var rule: String
    package var precedence: Int
    /// Whether it is the one that flows; another rule outdoes the rest.
    package var wins: Bool
  }

  package var entries: [Entry]
  /// The attributes of the object, with the rules that gave them.
  package var result: [ObjectView.Value]
  /// When it is looked at again without a change in the directory, in seconds since 1970.
  package var nextChange: Double?
}

extension ObjectFinder {
  /// What the rules of the configuration make of an object as its directories hold it.
  ///
  /// - Throws: ``ConnectError`` `objectNotFound`.
  package func explain(_ object: String, in store: any Store) async throws -> [RuleExplanation] {
    try await store.read { transaction in
      var seen: Set<Int64> = []
      return try known(object, transaction).compactMap { found in
        guard let entry = found.entry else { return nil }
        if let mv = found.mv, !seen.insert(mv).inserted { return nil }
        return try explain(entry, found.mv, transaction)
      }
    }
  }

  private func explain(_ entry: Int64, _ mv: Int64?, _ transaction: any Transaction) throws -> RuleExplanation {
    let previous = try mv.flatMap { mv in
      try transaction.first("SELECT attrs FROM mv WHERE id = ?", [.integer(mv)]) { row in
        try Attributes(stored: try row[0])
      }
    }
    let entries = try entries(of: entry, mv, explaining: true, transaction)
    let merged = configuration.rules.merge(entries.map(\.1), previous: previous ?? Attributes())
    return RuleExplanation(
      entries: entries.map { view, evaluation in Self.explain(view, evaluation, merged) },
      result: merged.attributes.names.map { name in
        .init(
          name: name, values: Self.readable(merged.attributes[name]),
          rule: merged.provenance[name]?.joined(separator: ", "))
      }, nextChange: merged.nextChange)
  }

  private static func explain(
    _ view: ObjectView.Entry, _ evaluation: Evaluation, _ merged: MergedAttributes
  ) -> RuleExplanation.Entry {
    RuleExplanation.Entry(
      source: view.source, name: view.name, kind: view.kind, excluded: view.excluded, applied: evaluation.applied,
      rejected: evaluation.rejected.map { .init(rule: $0.rule, reason: $0.reason) },
      offers: evaluation.contributions.map { offer in
        .init(
          attribute: offer.attribute, values: readable(offer.values), rule: offer.rule, precedence: offer.precedence,
          wins: merged.provenance[offer.attribute]?.contains(offer.rule) ?? false)
      })
  }
}
