// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import PasswordHash
import SCIM
import Store
import Wire

extension TenantDirectory {
  /// Takes what is newer than what the tenant has, each credential on its own; all in one transaction. What a person signed
  /// in to with the old password ends.
  ///
  /// - Returns: a result for each, in the same order.
  /// - Throws: `StoreError`, ``TenantError`` `sealingKey`.
  package func store(_ batch: CredentialBatch, by actor: Actor) async throws -> [CredentialResult] {
    let now = environment.now()
    let key = environment.sealingKey
    return try await store.write(durability: .full) { transaction in
      let writer = CredentialWriter(transaction: transaction, actor: actor, now: now, key: key)
      return try batch.entries.map { entry in
        switch entry.change {
        case .failure(let refusal): CredentialResult(externalId: entry.externalId, status: .refused(refusal))
        case .success(let change):
          CredentialResult(externalId: change.externalId, status: try writer.store(change))
        }
      }
    }
  }
}

/// Writes credentials inside one transaction, each with its audit entry, which tells the version and never the value.
private struct CredentialWriter {
  let transaction: any Transaction
  let actor: Actor
  let now: Date
  let key: SealingKey

  private struct Known {
    let isForgotten: Bool
    let version: ReplicatedVersion?
    let policy: CredentialPolicy
    /// The version that password writeback brought about: its value is here already.
    let written: Int64?
  }

  func store(_ change: CredentialChange) throws -> CredentialResult.Status {
    let user = try transaction.first(
      "SELECT seq, id FROM resource WHERE kind = 1 AND external_id = ? AND deleted IS NULL", [.text(change.externalId)]
    ) { row in (sequence: try row[0] as Int64, id: try row[1] as String) }
    guard let user else {
      if change.value == nil, let status = try forgetDeleted(change) { return status }
      return .refused(
        CredentialRefusal(reason: .unknownUser, detail: "No user has this externalId; export the user first."))
    }
    let known = try known(user.sequence)
    let change = change.compared(with: known?.version)
    if let written = known?.written, !change.isDated, Int64(change.version.version) < written {
      return .refused(
        CredentialRefusal(reason: .older, detail: "Password writeback has made version \(written) in the meantime."))
    }
    if let version = known?.version {
      if change.version < version {
        return .refused(
          CredentialRefusal(
            reason: .older,
            detail: "The tenant has version \(version.version), which is newer than \(change.version.version)."
          ))
      }
      // The same password, salted anew each time it is derived: what is stored stays.
      if change.version == version, known?.isForgotten == (change.value == nil) {
        guard known?.policy != change.policy.stored else { return .unchanged }
        try updatePolicy(of: user.sequence, change.policy)
        try audit(user.id, change, what: "policy")
        return .stored
      }
    }
    let sealed = try change.value.map { try key.seal(Array($0.text.utf8), for: .credential, of: user.id) }
    try transaction.run(
      """
      INSERT INTO credential
        (resource, sealed, version, originated, invocation, last_set, must_change, expires, stored)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (resource) DO UPDATE SET
        sealed = excluded.sealed, version = excluded.version, originated = excluded.originated,
        invocation = excluded.invocation, last_set = excluded.last_set, must_change = excluded.must_change,
        expires = excluded.expires, stored = excluded.stored, written = NULL
      """,
      [
        .integer(user.sequence), SQLValue(sealed), .integer(Int64(change.version.version)),
        .integer(change.version.originated), .blob(change.version.invocation.bytes),
        SQLValue(change.policy.lastSet?.milliseconds), SQLValue(change.policy.mustChange),
        SQLValue(change.policy.expires?.milliseconds), .integer(now.milliseconds),
      ])
    // Writeback has ended what the password before began; what began since did so with this one.
    let isWritten = known?.written == Int64(change.version.version)
    if known != nil, !isWritten { try TenantDirectory.endSignIns(of: user.sequence, at: now, transaction) }
    try audit(user.id, change, what: change.value == nil ? "forgotten" : "password")
    return .stored
  }

  /// Forgets the password of users that are kept as deleted ones: who is restored has none until it is sent again.
  ///
  /// - Returns: nil when there are none of this externalId.
  private func forgetDeleted(_ change: CredentialChange) throws -> CredentialResult.Status? {
    let deleted = try transaction.query(
      "SELECT seq, id FROM resource WHERE kind = 1 AND external_id = ? AND deleted IS NOT NULL",
      [.text(change.externalId)]
    ) { row in (sequence: try row[0] as Int64, id: try row[1] as String) }
    if deleted.isEmpty { return nil }
    var status = CredentialResult.Status.unchanged
    for user in deleted {
      // One that is newer than what the sender knows of was told by somebody else.
      guard let known = try known(user.sequence), !known.isForgotten,
        known.version.map({ $0 <= change.version }) ?? true
      else { continue }
      try transaction.run(
        "UPDATE credential SET sealed = NULL, stored = ? WHERE resource = ?",
        [.integer(now.milliseconds), .integer(user.sequence)])
      try audit(user.id, change, what: "forgotten")
      status = .stored
    }
    return status
  }

  private func known(_ user: Int64) throws -> Known? {
    try transaction.first(
      """
      SELECT sealed IS NULL, version, originated, invocation, last_set, must_change, expires, written
      FROM credential WHERE resource = ?
      """, [.integer(user)]
    ) { row in
      let invocation = GUID(try row[3] as [UInt8])
      let version = try UInt32(exactly: row[1] as Int64)
      return Known(
        isForgotten: try row[0],
        version: try version.flatMap { number in
          try invocation.map { ReplicatedVersion(version: number, originated: try row[2], invocation: $0) }
        },
        policy: CredentialPolicy(
          lastSet: (try row[4] as Int64?).map(Date.init(milliseconds:)), mustChange: try row[5],
          expires: (try row[6] as Int64?).map(Date.init(milliseconds:))), written: try row[7])
    }
  }

  private func updatePolicy(of user: Int64, _ policy: CredentialPolicy) throws {
    try transaction.run(
      "UPDATE credential SET last_set = ?, must_change = ?, expires = ?, stored = ? WHERE resource = ?",
      [
        SQLValue(policy.lastSet?.milliseconds), SQLValue(policy.mustChange), SQLValue(policy.expires?.milliseconds),
        .integer(now.milliseconds), .integer(user),
      ])
  }

  private func audit(_ user: String, _ change: CredentialChange, what: String) throws {
    let after: JSONValue = ["credential": .string(what), "version": .integer(Int64(change.version.version))]
    try AuditEntry(actor: actor, at: now, action: .patch, kind: "User", target: user, after: after.text)
      .insert(transaction)
  }
}

extension CredentialPolicy {
  /// As the store keeps it, in whole milliseconds.
  var stored: CredentialPolicy {
    CredentialPolicy(
      lastSet: lastSet.map { Date(milliseconds: $0.milliseconds) }, mustChange: mustChange,
      expires: expires.map { Date(milliseconds: $0.milliseconds) })
  }
}
