// SPDX-License-Identifier: Apache-2.0

import SynchronisationRules

/// The sets of domains that targets have: rules are asked once for each of them, and only where the answer depends on it.
struct Tenants: Sendable {
  /// The first target's.
  let first: TenantDomains
  /// Those of other targets, each once.
  let others: [TenantDomains]
  /// The place of each target's domains: 0 is ``first``.
  private let places: [String: Int]

  init(_ targets: [ConnectConfiguration.Target]) {
    var all: [TenantDomains] = []
    var places: [String: Int] = [:]
    for target in targets {
      let domains = TenantDomains(verified: target.verifiedDomains, initial: target.initialDomain)
      if !all.contains(domains) { all.append(domains) }
      places[target.name] = all.firstIndex(of: domains)
    }
    first = all.first ?? TenantDomains(verified: [], initial: "")
    others = Array(all.dropFirst())
    self.places = places
  }

  func place(of target: String) -> Int { places[target] ?? 0 }

  func domains(of target: String) -> TenantDomains {
    let place = place(of: target)
    return place == 0 ? first : others[place - 1]
  }
}

/// What the rules say of an entry, for each set of domains.
struct EntryEvaluation: Sendable {
  /// For the first target's domains. Which rules hold, and how the entry comes to its object, is the same for all.
  private(set) var first: Evaluation
  /// In the order of ``Tenants/others``; empty where the domains make no difference.
  private(set) var others: [Evaluation]

  init(_ tenants: Tenants, _ evaluate: (TenantDomains) -> Evaluation) {
    first = evaluate(tenants.first)
    others = first.usesTenant ? tenants.others.map(evaluate) : []
  }

  /// - Parameter place: as ``Tenants/place(of:)`` gives it.
  func at(_ place: Int) -> Evaluation { others.indices.contains(place - 1) ? others[place - 1] : first }

  /// When the entry has to be looked at again, in seconds since 1970.
  var nextChange: Double? { ([first] + others).compactMap(\.nextChange).min() }

  /// The nickname, where the rules asked for it.
  var nickname: String? { ([first] + others).lazy.compactMap(\.nickname).first }

  /// What a flow stopped the entry with.
  var failure: Evaluation.Failure? { ([first] + others).lazy.compactMap(\.failure).first }

  /// The entry keeps its place and gives no values.
  mutating func withholdValues() {
    first.contributions = []
    others = []
  }
}
