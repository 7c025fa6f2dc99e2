// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SCIM
import Store
import Wire

extension TenantDirectory {
  /// Opens a session; its secret can be had only here.
  func openSession(
    _ user: VerifiedUser, source: String, agent: String, method: SignInMethod = .password
  ) async throws -> (session: Session, secret: String) {
    let now = Date(milliseconds: environment.now().milliseconds)
    let secret = OpaqueSecret(.session, random: environment.random)
    let session = Session(
      id: Identifier.make(environment.random), user: user.sequence, userID: user.id, userName: "", created: now,
      expires: now.addingTimeInterval(Double(SignInLifetime.session)), source: source, agent: String(agent.prefix(256)),
      method: method)
    let hash = secret.hash
    try await store.write { transaction in
      try transaction.run(
        "INSERT INTO session (id, hash, resource, created, expires, source, agent, method) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
          .text(session.id), .blob(hash), .integer(user.sequence), .integer(now.milliseconds),
          .integer(session.expires.milliseconds), .text(source), .text(session.agent), .text(method.rawValue),
        ])
      try AuditEntry(
        actor: Actor(who: "user:\(user.id)"), at: now, action: .create, kind: "Session", target: session.id,
        after: JSONValue.object(["source": .string(source), "method": .string(method.rawValue)]).text
      ).insert(transaction)
    }
    return (session, secret.text)
  }

  /// The live session of a browser; nil when it has ended, was revoked, or its user may not sign in any more.
  func session(secret: String) async throws -> Session? {
    guard secret.utf8.count <= 128 else { return nil }
    let hash = OpaqueSecret.hash(of: secret)
    let now = environment.now().milliseconds
    return try await store.read { transaction in
      try transaction.first(
        "\(Self.sessionQuery) AND s.hash = ? AND s.expires > ? AND r.active = 1", [.blob(hash), .integer(now)],
        Self.session)
    }
  }

  /// The live session of this identifier.
  func session(id: String) async throws -> Session? {
    let now = environment.now().milliseconds
    return try await store.read { transaction in
      try transaction.first(
        "\(Self.sessionQuery) AND s.id = ? AND s.expires > ?", [.text(id), .integer(now)], Self.session)
    }
  }

  /// The live sessions, the latest first.
  ///
  /// - Parameter userName: of this person only.
  package func sessions(userName: String? = nil) async throws -> [Session] {
    let now = environment.now().milliseconds
    let folded = userName.map(SCIMText.folded)
    return try await store.read { transaction in
      try transaction.query(
        "\(Self.sessionQuery) AND s.expires > ?1 AND (?2 IS NULL OR r.user_name = ?2) ORDER BY s.created DESC, s.id",
        [.integer(now), SQLValue(folded)], Self.session)
    }
  }

  /// Ends a session at once, with everything that applications got through it.
  ///
  /// - Throws: ``TenantError`` `unknownSession`.
  package func revokeSession(_ id: String, by actor: Actor) async throws {
    let now = environment.now()
    try await store.write(durability: .full) { transaction in
      let ended = try transaction.run(
        "UPDATE session SET revoked = ? WHERE id = ? AND revoked IS NULL", [.integer(now.milliseconds), .text(id)])
      guard ended == 1 else {
        throw TenantError(
          .unknownSession, "There is no live session \(id).", remedy: "List the sessions for their identifiers.")
      }
      try transaction.run(
        "UPDATE token_grant SET revoked = ? WHERE session = ? AND revoked IS NULL",
        [.integer(now.milliseconds), .text(id)])
      try AuditEntry(actor: actor, at: now, action: .revoke, kind: "Session", target: id).insert(transaction)
    }
  }

  /// Ends all sessions of a person and everything that applications got for them.
  ///
  /// - Returns: how many sessions.
  /// - Throws: ``TenantError`` `unknownResource` when no live user has this name.
  package func revokeSessions(userName: String, by actor: Actor) async throws -> Int {
    let now = environment.now()
    let folded = SCIMText.folded(userName)
    return try await store.write(durability: .full) { transaction in
      let user = try transaction.first(
        "SELECT seq, id FROM resource WHERE user_name = ? AND kind = 1 AND deleted IS NULL", [.text(folded)]
      ) { row in (sequence: try row[0] as Int64, id: try row[1] as String) }
      guard let user else {
        throw TenantError(
          .unknownResource, "No user is called \(userName).", remedy: "'tenant users list' shows the names.")
      }
      let ended = try Self.endSignIns(of: user.sequence, at: now, transaction)
      try AuditEntry(
        actor: actor, at: now, action: .revoke, kind: "User", target: user.id,
        after: JSONValue.object(["sessions": .integer(Int64(ended))]).text
      ).insert(transaction)
      return ended
    }
  }

  /// RP-initiated logout: ends the browser's session. Grants with `offline_access` outlive it (OpenID Connect Core 11).
  func closeSession(_ session: Session) async throws {
    let now = environment.now()
    try await store.write(durability: .full) { transaction in
      try transaction.run(
        "UPDATE session SET revoked = ? WHERE id = ? AND revoked IS NULL",
        [.integer(now.milliseconds), .text(session.id)])
      try transaction.run(
        """
        UPDATE token_grant SET revoked = ? WHERE session = ? AND revoked IS NULL
          AND NOT EXISTS (SELECT 1 FROM refresh_token f WHERE f.token_grant = token_grant.id)
        """, [.integer(now.milliseconds), .text(session.id)])
      try AuditEntry(
        actor: Actor(who: "user:\(session.userID)"), at: now, action: .remove, kind: "Session", target: session.id
      ).insert(transaction)
    }
  }

  /// Ends what a user signed in to: after a change of password nothing goes on that the old one began.
  @discardableResult
  static func endSignIns(of user: Int64, at now: Date, _ transaction: any Transaction) throws -> Int {
    let arguments: [SQLValue] = [.integer(now.milliseconds), .integer(user)]
    try transaction.run("UPDATE token_grant SET revoked = ? WHERE resource = ? AND revoked IS NULL", arguments)
    return try transaction.run("UPDATE session SET revoked = ? WHERE resource = ? AND revoked IS NULL", arguments)
  }

  private static let sessionQuery = """
    SELECT s.id, s.resource, r.id, r.user_name, s.created, s.expires, s.source, s.agent, s.method
    FROM session s JOIN resource r ON r.seq = s.resource WHERE s.revoked IS NULL AND r.deleted IS NULL
    """

  private static func session(_ row: SQLRow) throws -> Session {
    let id: String = try row[0]
    return Session(
      id: id, user: try row[1], userID: try row[2], userName: (try row[3] as String?) ?? "",
      created: Date(milliseconds: try row[4]), expires: Date(milliseconds: try row[5]), source: try row[6],
      agent: try row[7], method: try row.word(8, "session.method", of: id))
  }
}
