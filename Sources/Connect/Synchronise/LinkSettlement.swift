// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import SynchronisationRules

/// Compares references that changed, or whose ends came or went, with what each target confirmed: one row a reference, so
/// that the cost is that of the change, whatever the size of the group.
///
/// A reference names an entry of its own forest. That entry's object is what the targets are told: an object has the
/// references of all its entries, and a foreign security principal stands for the object that it joined.
struct LinkSettlement {
  let transaction: any Transaction
  let targets: [TargetProfile]
  let configuration: ConnectConfiguration

  /// References of which an object has one: where its entries name several, the first source's is told.
  static let singleValued: Set<String> = ["manager", "managedBy"]

  private struct Row {
    var owner: Int64
    var attribute: String
    var targetGUID: [UInt8]
    var isRemoved: Bool
    var ownerObject: Int64?
    var ownerKind: ObjectKind?
    var ownerGone: Bool?
    var member: Int64?
    var memberKind: ObjectKind?
    var memberGone: Bool?
    var memberIsOutside: Bool?
    var source: String
  }

  /// - Returns: how many references were looked at.
  func settle(limit: Int) throws -> Int {
    let rows = try transaction.query(
      """
      WITH queue AS (SELECT owner, attr, target_guid, change FROM link WHERE change IS NOT NULL LIMIT ?1)
      SELECT queue.owner, queue.attr, queue.target_guid, queue.change, o.mv, om.kind, om.gone, m.mv, mm.kind, mm.gone,
        mm.outside, o.source
      FROM queue JOIN entry o ON o.id = queue.owner
      LEFT JOIN mv om ON om.id = o.mv
      LEFT JOIN entry m ON m.anchor = queue.target_guid AND m.source = o.source AND m.mv IS NOT NULL
      LEFT JOIN mv mm ON mm.id = m.mv
      """, [.integer(Int64(limit))]
    ) { row in
      Row(
        owner: try row[0], attribute: try row[1], targetGUID: try row[2], isRemoved: (try row[3] as Int) < 0,
        ownerObject: try row[4], ownerKind: (try row[5] as String?).flatMap(ObjectKind.init),
        ownerGone: try row[6], member: try row[7], memberKind: (try row[8] as String?).flatMap(ObjectKind.init),
        memberGone: try row[9], memberIsOutside: try row[10], source: try row[11])
    }
    let scopeGroups = Set(try ScopeGroups(configuration.rules, in: transaction).owners().values.joined())
    for row in rows {
      try settle(row)
      if scopeGroups.contains(row.owner) {
        // Whoever comes into a group that a scope asks for, or leaves it, may come into scope or leave it.
        try transaction.run(
          "UPDATE entry SET dirty = 1 WHERE anchor = ? AND source = (SELECT source FROM entry WHERE id = ?)",
          [.blob(row.targetGUID), .integer(row.owner)])
      }
      let key: [SQLValue] = [.integer(row.owner), .text(row.attribute), .blob(row.targetGUID)]
      if row.isRemoved {
        try transaction.run("DELETE FROM link WHERE owner = ? AND attr = ? AND target_guid = ?", key)
      } else {
        try transaction.run("UPDATE link SET change = NULL WHERE owner = ? AND attr = ? AND target_guid = ?", key)
      }
    }
    return rows.count
  }

  private func settle(_ row: Row) throws {
    // Without an owner at the targets there is nothing to say; without a member object there never was.
    guard let owner = row.ownerObject, row.ownerGone == false, let kind = row.ownerKind,
      let attribute = configuration.rules.references[kind]?[row.attribute]
    else { return }
    guard let member = row.member, let memberKind = row.memberKind else {
      if !row.isRemoved, configuration.catalogSources.contains(row.source) {
        try UnresolvedReferences(transaction: transaction, source: row.source).note(row.targetGUID)
      }
      return
    }
    var isWanted = row.memberGone == false && owner != member
    // Another entry of the owner may refer to the same object, or this one by another entry of the member.
    if isWanted, row.isRemoved { isWanted = try self.isWanted(owner: owner, attribute: attribute, member: member) }
    let ruling = try self.ruling(of: owner, attribute)
    if let ruling { isWanted = ruling.member == member }
    for target in targets where target.accepts(attribute, of: kind) && target.holds(memberKind) {
      try settle(
        owner: owner, attribute: attribute, member: member, isWanted: isWanted, at: target,
        isOutside: row.memberIsOutside)
      if let ruling { try settleOthers(owner, attribute, ruling.member, except: member, at: target) }
    }
  }

  /// The one reference that several entries of an object agree on by precedence; nil when there is nothing to agree on.
  private func ruling(of owner: Int64, _ attribute: String) throws -> (member: Int64?, Void)? {
    guard Self.singleValued.contains(attribute) else { return nil }
    let entries = try transaction.query(
      "SELECT id, source FROM entry WHERE mv = ? AND deleted = 0 ORDER BY id", [.integer(owner)],
      { row in (id: try row[0] as Int64, source: try row[1] as String) })
    guard entries.count > 1 else { return nil }
    let order = Dictionary(configuration.sources.enumerated().map { ($1, $0) }) { first, _ in first }
    for entry in entries.sorted(by: { (order[$0.source] ?? .max, $0.id) < (order[$1.source] ?? .max, $1.id) }) {
      let member: Int64? = try transaction.value(
        """
        SELECT m.mv FROM link JOIN entry AS m ON m.anchor = link.target_guid AND m.source = ?3
        JOIN mv ON mv.id = m.mv AND mv.gone = 0
        WHERE link.owner = ?1 AND link.attr = ?2 AND link.change IS NOT -1 AND m.mv <> ?4 LIMIT 1
        """, [.integer(entry.id), .text(attribute), .text(entry.source), .integer(owner)])
      if let member { return (member, ()) }
    }
    return (nil, ())
  }

