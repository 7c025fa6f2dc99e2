// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// What an export has to do for an object.
enum PendingOperation: String, Sendable, Codable {
  case create, update, delete
  case add, remove
}

/// Whether it may be sent.
enum PendingState: String, Sendable {
  case ready
  /// Waits for a conflict to end or for the time of the next try.
  case held
}

/// The operations that a target has yet to be told, one an object.
///
/// Each change of what is wanted raises the revision: the result of a request clears only the revision that was sent.
/// What differs is computed from the metaverse and the baseline when it is sent, so it cannot go stale here.
struct PendingQueue {
  let transaction: any Transaction
  let target: TargetProfile
  /// Seconds since 1970.
  let now: Double

  /// Compares what the object shall have with what the target confirmed.
  func settle(
    _ object: Int64, kind: ObjectKind, desired: Attributes, isHeld: Bool, hasChanged: Bool
  ) throws {
    let key: [SQLValue] = [.text(target.name), .integer(object)]
    var remote = try transaction.first(
      "SELECT baseline, adoption FROM remote WHERE target = ? AND mv = ?", key,
      { row in (baseline: try Attributes(stored: try row[0]), isOurs: (try row[1] as Int) == 0) })
    var isHeld = isHeld
    let pending = try transaction.first(
      "SELECT op, sent, state FROM pending WHERE target = ? AND mv = ?", key,
      { row in (operation: try row[0] as String, sent: try row[1] as Int64?, state: try row[2] as String) })
    if remote == nil, pending?.sent == nil {
      let match = try Matching(transaction: transaction, target: target, now: now)
        .match(object, kind: kind, desired: desired)
      remote = match.taken.map { ($0.attributes, false) }
      isHeld = isHeld || match.isHeld
    }
    let operation: PendingOperation
    if let remote {
      let difference = target.difference(from: remote.baseline, to: desired, kind: kind)
      // An unanswered request may have changed the target: only a look at it can tell that nothing is left to do.
      if difference.isEmpty, remote.isOurs, pending?.sent == nil {
        if pending != nil { try Self.drop(object, at: target.name, in: transaction) }
        return
      }
      operation = .update
    } else {
      operation = .create
    }
    var state = isHeld ? PendingState.held : .ready
    if let pending, pending.operation == operation.rawValue, !hasChanged {
      // A refused operation stays held until its next try, unless it was held for a name that it has been given now.
      if pending.state == PendingState.held.rawValue, !isHeld, try isRefused(object) { state = .held }
      if state.rawValue == pending.state { return }
    }
    try put(object, operation, state)
  }

  /// Nothing is left to do: also what the target refused of it is settled.
  static func drop(_ object: Int64, at target: String, in transaction: any Transaction) throws {
    try transaction.run("DELETE FROM pending WHERE target = ? AND mv = ?", [.text(target), .integer(object)])
    try Quarantine.relent(mv: object, at: target, in: transaction)
  }

  /// Asks for an object's deletion.
  ///
  /// - Returns: false when the target has never heard of it.
  func delete(_ object: Int64) throws -> Bool {
    let key: [SQLValue] = [.text(target.name), .integer(object)]
    try transaction.run("DELETE FROM pending_link WHERE target = ? AND owner = ?", key)
    let isKnown: Int? = try transaction.value(
      """
      SELECT 1 FROM remote WHERE target = ?1 AND mv = ?2 AND adoption = 0
      UNION SELECT 1 FROM pending WHERE target = ?1 AND mv = ?2 AND sent IS NOT NULL
      """, key)
    guard isKnown != nil else {
      // What was only going to be taken over stays the target's own.
      try PasswordLooks.note(object, at: target.name, whereHeld: true, in: transaction)
      try transaction.run("DELETE FROM remote WHERE target = ? AND mv = ?", key)
      try Self.drop(object, at: target.name, in: transaction)
      return false
    }
    try put(object, .delete, .ready)
    return true
  }

  func put(_ object: Int64, _ operation: PendingOperation, _ state: PendingState) throws {
    try transaction.run(
      """
      INSERT INTO pending (target, mv, op, revision, state) VALUES (?, ?, ?, 1, ?)
      ON CONFLICT (target, mv) DO UPDATE SET
        op = excluded.op, state = excluded.state, revision = pending.revision + 1
      """,
      [.text(target.name), .integer(object), .text(operation.rawValue), .text(state.rawValue)])
  }

  /// Whether another object has the sign-in name.
  func isWaitingForAName(_ object: Int64) throws -> Bool {
    let row: Int? = try transaction.value(
      "SELECT 1 FROM quarantine WHERE target IN ('', ?) AND mv = ? AND reason = 'duplicateUserName'",
      [.text(target.name), .integer(object)])
    return row != nil
  }

  /// Whether it waits for the time of its next try.
  func isRefused(_ object: Int64) throws -> Bool {
    let row: Int? = try transaction.value(
      "SELECT 1 FROM quarantine WHERE target = ? AND mv = ? AND next_try IS NOT NULL",
      [.text(target.name), .integer(object)])
    return row != nil
  }
}
