// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import SynchronisationRules

/// What the synchronisation rules say of entries of the connector space.
struct EntryRules {
  private let transaction: any Transaction
  private let configuration: ConnectConfiguration
  private let tenants: Tenants
  /// Seconds since 1970.
  private let now: Double
  /// The entries of the groups that scopes ask for, by the names that the rules use.
  private let groups: [String: [Int64]]

  init(_ configuration: ConnectConfiguration, now: Double, in transaction: any Transaction) throws {
    self.configuration = configuration
    tenants = configuration.tenants
    self.now = now
    self.transaction = transaction
    groups = try ScopeGroups(configuration.rules, in: transaction).owners()
  }

  /// - Parameters:
  ///   - entry: the row of the entry.
  ///   - nickname: that of its object, where it has one.
  func evaluate(
    _ entry: Entry, _ id: Int64, source: String, nickname: String?, explaining: Bool = false
  ) throws -> EntryEvaluation {
    var memberships: Set<String> = []
    for (name, owners) in groups {
      let isMember = try owners.contains { owner in
        let row: Int? = try transaction.value(
          """
          SELECT 1 FROM link WHERE owner = ? AND attr = 'member' AND target_guid = ? AND change IS NOT -1
          """, [.integer(owner), .blob(entry.anchor.bytes)])
        return row != nil
      }
      if isMember { memberships.insert(name) }
    }
    return EntryEvaluation(tenants) { tenant in
      let context = RuleContext(forest: source, now: now, tenant: tenant, nickname: nickname) { [memberships] in
        memberships.contains($0)
      }
      return configuration.rules.evaluate(entry, in: context, explaining: explaining)
    }
  }

  /// Who was in a scope group that is gone may leave the scope, or enter it.
  func wakeMembers(ofDeleted group: ConnectorEntry) throws {
    let groups = ScopeGroups(configuration.rules, in: transaction)
    if try groups.contains(group) { try groups.wakeMembers(of: group.id, source: group.source) }
  }
}
