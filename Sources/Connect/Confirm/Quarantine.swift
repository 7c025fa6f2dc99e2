// SPDX-License-Identifier: Apache-2.0

import Store
import Wire

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
  /// The target does not take references of the object; all else of it goes on.
  case referenceRefused
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

  private static let backoff = Backoff(first: .seconds(60), longest: .seconds(24 * 3600))

  /// Seconds before a refused operation is tried again.
  static func delay(afterAttempts attempts: Int) -> Double { backoff.wait(afterFailures: attempts) / .seconds(1) }

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
    let last = try transaction.first(
      "SELECT attempts, COALESCE(next_try, 0) FROM quarantine WHERE target = ? AND entry = ? AND reason = ?",
      [.text(target), .integer(entry), .text(reason.rawValue)]
    ) { row in (attempts: try row[0] as Int64, nextTry: try row[1] as Double) }
    // Other references of the same object make one attempt together.
    let isSameAttempt = reason == .referenceRefused && last.map { $0.nextTry > now } ?? false
    let attempts = (last?.attempts ?? 0) + (isSameAttempt ? 0 : 1)
    let next = isSameAttempt ? last?.nextTry ?? now : now + Self.delay(afterAttempts: Int(attempts))
    try transaction.run(
      """
      INSERT INTO quarantine (target, entry, reason, mv, detail, since, attempts, next_try)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (target, entry, reason) DO UPDATE SET
        detail = excluded.detail, attempts = excluded.attempts, next_try = excluded.next_try
      """,
      [
        .text(target), .integer(entry), .text(reason.rawValue), .integer(mv), .text(detail), .real(now),
        .integer(attempts), .real(next),
      ])
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

  /// The target did what it had refused. Where it still refuses something else of the object, the note stays: by it that
  /// is tried again.
  func relent(mv: Int64, _ reasons: [QuarantineReason]) throws {
    for reason in reasons {
      try transaction.run(
        "DELETE FROM quarantine WHERE target = ?1 AND mv = ?2 AND reason = ?3 AND NOT (\(Self.isHeld))",
        [.text(target), .integer(mv), .text(reason.rawValue)])
    }
  }

  /// Nothing is left of an operation that was, or may have been, refused.
  static func relent(mv: Int64, at target: String, in transaction: any Transaction) throws {
    try transaction.run(
      "DELETE FROM quarantine WHERE target = ?1 AND mv = ?2 AND next_try IS NOT NULL AND NOT (\(isHeld))",
      [.text(target), .integer(mv)])
  }

  /// Of a row: whether something of its object waits for the next try.
  private static let isHeld = """
    EXISTS (SELECT 1 FROM pending WHERE pending.target = quarantine.target AND pending.mv = quarantine.mv
      AND pending.state = 'held')
    OR EXISTS (SELECT 1 FROM pending_link WHERE pending_link.target = quarantine.target
      AND pending_link.owner = quarantine.mv AND pending_link.state = 'held')
    """

  /// The objects of which something is to be tried now; `?1` is the target, `?2` the time.
  private static let due = """
    SELECT mv FROM quarantine WHERE target = ?1 AND next_try <= ?2 AND mv IS NOT NULL
    AND mv NOT IN (
      SELECT mv FROM quarantine WHERE target IN ('', ?1) AND reason = 'duplicateUserName' AND mv IS NOT NULL)
    """

  /// Whether ``release()`` would find anything.
  func isReleaseDue() throws -> Bool {
    try transaction.value(
      "SELECT EXISTS (SELECT 1 FROM quarantine WHERE target = ?1 AND mv IN (\(Self.due)) AND (\(Self.isHeld)))",
      [.text(target), .real(now)]) ?? false
  }

  /// Makes ready what waited for its next try.
  func release() throws {
    // References that are not wanted any more wait for nothing.
    try transaction.run(
      """
      DELETE FROM quarantine WHERE target = ?1 AND reason = '\(QuarantineReason.referenceRefused.rawValue)'
        AND NOT EXISTS (
          SELECT 1 FROM pending_link WHERE pending_link.target = ?1 AND pending_link.owner = quarantine.mv)
      """, [.text(target)])
    let arguments: [SQLValue] = [.text(target), .real(now)]
    try transaction.run(
      "UPDATE pending SET state = 'ready' WHERE target = ?1 AND state = 'held' AND mv IN (\(Self.due))", arguments)
    try transaction.run(
      "UPDATE pending_link SET state = 'ready' WHERE target = ?1 AND state = 'held' AND owner IN (\(Self.due))",
      arguments)
  }
}
