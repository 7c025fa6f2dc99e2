// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// The `join_key` table: by what the entries in scope can be found by those of other forests.
struct JoinKeys {
  let transaction: any Transaction
  let rules: JoinRules

  /// Brings the keys of an entry in scope up to date.
  func update(_ entry: ConnectorEntry, _ attributes: Attributes) throws {
    guard !rules.isEmpty else { return }
    try replace(entry.id, rules.keys(of: attributes, kind: entry.kind))
  }

  /// The entry left the scope.
  func remove(_ entry: ConnectorEntry) throws {
    guard !rules.isEmpty else { return }
    try replace(entry.id, [])
  }

  /// After a change of the configuration: the keys of all entries that have an object, before any other looks for one.
  func rebuild() throws {
    try transaction.run("DELETE FROM join_key")
    guard !rules.isEmpty else { return }
    try transaction.forEach(
      "SELECT id, kind, attrs FROM entry WHERE mv IS NOT NULL AND deleted = 0 AND partition <> 0", []
    ) { row in
      let entry: Int64 = try row[0]
      let keys = rules.keys(
        of: try Attributes(stored: try row[2]), kind: ObjectKind(rawValue: try row[1]) ?? .structure)
      try transaction.run(
        "INSERT INTO join_key (attr, folded, entry) VALUES (?, ?, ?)",
        rows: keys.map { [.text($0.attribute), .text($0.folded), .integer(entry)] })
    }
  }

  private func replace(_ entry: Int64, _ wanted: Set<JoinKey>) throws {
    let held = Set(
      try transaction.query("SELECT attr, folded FROM join_key WHERE entry = ?", [.integer(entry)]) { row in
        JoinKey(attribute: try row[0], folded: try row[1])
      })
    for key in held.subtracting(wanted) {
      try transaction.run(
        "DELETE FROM join_key WHERE attr = ? AND folded = ? AND entry = ?",
        [.text(key.attribute), .text(key.folded), .integer(entry)])
    }
    for key in wanted.subtracting(held) {
      try transaction.run(
        "INSERT INTO join_key (attr, folded, entry) VALUES (?, ?, ?)",
        [.text(key.attribute), .text(key.folded), .integer(entry)])
    }
    try wake(held.symmetricDifference(wanted), except: entry)
  }

  /// Entries that have no object and share a key with one that came, went or changed are looked at again.
  func wake(_ keys: some Sequence<JoinKey>, except entry: Int64) throws {
    for key in keys {
      for attribute in rules.attributes {
        try transaction.run(
          """
          UPDATE entry SET dirty = 1 WHERE mv IS NULL AND deleted = 0 AND id <> ?
            AND id IN (SELECT entry FROM join_key WHERE attr = ? AND folded = ?)
          """, [.integer(entry), .text(attribute), .text(key.folded)])
      }
    }
  }

  /// An object that a condition leads to, by one of its entries.
  struct Candidate {
    var object: Int64
    var entry: Int64
    var source: String
    var name: String
  }

  /// The objects of other forests that the first condition to find any leads to.
  func candidates(for entry: ConnectorEntry, _ attributes: Attributes) throws -> [Candidate] {
    for condition in rules.conditions(for: entry.kind) {
      var found: [Int64: Candidate] = [:]
      for key in rules.keys(condition.own, of: attributes) {
        let rows = try transaction.query(
          """
          SELECT e.mv, e.id, e.source, e.dn FROM join_key AS k JOIN entry AS e ON e.id = k.entry
          JOIN mv ON mv.id = e.mv AND mv.gone = 0
          WHERE k.attr = ?1 AND k.folded = ?2 AND e.source <> ?3 AND e.deleted = 0 AND e.kind <> 'foreign'
            AND (e.kind = ?4 OR ?4 = 'foreign')
          """,
          [.text(condition.others), .text(key.folded), .text(entry.source), .text(entry.kind.rawValue)]
        ) { row in Candidate(object: try row[0], entry: try row[1], source: try row[2], name: try row[3]) }
        for row in rows { found[row.object] = found[row.object] ?? row }
      }
      if !found.isEmpty { return found.values.sorted { $0.object < $1.object } }
    }
    return []
  }
}
