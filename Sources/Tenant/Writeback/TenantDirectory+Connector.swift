// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import PasswordWriteback
import Store

/// Whether passwords can be changed here, and how that goes.
package struct WritebackStatus: Sendable {
  /// The pinned key of Connect; nil while writeback is disabled.
  package let key: ConnectorKey?
  package let enabled: Date?
  /// When Connect last asked for requests.
  package let polled: Date?
  /// Requests that wait.
  package let waiting: Int
  /// How many requests ended in which way during the last day.
  package let outcomes: [(status: String, count: Int)]
}

extension TenantDirectory {
  /// Pins Connect's key. Requests that wait for another key's holder are over.
  package func enableWriteback(_ key: ConnectorKey, by actor: Actor) async throws {
    let now = environment.now()
    try await store.write(durability: .full) { transaction in
      try transaction.run(
        """
        INSERT INTO writeback_connector (id, key, enabled) VALUES (1, ?, ?)
        ON CONFLICT (id) DO UPDATE SET key = excluded.key, enabled = excluded.enabled
        """, [.blob(key.bytes), .integer(now.milliseconds)])
      try Self.endRequests(transaction, at: now, unless: key.fingerprint)
      try AuditEntry(
        actor: actor, at: now, action: .create, kind: "Writeback", target: key.fingerprint
      ).insert(transaction)
    }
  }

  /// Requests that wait are over.
  package func disableWriteback(by actor: Actor) async throws {
    let now = environment.now()
    try await store.write(durability: .full) { transaction in
      let ended = try transaction.run("DELETE FROM writeback_connector")
      try Self.endRequests(transaction, at: now, unless: "")
      guard ended > 0 else { return }
      try AuditEntry(actor: actor, at: now, action: .remove, kind: "Writeback", target: "connector").insert(transaction)
    }
  }

  package func writebackStatus() async throws -> WritebackStatus {
    let now = environment.now().milliseconds
    return try await store.read { transaction in
      let connector = try transaction.first("SELECT key, enabled, polled FROM writeback_connector") { row in
        (key: try row[0] as [UInt8], enabled: try row[1] as Int64, polled: try row[2] as Int64?)
      }
      return WritebackStatus(
        key: try connector.map { try ConnectorKey(bytes: $0.key) },
        enabled: connector.map { Date(milliseconds: $0.enabled) },
        polled: connector?.polled.map(Date.init(milliseconds:)),
        waiting: try transaction.value(
          "SELECT COUNT(*) FROM writeback_request WHERE status IS NULL AND expires > ?", [.integer(now)]) ?? 0,
        outcomes: try transaction.query(
          """
          SELECT COALESCE(status, 'expired'), COUNT(*) FROM writeback_request
          WHERE status IS NOT NULL OR expires <= ? GROUP BY 1 ORDER BY 1
          """, [.integer(now)]
        ) { row in (status: try row[0], count: try row[1]) })
    }
  }

  private static func endRequests(_ transaction: any Transaction, at now: Date, unless fingerprint: String) throws {
    try transaction.run(
      """
      UPDATE writeback_request SET encapsulated = NULL, ciphertext = NULL, verifier = NULL, status = 'failed',
        answered = ? WHERE status IS NULL AND delivered IS NULL AND fingerprint <> ?
      """, [.integer(now.milliseconds), .text(fingerprint)])
  }
}
