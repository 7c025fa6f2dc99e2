// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// The `unresolved` table: what references of exported objects name and no entry is, with when to ask for it.
struct UnresolvedReferences {
  let transaction: any Transaction
  let source: String

  /// Seconds after which something that the forest did not know is asked for again: it may have been made since, and a
  /// catalog hears of it late.
  static let unknownInterval = 24 * 3600.0

  /// A reference whose other end is no entry: it is asked for in this pass.
  func note(_ anchor: [UInt8]) throws {
    try transaction.run(
      """
      INSERT INTO unresolved (source, guid, next_try, attempts)
      SELECT ?1, ?2, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM entry WHERE anchor = ?2 AND source = ?1)
      ON CONFLICT (source, guid) DO NOTHING
      """, [.text(source), .blob(anchor)])
  }

  /// Those whose time has come, the ones that wait longest first.
  ///
  /// - Parameter now: seconds since 1970.
  func due(at now: Double, limit: Int) throws -> [Anchor] {
    try transaction.query(
      "SELECT guid FROM unresolved WHERE source = ? AND next_try <= ? ORDER BY next_try, guid LIMIT ?",
      [.text(source), .real(now), .integer(Int64(limit))]
    ) { row in Anchor(try row[0]) }
  }

  func remove(_ anchor: Anchor) throws {
    try transaction.run(
      "DELETE FROM unresolved WHERE source = ? AND guid = ?", [.text(source), .blob(anchor.bytes)])
  }

  /// The forest does not know it.
  func setUnknown(_ anchor: Anchor, at now: Double) throws {
    try transaction.run(
      """
      UPDATE unresolved SET next_try = ?, attempts = attempts + 1,
        detail = 'the global catalog does not know it, or does not show it to the service account'
      WHERE source = ? AND guid = ?
      """, [.real(now + Self.unknownInterval), .text(source), .blob(anchor.bytes)])
  }

  /// Nobody could be asked: those that were due are tried again, later after each failure.
  func postpone(at now: Double, because detail: String) throws {
    let attempts: Int =
      try transaction.value(
        "SELECT COALESCE(MIN(attempts), 0) FROM unresolved WHERE source = ? AND next_try <= ?",
        [.text(source), .real(now)]) ?? 0
    try transaction.run(
      "UPDATE unresolved SET next_try = ?, attempts = attempts + 1, detail = ? WHERE source = ? AND next_try <= ?",
      [.real(now + Quarantine.delay(afterAttempts: attempts + 1)), .text(detail), .text(source), .real(now)])
  }

  /// In a full pass: what no reference names any more is forgotten; everything that is unresolved, and everything that was
  /// resolved, is asked for again.
  func beginAnew(_ targets: [String]) throws {
    try forgetUnused(targets)
    try requeueAll()
  }

  private func requeueAll() throws {
    try transaction.run("UPDATE unresolved SET next_try = 0 WHERE source = ?", [.text(source)])
    try transaction.run(
      """
      INSERT INTO unresolved (source, guid, next_try, attempts) SELECT source, anchor, 0, 0 FROM entry
      WHERE source = ? AND partition = 0 ON CONFLICT (source, guid) DO NOTHING
      """, [.text(source)])
  }

  /// What no reference names any more.
  private func forgetUnused(_ targets: [String]) throws {
    try transaction.run(
      """
      DELETE FROM unresolved WHERE source = ?
        AND NOT EXISTS (SELECT 1 FROM link WHERE link.target_guid = unresolved.guid)
      """, [.text(source)])
    let unused = try transaction.query(
      """
      SELECT id, mv FROM entry WHERE source = ? AND partition = 0
        AND NOT EXISTS (SELECT 1 FROM link WHERE link.target_guid = entry.anchor)
      """, [.text(source)], { row in (entry: try row[0] as Int64, object: try row[1] as Int64?) })
    for (entry, object) in unused {
      if let object {
        // The targets have yet to be told that it is referred to no more.
        if try isPending(object, targets) { continue }
        try Metaverse.purge(object: object, in: transaction)
      }
      try transaction.run("DELETE FROM entry WHERE id = ?", [.integer(entry)])
    }
    let gone = try transaction.query("SELECT id FROM mv WHERE outside = 1 AND gone = 1", []) { try $0[0] as Int64 }
    for object in gone where try !isPending(object, targets) { try Metaverse.purge(object: object, in: transaction) }
  }

  private func isPending(_ object: Int64, _ targets: [String]) throws -> Bool {
    try targets.contains { target in
      let row: Int? = try transaction.value(
        "SELECT 1 FROM pending_link WHERE target = ? AND member = ? LIMIT 1", [.text(target), .integer(object)])
      return row != nil
    }
  }
}
