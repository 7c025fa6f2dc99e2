// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import PasswordWriteback
import Store

/// Links for one use with which a person chooses a new password.
extension TenantDirectory {
  /// - Returns: the secret, which can be had only here, and until when it holds.
  package func makePasswordLink(
    for user: WritebackUser, by actor: Actor
  ) async throws -> (path: String, expires: Date) {
    let now = environment.now()
    let secret = OpaqueSecret(.passwordLink, random: environment.random)
    let hash = secret.hash
    let expires = Date(milliseconds: now.milliseconds + Int64(WritebackLimits.link) * 1000)
    try await store.write(durability: .full) { transaction in
      // The latest link is the one that holds.
      try transaction.run("DELETE FROM password_link WHERE resource = ?", [.integer(user.sequence)])
      try transaction.run(
        "INSERT INTO password_link (hash, resource, expires) VALUES (?, ?, ?)",
        [.blob(hash), .integer(user.sequence), .integer(expires.milliseconds)])
      try AuditEntry(actor: actor, at: now, action: .create, kind: "PasswordLink", target: user.id).insert(transaction)
    }
    return ("/\(initialDomain)\(SignInPlace.passwordReset.rawValue)?token=\(secret.text)", expires)
  }

  /// Whose link it is; nil when it does not hold (any more).
  func passwordLink(_ secret: String) async throws -> WritebackUser? {
    let hash = OpaqueSecret.hash(of: secret)
    let now = environment.now().milliseconds
    return try await store.read { transaction in
      try transaction.first("\(Self.linkQuery)", [.blob(hash), .integer(now)], Self.writebackUser)
    }
  }

  /// Takes the link for one attempt.
  func claimPasswordLink(_ secret: String) async throws -> WritebackUser? {
    let hash = OpaqueSecret.hash(of: secret)
    let now = environment.now().milliseconds
    return try await store.write(durability: .full) { transaction in
      let user = try transaction.first("\(Self.linkQuery)", [.blob(hash), .integer(now)], Self.writebackUser)
      if user != nil {
        try transaction.run("UPDATE password_link SET used = ? WHERE hash = ?", [.integer(now), .blob(hash)])
      }
      return user
    }
  }

  /// Gives it back after an attempt that changed nothing.
  func releasePasswordLink(_ secret: String) async throws {
    let hash = OpaqueSecret.hash(of: secret)
    _ = try await store.write { transaction in
      try transaction.run("UPDATE password_link SET used = NULL WHERE hash = ?", [.blob(hash)])
    }
  }

  private static let linkQuery = """
    SELECT r.seq, r.id, r.user_name, r.external_id FROM password_link l JOIN resource r ON r.seq = l.resource
    WHERE l.hash = ? AND l.expires > ? AND l.used IS NULL AND r.deleted IS NULL AND r.active = 1
    """
}
