// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// What the target confirmed: the `remote` tables, and the pending export as far as it follows from them.
struct Baseline {
  let transaction: any Transaction
  let target: TargetProfile
  /// Seconds since 1970.
  let now: Double

  private func key(_ object: Int64) -> [SQLValue] { [.text(target.name), .integer(object)] }

  func put(_ object: Int64, _ record: TargetRecord, seen: Int64 = 0, adoption: Adoption = .none) throws {
    try PasswordLooks.note(object, at: target.name, whereHeld: false, in: transaction)
    try transaction.run(
      """
      INSERT INTO remote (target, mv, remote_id, etag, baseline, seen, adoption) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (target, mv) DO UPDATE SET
        remote_id = excluded.remote_id, etag = excluded.etag, baseline = excluded.baseline, seen = excluded.seen,
        adoption = excluded.adoption
      """,
      key(object) + [
        .text(record.id), SQLValue(record.version), .blob(record.attributes.encoded()), .integer(seen),
        .integer(Int64(adoption.rawValue)),
      ])
  }

  /// The request that would have made a target's object ours was not carried out: it is told again, or left alone when
  /// our object is going.
  func retryAdoption(_ object: Int64) throws {
    try transaction.run("UPDATE pending SET sent = NULL WHERE target = ? AND mv = ?", key(object))
    let isGone: Bool = try transaction.value("SELECT gone FROM mv WHERE id = ?", [.integer(object)]) ?? false
    if isGone { try Metaverse.release(object: object, from: target.name, in: transaction) }
  }

  /// The target does not have the object: it, and its references, have to be told anew.
  func forget(_ object: Int64) throws {
    try PasswordLooks.note(object, at: target.name, whereHeld: true, in: transaction)
    try transaction.run("DELETE FROM remote WHERE target = ? AND mv = ?", key(object))
    try transaction.run("DELETE FROM remote_link WHERE target = ? AND owner = ?", key(object))
    try transaction.run("DELETE FROM remote_link WHERE target = ? AND member = ?", key(object))
    try Metaverse.requeueLinks(of: object, in: transaction)
  }

  /// What was the object's and is deleted is taken back instead of being made again, should the object be exported again.
  func rememberDeleted(_ object: Int64, kind: ObjectKind) throws {
    let held = try transaction.first(
      """
      SELECT remote.remote_id, mv.source_anchor FROM remote JOIN mv ON mv.id = remote.mv
      WHERE remote.target = ? AND remote.mv = ? AND remote.adoption = 0 AND mv.outside = 0
      """, key(object)
    ) { row in (id: try row[0] as String, anchor: try row[1] as String) }
    guard let held else { return }
    let strangers = Strangers(transaction: transaction, target: target.name)
    try strangers.forgetDeleted(kind, sourceAnchor: held.anchor)
    // Whether it holds a role is not known here: the target does not restore one that does.
    try strangers.put(
      kind, TargetRecord(id: held.id, sourceAnchor: held.anchor, attributes: Attributes(), isDeleted: true), reading: 0)
  }

  /// Settles the pending operation of an object with what the target was found to hold, nil when nothing.
  ///
  /// - Parameter seen: the number of the full reading that found or missed it; 0 where it was looked up by itself. What a
  ///   full reading missed and the target can restore is among what it told as deleted; what a look missed is tried.
  func settle(
    _ object: Int64, kind: ObjectKind, found: TargetRecord?, seen: Int64 = 0, adoption: Adoption = .none
  ) throws {
    if let anchor = try anchorOfOutside(object) {
      return try settleOutside(object, anchor: anchor, found: found, seen: seen)
    }
    if let found {
      try put(object, found, seen: seen, adoption: adoption)
    } else {
      if seen == 0 { try rememberDeleted(object, kind: kind) }
      try forget(object)
    }
    try transaction.run("UPDATE pending SET sent = NULL WHERE target = ? AND mv = ?", key(object))
    let wanted = try transaction.first(
      "SELECT \(TargetForms.attributes(at: "?1")), gone FROM mv WHERE id = ?2", key(object),
      { row in (desired: try row[0] as [UInt8], isGone: try row[1] as Bool) })
    guard let wanted else { return }
    let queue = PendingQueue(transaction: transaction, target: target, now: now)
    if wanted.isGone {
      if found == nil {
        try Metaverse.release(object: object, from: target.name, in: transaction)
      } else {
        _ = try queue.delete(object)
      }
      return
    }
    let desired = try Attributes(stored: wanted.desired)
    let state: String? = try transaction.value("SELECT state FROM pending WHERE target = ? AND mv = ?", key(object))
    let isHeld =
      try state == PendingState.held.rawValue && (queue.isWaitingForAName(object) || queue.isRefused(object))
    try queue.settle(object, kind: kind, desired: desired, isHeld: isHeld, hasChanged: true)
  }

  // MARK: Objects that are only referred to

  private func anchorOfOutside(_ object: Int64) throws -> String? {
    try transaction.value("SELECT source_anchor FROM mv WHERE id = ? AND outside = 1", [.integer(object)])
  }

  /// Notes whether the target holds it; nothing of it is ever written.
  private func settleOutside(_ object: Int64, anchor: String, found: TargetRecord?, seen: Int64) throws {
    let wasHeld =
      try transaction.value("SELECT 1 FROM remote WHERE target = ? AND mv = ?", key(object), as: Int.self) != nil
    if let found, OutsideObjects.isBindable(found, to: anchor) {
      try put(object, found, seen: seen)
      if !wasHeld { try Metaverse.requeueLinks(of: object, in: transaction) }
    } else if wasHeld {
      try forget(object)
      try transaction.run("DELETE FROM pending_link WHERE target = ? AND member = ?", key(object))
    }
  }
}
