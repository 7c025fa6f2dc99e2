// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import SynchronisationRules
import Wire

/// The groups that scopes ask for (ISMEMBEROF and ISNOTMEMBEROF).
///
/// Rules name them by distinguished name or objectGUID. A name is looked up once and then stands for that group, like the
/// organisational units of ``Scope``: renaming or moving the group, or what it stands in, changes nothing about who is in
/// it. Where the group was deleted, a new one of the same name takes its place.
struct ScopeGroups {
  private let transaction: any Transaction
  /// As the rules write them.
  private let names: [String]

  init(_ rules: RuleSet, in transaction: any Transaction) {
    self.transaction = transaction
    names = rules.groups
  }

  private struct Group {
    var source: String
    var guid: [UInt8]
    var id: Int64
  }

  /// The live entries of the groups, by the names that the rules use. Rules that are only tried may name groups that were
  /// never looked up: those are found by their present names.
  func owners() throws -> [String: [Int64]] {
    guard !names.isEmpty else { return [:] }
    var found: [String: [Int64]] = [:]
    var unknown: [String] = []
    for name in names {
      let known = try known(name)
      found[name] = known.flatMap { $0.map(\.id) }
      if known == nil { unknown.append(name) }
    }
    for (name, groups) in try search(unknown) { found[name] = groups.map(\.id) }
    return found
  }

  /// Whether an entry, deleted or not, is one of the groups.
  func contains(_ group: ConnectorEntry) throws -> Bool {
    guard group.kind == .group, !names.isEmpty else { return false }
    let row: Int? = try transaction.value(
      "SELECT 1 FROM scope_group WHERE guid = ? AND source = ?", [.blob(group.anchor.bytes), .text(group.source)])
    return row != nil
  }

  /// Looks up the names that stand for no group yet, or for one that is gone. What the rules no longer name is forgotten,
  /// so that it is looked up anew if they name it again.
  ///
  /// - Returns: the names that never stood for a group.
  func resolve() throws -> [String] {
    let folded = Set(names.map(Self.folded))
    for name in try transaction.query("SELECT DISTINCT name FROM scope_group", [], { row in try row[0] as String })
    where !folded.contains(name) {
      try transaction.run("DELETE FROM scope_group WHERE name = ?", [.text(name)])
    }
    let open = try names.filter { try known($0)?.isEmpty ?? true }
    guard !open.isEmpty else { return [] }
    let found = try search(open)
    var missing: [String] = []
    for name in open {
      guard let groups = found[name] else {
        if try known(name) == nil { missing.append(name) }
        continue
      }
      let key = SQLValue.text(Self.folded(name))
      try transaction.run("DELETE FROM scope_group WHERE name = ?", [key])
      for group in groups {
        try transaction.run(
          "INSERT INTO scope_group (name, source, guid) VALUES (?, ?, ?)",
          [key, .text(group.source), .blob(group.guid)])
        try wakeMembers(of: group.id, source: group.source)
      }
    }
    return missing.sorted()
  }

  /// Names that an object has to be a member of to be in scope, whose groups the directory has deleted.
  static func lost(_ rules: RuleSet, in transaction: any Transaction) throws -> [String] {
    let wanted = Set(
      rules.rules.flatMap(\.scope).flatMap(\.conditions).filter { $0.test == .isMemberOf }.flatMap(\.values))
    let groups = ScopeGroups(rules, in: transaction)
    return try wanted.filter { try groups.known($0)?.isEmpty ?? false }.sorted()
  }

  /// Who comes or goes with a group may come into scope or leave it.
  func wakeMembers(of group: Int64, source: String) throws {
    try transaction.run(
      """
      UPDATE entry SET dirty = 1 WHERE source = ? AND deleted = 0
        AND anchor IN (SELECT target_guid FROM link WHERE owner = ? AND attr = 'member')
      """, [.text(source), .integer(group)])
  }

  // MARK: Names

  /// A GUID by its plain text, everything else as a distinguished name.
  private static func folded(_ name: String) -> String {
    GUID(name)?.description.lowercased() ?? DistinguishedName.folded(name)
  }

  /// The live groups that a name stands for; nil when it was never looked up.
  private func known(_ name: String) throws -> [Group]? {
    let rows = try transaction.query(
      """
      SELECT scope_group.source, scope_group.guid, entry.id FROM scope_group
      LEFT JOIN entry ON entry.anchor = scope_group.guid AND entry.source = scope_group.source AND entry.deleted = 0
        AND entry.kind = 'group' AND entry.partition <> \(OutsideObjects.partition)
      WHERE scope_group.name = ?
      """, [.text(Self.folded(name))]
    ) { row in (source: try row[0] as String, guid: try row[1] as [UInt8], id: try row[2] as Int64?) }
    guard !rows.isEmpty else { return nil }
    return rows.compactMap { row in row.id.map { Group(source: row.source, guid: row.guid, id: $0) } }
  }

  /// Walks through all groups of the connector space: only for names that stand for none.
  private func search(_ names: [String]) throws -> [String: [Group]] {
    guard !names.isEmpty else { return [:] }
    let wanted = Dictionary(grouping: names, by: Self.folded)
    var found: [String: [Group]] = [:]
    try transaction.forEach(
      """
      SELECT id, dn, anchor, source FROM entry
      WHERE kind = 'group' AND deleted = 0 AND partition <> \(OutsideObjects.partition)
      """, []
    ) { row in
      let guid: [UInt8] = try row[2]
      let group = Group(source: try row[3], guid: guid, id: try row[0])
      let spellings = [DistinguishedName.folded(try row[1]), GUID(guid)?.description.lowercased() ?? ""]
      for name in spellings.compactMap({ wanted[$0] }).joined() { found[name, default: []].append(group) }
    }
    return found
  }
}
