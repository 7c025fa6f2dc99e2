// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// What the target confirmed: the `remote` tables, and the pending export as far as it follows from them.
struct Baseline {
  let transaction: any Transaction
  let target: TargetProfile

  private func key(_ object: Int64) -> [SQLValue] { [.text(target.name), .integer(object)] }

  func put(_ object: Int64, _ record: TargetRecord, seen: Int64 = 0) throws {
    try transaction.run(
      """
      INSERT INTO remote (target, mv, remote_id, etag, baseline, seen) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (target, mv) DO UPDATE SET
        remote_id = excluded.remote_id, etag = excluded.etag, baseline = excluded.baseline, seen = excluded.seen
      """,
      key(object) + [
        .text(record.id), SQLValue(record.version), .blob(record.attributes.encoded()), .integer(seen),
      ])
  }

  /// The target does not have the object: it, and its references, have to be told anew.
  func forget(_ object: Int64) throws {
    try transaction.run("DELETE FROM remote WHERE target = ? AND mv = ?", key(object))
    try transaction.run("DELETE FROM remote_link WHERE target = ? AND owner = ?", key(object))
    try transaction.run("DELETE FROM remote_link WHERE target = ? AND member = ?", key(object))
    try Metaverse.requeueLinks(of: object, in: transaction)
  }

  /// Settles the pending operation of an object with what the target was found to hold, nil when nothing.
  func settle(_ object: Int64, kind: ObjectKind, found: TargetRecord?, seen: Int64 = 0) throws {
    if let found {
      try put(object, found, seen: seen)
    } else {
      try forget(object)
    }
    try transaction.run("UPDATE pending SET sent = NULL WHERE target = ? AND mv = ?", key(object))
    let state = try transaction.first(
      "SELECT attrs, gone FROM mv WHERE id = ?", [.integer(object)],
      { row in (desired: try row[0] as [UInt8], isGone: try row[1] as Bool) })
    guard let state else { return }
    let queue = PendingQueue(transaction: transaction, target: target)
    if state.isGone {
      if found == nil {
        try Metaverse.release(object: object, from: target.name, in: transaction)
      } else {
        _ = try queue.delete(object)
      }
      return
    }
    let desired = try Attributes(stored: state.desired)
    let isHeld: Bool =
      try transaction.value("SELECT state = 'held' FROM pending WHERE target = ? AND mv = ?", key(object)) ?? false
    try queue.settle(object, kind: kind, desired: desired, isHeld: isHeld, hasChanged: true)
  }
}
