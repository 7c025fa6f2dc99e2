// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import SynchronisationRules
import Wire

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
    groups = try Self.groups(configuration.rules, in: transaction)
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
    guard group.kind == .group, !configuration.rules.groups.isEmpty else { return }
    let names = Set(configuration.rules.groups.map(DistinguishedName.folded))
    let guid = GUID(group.anchor.bytes)?.description.lowercased() ?? ""
    guard names.contains(guid) || names.contains(DistinguishedName.folded(group.name)) else { return }
    try transaction.run(
      """
      UPDATE entry SET dirty = 1 WHERE source = ? AND deleted = 0
        AND anchor IN (SELECT target_guid FROM link WHERE owner = ? AND attr = 'member')
      """, [.text(group.source), .integer(group.id)])
  }

  /// The entries of scope groups: who comes or goes there is looked at again.
  static func groups(_ rules: RuleSet, in transaction: any Transaction) throws -> [String: [Int64]] {
    guard !rules.groups.isEmpty else { return [:] }
    let folded = Dictionary(grouping: rules.groups) { DistinguishedName.folded($0) }
    var found: [String: [Int64]] = [:]
    try transaction.forEach(
      "SELECT id, dn, anchor FROM entry WHERE kind = 'group' AND deleted = 0 AND partition <> 0", []
    ) { row in
      let id: Int64 = try row[0]
      let guid = GUID(try row[2] as [UInt8])?.description.lowercased() ?? ""
      for name in (folded[DistinguishedName.folded(try row[1])] ?? []) + (folded[guid] ?? []) {
        found[name, default: []].append(id)
      }
    }
    return found
  }
}
