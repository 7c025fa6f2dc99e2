// SPDX-License-Identifier: Apache-2.0

import Store

/// Why an object, or one of its values, is held back.
package enum QuarantineReason: String, Sendable, Codable {
  /// Another object has the sign-in name; ends by itself when that one gives it up.
  case duplicateUserName
  /// Another object has an address: the object goes on without it.
  case duplicateAddress
  /// Another entry has the source anchor.
  case duplicateAnchor
  /// The entry names another source anchor than the one that its object was made with.
  case anchorChanged
  /// Its directory refuses to keep its source anchor: it is not exported before.
  case anchorNotWritten
  /// The entry could be joined to more than one object, or to one that has an entry of its forest already.
  case ambiguousJoin
  /// A rule says by Error that something is wrong with the entry: its object stays as it is.
  case ruleFailed
  /// The target holds more than one object that it could be, or one that another object could be as well.
  case ambiguousMatch
  /// The target's object that it could be is privileged.
  case privilegedMatch
  /// The target says that a value belongs to an object that the engine does not know.
  case targetConflict
  /// The target will not do it.
  case targetRefused
  /// The target keeps other values than it was given.
  case notAccepted
}

/// The `quarantine` table.
struct Quarantine {
  /// In place of a target's name: what concerns the object itself, whatever target it goes to.
  static let everyTarget = ""

  let transaction: any Transaction
  let target: String
  /// Seconds since 1970.
  let now: Double

  /// The first wait before a refused operation is tried again, in seconds; it doubles with each refusal.
  static let firstRetry: Double = 60
  static let longestRetry: Double = 24 * 3600

  static func delay(afterAttempts attempts: Int) -> Double {
    min(longestRetry, firstRetry * Double(1 << min(max(0, attempts - 1), 20)))
  }

  /// Notes a conflict that ends when its cause does. `other` is the metaverse object that is in the way.
  func put(entry: Int64, mv: Int64?, _ reason: QuarantineReason, _ detail: String, other: Int64?) throws {
    try transaction.run(
      """
      INSERT INTO quarantine (target, entry, reason, mv, detail, other, since, attempts)
      VALUES (?, ?, ?, ?, ?, ?, ?, 0)
      ON CONFLICT (target, entry, reason) DO UPDATE SET
        mv = excluded.mv, detail = excluded.detail, other = excluded.other
      """,
      [
        .text(target), .integer(entry), .text(reason.rawValue), SQLValue(mv), .text(detail),
        SQLValue(other.map(String.init)),
        .real(now),
      ])
  }

  /// Notes what a look at the target found about an object; the next one decides again.
  func put(mv: Int64, _ reason: QuarantineReason, _ detail: String) throws {
    let entry: Int64 = try transaction.value("SELECT id FROM entry WHERE mv = ? LIMIT 1", [.integer(mv)]) ?? -mv
    try put(entry: entry, mv: mv, reason, detail, other: nil)
  }

  /// Notes a refusal by the target and when to try again.
  func refuse(mv: Int64, _ reason: QuarantineReason, _ detail: String) throws {
    let entry: Int64 = try transaction.value("SELECT id FROM entry WHERE mv = ?", [.integer(mv)]) ?? -mv
    let attempts: Int64 =
      try transaction.value(
        "SELECT attempts FROM quarantine WHERE target = ? AND entry = ? AND reason = ?",
        [.text(target), .integer(entry), .text(reason.rawValue)]) ?? 0
    let next = now + Self.delay(afterAttempts: Int(attempts) + 1)
    try transaction.run(
      """
      INSERT INTO quarantine (target, entry, reason, mv, detail, since, attempts, next_try)
      VALUES (?, ?, ?, ?, ?, ?, 1, ?)
      ON CONFLICT (target, entry, reason) DO UPDATE SET
        detail = excluded.detail, attempts = quarantine.attempts + 1, next_try = excluded.next_try
      """,
      [.text(target), .integer(entry), .text(reason.rawValue), .integer(mv), .text(detail), .real(now), .real(next)])
  }

  func remove(entry: Int64, _ reason: QuarantineReason) throws {
    try transaction.run(
      "DELETE FROM quarantine WHERE target = ? AND entry = ? AND reason = ?",
      [.text(target), .integer(entry), .text(reason.rawValue)])
  }

  func remove(entry: Int64) throws {
    try transaction.run("DELETE FROM quarantine WHERE target = ? AND entry = ?", [.text(target), .integer(entry)])
  }

  /// Entries that an object was in the way of, at this target or at all, are looked at again when it goes.
  func wakeWaiting(for object: Int64) throws {
    try transaction.run(
      "UPDATE entry SET dirty = 1 WHERE id IN (SELECT entry FROM quarantine WHERE other = ?)",
      [.text(String(object))])
  }

  /// The target did what it had refused.
  func relent(mv: Int64, _ reasons: [QuarantineReason]) throws {
    for reason in reasons {
      try transaction.run(
        "DELETE FROM quarantine WHERE target = ? AND mv = ? AND reason = ?",
        [.text(target), .integer(mv), .text(reason.rawValue)])
    }
  }

  /// Makes ready what waited for its next try.
  func release() throws {
    let due = """
      SELECT mv FROM quarantine WHERE target = ?1 AND next_try <= ?2 AND mv IS NOT NULL
      AND mv NOT IN (
        SELECT mv FROM quarantine WHERE target IN ('', ?1) AND reason = 'duplicateUserName' AND mv IS NOT NULL)
      """
    let arguments: [SQLValue] = [.text(target), .real(now)]
    try transaction.run(
      "UPDATE pending SET state = 'ready' WHERE target = ?1 AND state = 'held' AND mv IN (\(due))", arguments)
    try transaction.run(
      "UPDATE pending_link SET state = 'ready' WHERE target = ?1 AND state = 'held' AND owner IN (\(due))", arguments)
  }
}
