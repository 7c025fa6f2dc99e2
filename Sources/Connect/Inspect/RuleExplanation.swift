// SPDX-License-Identifier: Apache-2.0

package import IdentityModel
package import Store
import SynchronisationRules
import Wire

/// What the synchronisation rules make of one object, and why: what `connect rules test` prints.
package struct RuleExplanation: Sendable, Codable, Equatable {
  /// One entry of the connector space.
  package struct Entry: Sendable, Codable, Equatable {
    package var source: String
    package var name: String
    package var kind: ObjectKind
    /// Why it is not synchronised; nil when it is.
    package var excluded: String?
    /// What a rule says is wrong with it (`Error`): its object stays as it is.
    package var failure: String?
    /// The rules that hold, by precedence.
    package var applied: [String]
    package var rejected: [Rejection]
    package var offers: [Offer]
    /// How objects of other forests were looked for, in order.
    package var joins: [Join]
  }

  /// One way to an object of another forest.
  package struct Join: Sendable, Codable, Equatable {
    /// The rule that asks, or `joinUsersBy`.
    package var rule: String
    /// All of them have to hold, for example `employeeID = employeeId (4711)`.
    package var conditions: [String]
    /// The entries of the objects that were found.
    package var found: [String]
    /// Whether it is the one that counts: the first that finds anything. One object is joined; of several none.
    package var decides: Bool
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
  /// What targets with other domains than the first one get instead.
  package var forms: [ObjectView.Form]?
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
    let merged = configuration.rules.merge(entries.map(\.1.first), previous: previous ?? Attributes())
    let tenants = configuration.tenants
    let forms = configuration.targets.compactMap { target -> ObjectView.Form? in
      let place = tenants.place(of: target.name)
      let form = configuration.rules.merge(entries.map { $0.1.at(place) }, previous: previous ?? Attributes())
        .attributes
      let attributes = Self.differing(form, from: merged.attributes)
      return attributes.isEmpty ? nil : .init(target: target.name, attributes: attributes)
    }
    return RuleExplanation(
      entries: try entries.map { view, evaluation in
        Self.explain(view, evaluation.first, merged, joins: try joins(view, evaluation.first, transaction))
      },
      result: merged.attributes.names.map { name in
        .init(
          name: name, values: Self.readable(merged.attributes[name]),
          rule: merged.provenance[name]?.joined(separator: ", "))
      }, forms: forms.isEmpty ? nil : forms, nextChange: entries.compactMap(\.1.nextChange).min())
  }

  private static func explain(
    _ view: ObjectView.Entry, _ evaluation: Evaluation, _ merged: MergedAttributes, joins: [RuleExplanation.Join]
  ) -> RuleExplanation.Entry {
    RuleExplanation.Entry(
      source: view.source, name: view.name, kind: view.kind, excluded: view.excluded,
      failure: evaluation.failure.map { "\($0.text) (\($0.rule), \($0.attribute))" }, applied: evaluation.applied,
      rejected: evaluation.rejected.map { .init(rule: $0.rule, reason: $0.reason) },
      offers: evaluation.contributions.map { offer in
        .init(
          attribute: offer.attribute, values: readable(offer.values), rule: offer.rule, precedence: offer.precedence,
          wins: merged.provenance[offer.attribute]?.contains(offer.rule) ?? false)
      }, joins: joins)
  }

  private func joins(
    _ view: ObjectView.Entry, _ evaluation: Evaluation, _ transaction: any Transaction
  ) throws -> [RuleExplanation.Join] {
    let rules = JoinRules(configuration)
    guard let guid = GUID(view.guid), !rules.isEmpty else { return [] }
    let stored: [UInt8]? = try transaction.value(
      "SELECT attrs FROM entry WHERE anchor = ? AND source = ?", [.blob(guid.bytes), .text(view.source)])
    guard let stored else { return [] }
    let keys = JoinKeys(transaction: transaction, rules: rules)
    var isDecided = false
    return try rules.questions(view.kind, try Attributes(stored: stored), evaluation).map { question in
      let found = try keys.answers(to: question, from: view.source)
      defer { isDecided = isDecided || !found.isEmpty }
      return RuleExplanation.Join(
        rule: question.rule,
        conditions: question.parts.map { part in
          "\(part.condition) (\(part.keys.isEmpty ? "no value" : part.keys.map(\.folded).joined(separator: ", ")))"
        },
        found: found.map { "\($0.name) (\($0.source))" }, decides: !isDecided && !found.isEmpty)
    }
  }
}
