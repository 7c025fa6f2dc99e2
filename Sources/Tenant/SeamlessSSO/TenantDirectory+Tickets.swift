// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Store
import Wire

extension TenantDirectory {
  /// The live, active user of this security identifier. Two users of one identifier are a mistake, and nobody is signed in.
  ///
  /// What Active Directory demands of the password is not asked: it has let the person sign in.
  func user(_ identifier: SecurityIdentifier) async throws -> VerifiedUser? {
    let found = try await store.read { transaction in
      try transaction.query(
        """
        SELECT seq, id, active FROM resource WHERE security_identifier = ? AND kind = 1 AND deleted IS NULL LIMIT 2
        """, [.text(identifier.description)]
      ) { row in
        (
          user: VerifiedUser(sequence: try row[0], id: try row[1], policy: CredentialPolicy()),
          isActive: (try row[2] as Bool?) ?? false
        )
      }
    }
    guard found.count == 1, let only = found.first, only.isActive else { return nil }
    return only.user
  }

  /// A code that signs this user in once, in the browser that the binding belongs to.
  func makeTicketCode(_ user: VerifiedUser, binding: String) async throws -> String {
    let code = OpaqueSecret(.ticket, random: environment.random)
    let hash = code.hash
    let expires = environment.now().milliseconds + Int64(SignInLifetime.code) * 1000
    _ = try await store.write { transaction in
      try transaction.run(
        "INSERT INTO ticket_code (hash, resource, binding, expires) VALUES (?, ?, ?, ?)",
        [.blob(hash), .integer(user.sequence), .text(binding), .integer(expires)])
    }
    return code.text
  }

  /// The user of a code, which is then spent, whatever comes of it.
  func redeem(ticketCode: String, binding: String) async throws -> VerifiedUser? {
    guard ticketCode.utf8.count <= 128 else { return nil }
    let hash = OpaqueSecret.hash(of: ticketCode)
    let now = environment.now().milliseconds
    return try await store.write(durability: .full) { transaction in
      let found = try transaction.first(
        """
        SELECT r.seq, r.id, t.binding, t.expires FROM ticket_code t JOIN resource r ON r.seq = t.resource
        WHERE t.hash = ? AND r.deleted IS NULL AND r.active = 1
        """, [.blob(hash)]
      ) { row in
        (
          user: VerifiedUser(sequence: try row[0], id: try row[1], policy: CredentialPolicy()),
          binding: try row[2] as String, expires: try row[3] as Int64
        )
      }
      try transaction.run("DELETE FROM ticket_code WHERE hash = ?", [.blob(hash)])
      // Both are hashes of 256 random bits: there is nothing to time.
      guard let found, found.expires > now, found.binding == binding else { return nil }
      return found.user
    }
  }
}
