// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import PasswordWriteback
import SCIM
import Store

/// What Connect does here: fetch requests and tell what became of them.
extension TenantDirectory {
  /// The oldest request that waits. One that was handed out before and not answered comes again: at once when Connect tells
  /// what it has in hand and does not name it, else after a while. Connect knows it by its identifier and does nothing twice.
  ///
  /// - Parameters:
  ///   - poll: the poll that asks. Only the latest one is given something: the Connect of an earlier one may be gone, and
  ///     what it is given would be lost until it comes again.
  ///   - held: what Connect has in hand, by identifiers; nil where it does not tell.
  func nextWriteback(_ poll: Int64, holding held: Set<String>? = nil) async throws -> WritebackEnvelope? {
    let now = environment.now().milliseconds
    let tenant = initialDomain
    // Most looks find nothing: they shall not take the writer's place.
    let isWaiting = try await store.read { transaction in
      try Self.isLatest(poll, transaction)
        && Self.waiting(transaction, at: now, poll: poll, held: held, tenant: tenant) != nil
    }
    guard isWaiting else { return nil }
    return try await store.write(durability: .full) { transaction in
      guard try Self.isLatest(poll, transaction),
        let envelope = try Self.waiting(transaction, at: now, poll: poll, held: held, tenant: tenant)
      else { return nil }
      try transaction.run(
        "UPDATE writeback_request SET delivered = ? WHERE id = ?",
        [.integer(now), .text(envelope.header.identifier)])
      return envelope
    }
  }

  /// Remembers that Connect is there.
  ///
  /// - Returns: the poll, for ``nextWriteback(_:)``: its time.
  func noteWritebackPoll() async throws -> Int64 {
    let now = environment.now().milliseconds
    _ = try await store.write { transaction in
      try transaction.run("UPDATE writeback_connector SET polled = ?", [.integer(now)])
    }
    return now
  }

  private static func isLatest(_ poll: Int64, _ transaction: any Transaction) throws -> Bool {
    let latest: Int64? = try transaction.value("SELECT polled FROM writeback_connector")
    return (latest ?? poll) == poll
  }

  private static func waiting(
    _ transaction: any Transaction, at now: Int64, poll: Int64, held: Set<String>?, tenant: String
  ) throws -> WritebackEnvelope? {
    // What an earlier poll took and is not in hand was lost with it.
    let takenUntil = held == nil ? now - WritebackLimits.redelivery : poll
    let waiting = try transaction.query(
      """
      SELECT id, delivered IS NULL FROM writeback_request
      WHERE status IS NULL AND expires > ? AND (delivered IS NULL OR delivered <= ?) ORDER BY created LIMIT ?
      """, [.integer(now), .integer(takenUntil), .integer(Int64((held?.count ?? 0) + 1))]
    ) { row in (id: try row[0] as String, isNew: try row[1] as Bool) }
    guard let id = waiting.first(where: { $0.isNew || held?.contains($0.id) != true })?.id else { return nil }
    let row = try transaction.first(
      """
      SELECT id, operation, anchor, expires, encapsulated, ciphertext, fingerprint FROM writeback_request WHERE id = ?
      """, [.text(id)]
    ) { row in
      WritebackMessage(
        id: try row[0], tenant: tenant, operation: try row[1], anchor: try row[2], expires: try row[3],
        key: (try row[4] as [UInt8]?) ?? [], ciphertext: (try row[5] as [UInt8]?) ?? [], fingerprint: try row[6])
    }
    return try row?.envelope()
  }

  /// Takes an outcome. Only now, when the directory has accepted a password, does it sign the person in here; whatever the
  /// old one began ends in the same transaction.
  ///
  /// - Returns: false when there is no such request. Telling an outcome twice changes nothing; `unknown` may be followed by
  ///   what is found out later.
  func answerWriteback(_ id: String, _ outcome: WritebackOutcome, by actor: Actor) async throws -> Bool {
    let now = environment.now()
    return try await store.write(durability: .full) { transaction in
      let row = try transaction.first(
        """
        SELECT q.resource, q.operation, q.verifier, q.must_change, q.status, r.id
        FROM writeback_request q JOIN resource r ON r.seq = q.resource WHERE q.id = ?
        """, [.text(id)]
      ) { row in
        (
          user: try row[0] as Int64, operation: try row[1] as String, verifier: try row[2] as [UInt8]?,
          mustChange: try row[3] as Bool, status: try row[4] as String?, userID: try row[5] as String
        )
      }
      guard let row else { return false }
      let isOpen = row.status == nil || row.status == WritebackOutcome.Status.unknown.rawValue
      guard isOpen, row.status != outcome.status.rawValue else { return true }
      if outcome.status == .done, let verifier = row.verifier {
        try Self.accept(
          verifier, of: row.user, mustChange: row.mustChange, version: outcome.version, at: now, transaction)
        try Self.endSignIns(of: row.user, at: now, transaction)
      }
      let keeps = outcome.status == .unknown
      try transaction.run(
        """
        UPDATE writeback_request SET status = ?, reason = ?, number = ?, answered = ?, encapsulated = NULL,
          ciphertext = NULL, verifier = \(keeps ? "verifier" : "NULL") WHERE id = ?
        """,
        [
          .text(outcome.status.rawValue), SQLValue(outcome.reason?.rawValue), SQLValue(outcome.number),
          .integer(now.milliseconds), .text(id),
        ])
      let after: JSONValue = [
        "writeback": .string(row.operation), "outcome": .string(outcome.status.rawValue),
        "reason": outcome.reason.map { .string($0.rawValue) } ?? .null, "request": .string(id),
      ]
      try AuditEntry(actor: actor, at: now, action: .patch, kind: "User", target: row.userID, after: after.text)
        .insert(transaction)
      return true
    }
  }

  /// What password hash synchronisation sends later replaces this: its version is newer than any.
  private static func accept(
    _ verifier: [UInt8], of user: Int64, mustChange: Bool, version: UInt32?, at now: Date,
    _ transaction: any Transaction
  ) throws {
    try transaction.run(
      """
      INSERT INTO credential
        (resource, sealed, version, originated, invocation, last_set, must_change, expires, stored, written)
      VALUES (?, ?, 0, 0, ?, ?, ?, NULL, ?, ?)
      ON CONFLICT (resource) DO UPDATE SET sealed = excluded.sealed, last_set = excluded.last_set,
        must_change = excluded.must_change, expires = NULL, stored = excluded.stored, written = excluded.written
      """,
      [
        .integer(user), .blob(verifier), .blob([UInt8](repeating: 0, count: 16)), .integer(now.milliseconds),
        SQLValue(mustChange), .integer(now.milliseconds), SQLValue(version.map(Int64.init)),
      ])
  }

  /// Forgets what is over: the content of requests that nobody fetched, and what was answered a day ago.
  func purgeWriteback() async throws {
    let now = environment.now().milliseconds
    try await store.write { transaction in
      try transaction.run(
        "UPDATE writeback_request SET encapsulated = NULL, ciphertext = NULL WHERE expires <= ? AND ciphertext NOT NULL",
        [.integer(now)])
      try transaction.run(
        "DELETE FROM writeback_request WHERE created <= ?", [.integer(now - WritebackLimits.memory)])
      try transaction.run("DELETE FROM password_link WHERE expires <= ?", [.integer(now)])
    }
  }
}