  private func settleOthers(
    _ owner: Int64, _ attribute: String, _ wanted: Int64?, except settled: Int64, at target: TargetProfile
  ) throws {
    let told = try transaction.query(
      """
      SELECT member FROM remote_link WHERE target = ?1 AND owner = ?2 AND attr = ?3
      UNION SELECT member FROM pending_link WHERE target = ?1 AND owner = ?2 AND attr = ?3
      """, [.text(target.name), .integer(owner), .text(attribute)]
    ) { row in try row[0] as Int64 }
    for member in Set(told + [wanted].compactMap { $0 }).sorted() where member != settled {
      try settle(owner: owner, attribute: attribute, member: member, isWanted: member == wanted, at: target)
    }
  }

  /// Whether the directories hold a reference between two objects.
  func isWanted(owner: Int64, attribute: String, member: Int64) throws -> Bool {
    guard owner != member else { return false }
    if let ruling = try ruling(of: owner, attribute) { return ruling.member == member }
    let kind: String? = try transaction.value("SELECT kind FROM mv WHERE id = ? AND gone = 0", [.integer(owner)])
    let names = (kind.flatMap(ObjectKind.init).flatMap { configuration.rules.references[$0] } ?? [:])
      .filter { $0.value == attribute }.keys
    return try names.contains { name in
      // In this order, in which each step finds its row: the other way round it walks through the members of a group.
      let row: Int? = try transaction.value(
        """
        SELECT 1 FROM mv CROSS JOIN entry AS m CROSS JOIN entry AS o CROSS JOIN link
        WHERE mv.id = ?2 AND mv.gone = 0 AND m.mv = mv.id AND o.mv = ?1 AND o.source = m.source AND link.owner = o.id
          AND link.attr = ?3 AND link.target_guid = m.anchor AND link.change IS NOT -1 LIMIT 1
        """, [.integer(owner), .integer(member), .text(name)])
      return row != nil
    }
  }

  /// Compares every reference from or to an object that a target has, or is to be told, with the directories, after an
  /// entry of the object went.
  func settleAll(of object: Int64) throws {
    for target in targets {
      let rows = try transaction.query(
        """
        SELECT owner, attr, member FROM remote_link WHERE target = ?1 AND owner = ?2
        UNION SELECT owner, attr, member FROM remote_link WHERE target = ?1 AND member = ?2
        UNION SELECT owner, attr, member FROM pending_link WHERE target = ?1 AND owner = ?2
        UNION SELECT owner, attr, member FROM pending_link WHERE target = ?1 AND member = ?2
        """, [.text(target.name), .integer(object)]
      ) { row in (owner: try row[0] as Int64, attribute: try row[1] as String, member: try row[2] as Int64) }
      for row in rows { try settle(owner: row.owner, attribute: row.attribute, member: row.member, at: target) }
    }
  }

  /// Compares what a target has, or is to be told, of one reference with the directories.
  func settle(owner: Int64, attribute: String, member: Int64, at target: TargetProfile) throws {
    let isWanted = try isWanted(owner: owner, attribute: attribute, member: member)
    try settle(owner: owner, attribute: attribute, member: member, isWanted: isWanted, at: target)
  }

  /// - Parameter isOutside: whether the member is only referred to; nil when that is not known.
  func settle(
    owner: Int64, attribute: String, member: Int64, isWanted: Bool, at target: TargetProfile, isOutside: Bool? = nil
  ) throws {
    let key: [SQLValue] = [.text(target.name), .integer(owner), .text(attribute), .integer(member)]
    let condition = "target = ? AND owner = ? AND attr = ? AND member = ?"
    let confirmed: Int? = try transaction.value("SELECT 1 FROM remote_link WHERE \(condition)", key)
    let sent: Int64?? = try transaction.value("SELECT sent FROM pending_link WHERE \(condition)", key)
    let isUnanswered = sent.flatMap { $0 } != nil
    var isWanted = isWanted
    if isWanted, confirmed == nil, isOutside ?? true, try isMissing(member, at: target) { isWanted = false }
    if isWanted == (confirmed != nil), !isUnanswered {
      if sent != nil {
        try transaction.run("DELETE FROM pending_link WHERE \(condition)", key)
        try Quarantine.relent(mv: owner, at: target.name, in: transaction)
      }
      return
    }
    try transaction.run(
      """
      INSERT INTO pending_link (target, owner, attr, member, op, revision, state) VALUES (?, ?, ?, ?, ?, 1, 'ready')
      ON CONFLICT (target, owner, attr, member) DO UPDATE SET
        revision = CASE WHEN op = excluded.op THEN revision ELSE revision + 1 END, op = excluded.op, state = 'ready'
      """, key + [.text(isWanted ? PendingOperation.add.rawValue : PendingOperation.remove.rawValue)])
  }

  /// Whether an object that is only referred to is not at a target: nobody here will ever bring it there.
  private func isMissing(_ member: Int64, at target: TargetProfile) throws -> Bool {
    let row: Int? = try transaction.value(
      """
      SELECT 1 FROM mv WHERE id = ?1 AND outside = 1
        AND NOT EXISTS (SELECT 1 FROM remote WHERE remote.target = ?2 AND remote.mv = ?1)
      """, [.integer(member), .text(target.name)])
    return row != nil
  }
}
