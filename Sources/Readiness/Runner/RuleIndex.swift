// SPDX-License-Identifier: Apache-2.0

import PortReference

/// The rules of a plan by the flow that they open. A plan for hundreds of hosts has thousands of rules: each flow finds its
/// own without looking through all of them.
struct RuleIndex {
  private struct Opening: Hashable {
    var row: RowID
    var transport: Transport
    /// Where the rule is made, if that is the source; nil for a rule at the destination.
    var source: String?
    /// Lower case.
    var target: String
  }

  private var rules: [Opening: Rule] = [:]

  init(_ plan: Plan) {
    for rule in plan.rules {
      let names =
        switch rule.direction {
        case .egress: rule.peers.flatMap { [$0.name] + $0.names.map(\.text) }
        case .ingress: [rule.host]
        }
      for row in rule.rows {
        for name in names {
          let opening = Opening(
            row: row, transport: rule.transport, source: rule.direction == .egress ? rule.host : nil,
            target: name.lowercased())
          if rules[opening] == nil { rules[opening] = rule }
        }
      }
    }
  }

  /// The rule at the source that opens the flow, in words; where the source has none, the one at the destination.
  func words(_ row: RowID, _ transport: Transport, from source: String, to target: String) -> String? {
    let name = target.lowercased()
    if let egress = rules[Opening(row: row, transport: transport, source: source, target: name)] {
      return "egress at \(egress.host): \(egress.service) to \(Self.peers(egress, target)), for \(egress.title)"
    }
    return rules[Opening(row: row, transport: transport, source: nil, target: name)].map { ingress in
      "ingress at \(ingress.host): \(ingress.service) from \(Self.peers(ingress, source)), for \(ingress.title)"
    }
  }

  /// The peer that the flow is about, and how many others the rule opens it for.
  private static func peers(_ rule: Rule, _ wanted: String) -> String {
    let peer = rule.peers.first { [$0.name].containsName(wanted) || $0.names.map(\.text).containsName(wanted) }
    guard let peer else { return rule.peersText }
    let others = rule.peers.count - 1
    return peer.name + (others > 0 ? " and \(others) other\(others > 1 ? "s" : "")" : "")
  }
}
