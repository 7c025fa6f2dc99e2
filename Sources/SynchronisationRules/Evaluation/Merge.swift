// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

extension RuleSet {
  /// Brings together what the entries of one object give it: for each attribute the rule with the lowest number wins; of
  /// one number the entry that stands first. An explicit null wins like a value.
  ///
  /// - Parameter previous: the attributes that the object has, for flows that set a value once.
  package func merge(_ evaluations: [Evaluation], previous: Attributes = Attributes()) -> MergedAttributes {
    var result = MergedAttributes(nextChange: evaluations.compactMap(\.nextChange).min())
    var winners: [String: Evaluation.Contribution] = [:]
    winners.reserveCapacity(32)
    for evaluation in evaluations {
      for contribution in evaluation.contributions {
        if let winner = winners[contribution.attribute], winner.precedence <= contribution.precedence { continue }
        winners[contribution.attribute] = contribution
      }
    }
    for (attribute, winner) in winners {
      var (values, rules) = (winner.values, [winner.rule])
      if winner.once, !previous[attribute].isEmpty {
        values = previous[attribute]
      } else if winner.merge != .update {
        (values, rules) = Self.union(attribute, winner, evaluations)
      }
      result.attributes[attribute] = values
      if values.isEmpty { result.attributes.remove(attribute) }
      result.provenance[attribute] = rules
    }
    for evaluation in evaluations {
      for (attribute, rule) in evaluation.kept where result.provenance[attribute] == nil {
        guard !previous[attribute].isEmpty else { continue }
        result.attributes[attribute] = previous[attribute]
        result.provenance[attribute] = [rule]
      }
    }
    return result
  }

  /// The values of all rules that merge, those of the winner first.
  private static func union(
    _ attribute: String, _ winner: Evaluation.Contribution, _ evaluations: [Evaluation]
  ) -> (values: [[UInt8]], rules: [String]) {
    let others = evaluations.flatMap(\.contributions).filter { $0.attribute == attribute && $0.merge != .update }
      .sorted { $0.precedence < $1.precedence }
    var seen: Set<[UInt8]> = []
    var (values, rules): ([[UInt8]], [String]) = ([], [])
    for contribution in [winner] + others {
      for value in contribution.values {
        let key =
          winner.merge == .merge
          ? value : String(validating: value, as: UTF8.self).map { Array($0.lowercased().utf8) } ?? value
        if seen.insert(key).inserted { values.append(value) }
      }
      if !rules.contains(contribution.rule) { rules.append(contribution.rule) }
    }
    return (values, rules)
  }
}
