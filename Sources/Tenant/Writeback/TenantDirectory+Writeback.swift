// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import PasswordHash
import PasswordWriteback
import SCIM
import Store
import Wire

/// A person whose password comes from a directory.
package struct WritebackUser: Sendable, Hashable {
  let sequence: Int64
  package let id: String
  package let userName: String
  /// The source anchor; nil for somebody who exists only here.
  let anchor: String?
}

extension TenantDirectory {
  /// - Throws: ``TenantError`` `unknownResource` when no live user has this name.
  package func writebackUser(named name: String) async throws -> WritebackUser {
    let folded = SCIMText.folded(name)
    let found = try await store.read { transaction in
      try transaction.first(
        "SELECT seq, id, user_name, external_id FROM resource WHERE user_name = ? AND kind = 1 AND deleted IS NULL",
        [.text(folded)], Self.writebackUser)
    }
    guard let found else {
      throw TenantError(
        .unknownResource, "No user is called \(name).", remedy: "'tenant users list' shows the names.")
    }
    return found
  }

  func writebackUser(_ sequence: Int64) async throws -> WritebackUser? {
    try await store.read { transaction in
      try transaction.first(
        "SELECT seq, id, user_name, external_id FROM resource WHERE seq = ? AND kind = 1 AND deleted IS NULL",
        [.integer(sequence)], Self.writebackUser)
    }
  }

  static func writebackUser(_ row: SQLRow) throws -> WritebackUser {
    WritebackUser(sequence: try row[0], id: try row[1], userName: (try row[2] as String?) ?? "", anchor: try row[3])
  }

  /// Encrypts a request to Connect and lets it wait.
  ///
  /// - Parameter verifier: what signs the person in with the new password; nil when there is none.
  /// - Returns: its identifier, or an outcome when it is not even asked for.
  /// - Throws: `WritebackError` for a password that cannot be one; `StoreError`.
  func requestWriteback(
    _ operation: WritebackOperation, of user: WritebackUser, _ secrets: WritebackSecrets, verifier: DerivedPassword?,
    by actor: Actor
  ) async throws -> Result<String, WritebackRefusal> {
    let now = environment.now()
    guard let key = try await writebackStatus().key else { return .failure(.init(.disabled)) }
    guard let anchor = user.anchor else { return .failure(.init(.notSynchronised)) }
    let header = WritebackHeader(
      tenant: initialDomain, nonce: environment.random(WritebackHeader.nonceBytes), operation: operation,
      anchor: anchor,
      expires: now.milliseconds + Int64(WritebackLimits.lifetime) * 1000)
    let envelope = try WritebackEnvelope(sealing: secrets, header, to: key)
    let sealed = try verifier.map {
      try environment.sealingKey.seal(Array($0.text.utf8), for: .credential, of: user.id)
    }
    let mustChange = secrets.mustChange
    return try await store.write(durability: .full) { transaction in
      let open = try transaction.query(
        "SELECT resource FROM writeback_request WHERE status IS NULL AND expires > ? LIMIT ?",
        [.integer(now.milliseconds), .integer(Int64(WritebackLimits.waiting))]
      ) { row in try row[0] as Int64 }
      // One at a time for each person: of two new passwords nobody would know which one holds.
      guard open.count < WritebackLimits.waiting, !open.contains(user.sequence) else {
        return .failure(.init(.tooOften))
      }
      try transaction.run(
        """
        INSERT INTO writeback_request (id, resource, operation, anchor, encapsulated, ciphertext, fingerprint, verifier,
          must_change, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          .text(header.identifier), .integer(user.sequence), .text(operation.rawValue), .text(anchor),
          .blob(envelope.encapsulatedKey), .blob(envelope.ciphertext), .text(envelope.fingerprint), SQLValue(sealed),
          SQLValue(mustChange), .integer(now.milliseconds), .integer(header.expires),
        ])
      try AuditEntry(
        actor: actor, at: now, action: .create, kind: "WritebackRequest", target: header.identifier,
        after: JSONValue.object(["user": .string(user.id), "operation": .string(operation.rawValue)]).text
      ).insert(transaction)
      return .success(header.identifier)
    }
  }

  /// What became of a request; nil while nobody knows.
  func writebackOutcome(_ id: String) async throws -> WritebackOutcome? {
    let now = environment.now().milliseconds
    return try await store.read { transaction in
      let row = try transaction.first(
        "SELECT status, reason, number, expires, delivered FROM writeback_request WHERE id = ?", [.text(id)]
      ) { row in
        (
          status: try row[0] as String?, reason: try row[1] as String?, number: try row[2] as Int?,
          expires: try row[3] as Int64, isDelivered: try row[4] as Int64? != nil
        )
      }
      guard let row else { return WritebackOutcome(.failed) }
      if let status = row.status.flatMap(WritebackOutcome.Status.init(rawValue:)) {
        return WritebackOutcome(
          status, row.reason.flatMap(WritebackOutcome.Reason.init(rawValue:)), number: row.number)
      }
      guard row.expires <= now else { return nil }
      return row.isDelivered ? WritebackOutcome(.unknown) : WritebackOutcome(.failed, .unreachable)
    }
  }
}

/// Why a request was not even made.
struct WritebackRefusal: Error {
  let outcome: WritebackOutcome

  init(outcome: WritebackOutcome) { self.outcome = outcome }

  init(_ reason: WritebackOutcome.Reason) { outcome = WritebackOutcome(.forbidden, reason) }
}
