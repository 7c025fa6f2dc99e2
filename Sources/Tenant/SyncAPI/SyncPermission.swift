// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import SCIM
import Store
import Wire

/// Who may synchronise by the Sync API.
package struct SyncPermission: Sendable, Hashable {
  package let application: String
  /// The identifier of the user who has to sign in to the application; nil where it acts for itself.
  package let user: String?
  /// What that user is called.
  package let userName: String?
  /// Whether derived passwords may be replaced, too.
  package let passwords: Bool
  package let created: Date
}

extension TenantDirectory {
  /// Lets an application synchronise; a second time changes what it may.
  ///
  /// - Parameter userName: only while this user is signed in to it.
  /// - Throws: ``TenantError`` `unknownApplication`, `unknownResource`.
  package func allowSync(
    application: String, userName: String?, passwords: Bool, by actor: Actor
  ) async throws {
    let now = environment.now()
    try await store.write(durability: .full) { transaction in
      guard try Self.application(application, transaction) != nil else { throw Self.unknown(application) }
      let user = try userName.map { try Self.requireUser($0, transaction) }
      try transaction.run(
        """
        INSERT INTO sync_permission (application, resource, passwords, created) VALUES (?, ?, ?, ?)
        ON CONFLICT (application, coalesce(resource, 0)) DO UPDATE SET passwords = excluded.passwords
        """, [.text(application), SQLValue(user), SQLValue(passwords), .integer(now.milliseconds)])
      try Self.audit(.add, application, userName, passwords, by: actor, at: now, transaction)
    }
  }

  /// Takes the permission away, at once.
  ///
  /// - Throws: ``TenantError`` `unknownApplication` when there is none, `unknownResource`.
  package func denySync(application: String, userName: String?, by actor: Actor) async throws {
    let now = environment.now()
    try await store.write(durability: .full) { transaction in
      let user = try userName.map { try Self.requireUser($0, transaction) }
      let removed = try transaction.run(
        "DELETE FROM sync_permission WHERE application = ? AND coalesce(resource, 0) = ?",
        [.text(application), .integer(user ?? 0)])
      guard removed == 1 else {
        throw TenantError(
          .unknownApplication, "The application \(application) has no such permission.",
          remedy: "'bridgehead tenant sync list' shows all.")
      }
      try Self.audit(.remove, application, userName, nil, by: actor, at: now, transaction)
    }
  }

  package func syncPermissions() async throws -> [SyncPermission] {
    try await store.read { transaction in
      try transaction.query(
        """
        SELECT p.application, r.id, r.user_name, p.passwords, p.created FROM sync_permission p
        LEFT JOIN resource r ON r.seq = p.resource ORDER BY p.application, r.user_name
        """, []
      ) { row in
        SyncPermission(
          application: try row[0], user: try row[1], userName: try row[2], passwords: try row[3],
          created: Date(milliseconds: try row[4]))
      }
    }
  }

  /// What an application may, for itself or for a user; nil for nothing.
  func syncPermission(application: String, user: String?) async throws -> SyncPermission? {
    try await syncPermissions().first { $0.application == application && $0.user == user }
  }

  private static func requireUser(_ name: String, _ transaction: any Transaction) throws -> Int64 {
    let sequence: Int64? = try transaction.value(
      "SELECT seq FROM resource WHERE kind = 1 AND user_name = ? AND deleted IS NULL", [.text(SCIMText.folded(name))])
    guard let sequence else {
      throw TenantError(.unknownResource, "There is no user \(name).", remedy: "List the users for their names.")
    }
    return sequence
  }

  private static func unknown(_ application: String) -> TenantError {
    TenantError(
      .unknownApplication, "There is no application \(application).",
      remedy: "List the applications for their identifiers.")
  }

  private static func audit(
    _ action: AuditEntry.Action, _ application: String, _ user: String?, _ passwords: Bool?, by actor: Actor,
    at now: Date,
    _ transaction: any Transaction
  ) throws {
    var after: JSONObject = [:]
    after["user"] = user.map(JSONValue.string)
    after["passwords"] = passwords.map(JSONValue.bool)
    try AuditEntry(
      actor: actor, at: now, action: action, kind: "SyncPermission", target: application,
      after: JSONValue.object(after).text
    ).insert(transaction)
  }
}
