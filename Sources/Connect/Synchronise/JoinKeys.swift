// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import SynchronisationRules

/// The `join_key` table: by what the entries in scope, and the objects that they make, can be found by those of other
/// forests. An object's keys stand with the first of its entries.
struct JoinKeys {
  let transaction: any Transaction
  let rules: JoinRules

  // MARK: Keys of entries

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
      try insert(
        rules.keys(of: try Attributes(stored: try row[2]), kind: try row.kind(1)),
        of: try row[0])
    }
    guard rules.looksAtObjects else { return }
    try transaction.forEach(
      """
      SELECT (SELECT MIN(entry.id) FROM entry WHERE entry.mv = mv.id AND entry.deleted = 0 AND entry.kind <> 'foreign'),
        kind, attrs FROM mv WHERE gone = 0 AND outside = 0
      """, []
    ) { row in
      guard let entry: Int64 = try row[0], let kind = ObjectKind(rawValue: try row[1]) else { return }
      try insert(rules.keys(ofObject: try Attributes(stored: try row[2]), kind: kind), of: entry)
    }
  }

  private func insert(_ keys: Set<JoinKey>, of entry: Int64) throws {
    try transaction.run(
      "INSERT INTO join_key (attr, folded, entry) VALUES (?, ?, ?)",
      rows: keys.map { [.text($0.attribute), .text($0.folded), .integer(entry)] })
  }

  private func replace(_ entry: Int64, _ wanted: Set<JoinKey>) throws {
    let held = Set(
      try transaction.query(
        "SELECT attr, folded FROM join_key WHERE entry = ? AND attr NOT LIKE 'mv:%'", [.integer(entry)]
      ) { row in JoinKey(attribute: try row[0], folded: try row[1]) })
    try delete(held.subtracting(wanted), of: entry)
    try insert(wanted.subtracting(held), of: entry)
    try wake(held.symmetricDifference(wanted), except: entry)
  }

  private func delete(_ keys: Set<JoinKey>, of entry: Int64) throws {
    for key in keys {
      try transaction.run(
        "DELETE FROM join_key WHERE attr = ? AND folded = ? AND entry = ?",
        [.text(key.attribute), .text(key.folded), .integer(entry)])
    }
  }

  /// Entries that have no object, or are contacts, and share a key with one that came, went or changed are looked at
  /// again.
  func wake(_ keys: some Sequence<JoinKey>, except entry: Int64) throws {
    for key in keys {
      for attribute in rules.attributes {
        try transaction.run(
          """
          UPDATE entry SET dirty = 1 WHERE (mv IS NULL OR kind = 'contact') AND deleted = 0 AND id <> ?
            AND id IN (SELECT entry FROM join_key WHERE attr = ? AND folded = ?)
          """, [.integer(entry), .text(attribute), .text(key.folded)])
      }
    }
  }

  // MARK: Keys of objects

  /// Brings the keys of an object up to date.
  ///
  /// - Parameters:
  ///   - attributes: those that it has in the metaverse; empty when it goes.
  ///   - entry: the first of its entries.
  func update(object: Int64, _ attributes: Attributes, kind: ObjectKind, entry: Int64) throws {
    guard rules.looksAtObjects else { return }
    let wanted = rules.keys(ofObject: attributes, kind: kind)
    let held = try transaction.query(
      """
      SELECT join_key.attr, join_key.folded, join_key.entry FROM entry JOIN join_key ON join_key.entry = entry.id
      WHERE entry.mv = ? AND join_key.attr LIKE 'mv:%'
      """, [.integer(object)]
    ) { row in (key: JoinKey(attribute: try row[0], folded: try row[1]), entry: try row[2] as Int64) }
    for row in held where row.entry != entry || !wanted.contains(row.key) { try delete([row.key], of: row.entry) }
    let kept = Set(held.filter { $0.entry == entry }.map(\.key)).intersection(wanted)
    try insert(wanted.subtracting(kept), of: entry)
    try wake(wanted.symmetricDifference(held.map(\.key)), except: entry)
  }

  // MARK: Candidates

  /// An object that a question leads to, by one of its entries.
  struct Candidate {
    var object: Int64
    var entry: Int64
    var source: String
    var name: String
  }

  /// The objects of other forests that the first question to find any leads to.
  func candidates(
    for entry: ConnectorEntry, _ attributes: Attributes, _ evaluation: Evaluation
  ) throws -> [Candidate] {
    for question in rules.questions(entry.kind, attributes, evaluation) {
      let found = try answers(to: question, from: entry.source)
      if !found.isEmpty { return found }
    }
    return []
  }

  /// - Parameter source: the forest that asks: nothing of its own is found.
  func answers(to question: JoinRules.Question, from source: String) throws -> [Candidate] {
    var found: [Int64: Candidate]?
    for part in question.parts {
      var matches: [Int64: Candidate] = [:]
      for key in part.keys {
        let rows = try transaction.query(
          """
          SELECT e.mv, e.id, e.source, e.dn FROM join_key AS k JOIN entry AS e ON e.id = k.entry
          JOIN mv ON mv.id = e.mv AND mv.gone = 0
          WHERE k.attr = ?1 AND k.folded = ?2 AND e.source <> ?3 AND e.deleted = 0 AND e.kind <> 'foreign'
            AND (?4 IS NULL OR mv.kind = ?4) ORDER BY e.id
          """,
          [.text(key.attribute), .text(key.folded), .text(source), SQLValue(question.kind?.rawValue)]
        ) { row in Candidate(object: try row[0], entry: try row[1], source: try row[2], name: try row[3]) }
        for row in rows { matches[row.object] = matches[row.object] ?? row }
      }
      found = found.map { earlier in earlier.filter { matches[$0.key] != nil } } ?? matches
    }
    return (found ?? [:]).values.sorted { $0.object < $1.object }
  }
}
