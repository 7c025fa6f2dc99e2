// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Store

extension TenantDirectory {
  /// Takes a refresh token and gives the next one (RFC 9700 4.14.2). One that was used before was stolen, or its thief used
  /// it first: nobody can tell, so the whole grant ends.
  ///
  /// - Parameter scopes: what is asked for this time; nil for all that was allowed (RFC 6749 6).
  func redeem(
    refreshToken: String, scopes: Set<String>?, by application: Application, actor: Actor
  ) async throws -> Redemption {
    let now = environment.now()
    let hash = OpaqueSecret.hash(of: refreshToken)
    let random = environment.random
    return try await store.write(durability: .full) { transaction in
      let found = try transaction.first(
        """
        SELECT \(TokenGrant.columns), t.used FROM refresh_token t JOIN token_grant g ON g.id = t.token_grant
        JOIN resource r ON r.seq = g.resource AND r.deleted IS NULL AND r.active = 1 WHERE t.hash = ?
        """, [.blob(hash)]
      ) { row in (grant: try TokenGrant.read(row, at: now), used: try row[10] as Int64?) }
      guard let found, found.grant.isLive else { return .refused }
      let grant = found.grant.grant
      guard found.used == nil else {
        try TokenGrant.revoke(grant.id, why: "refresh token reused", by: actor, at: now, transaction)
        return .refused
      }
      guard grant.application == application.id else {
        try TokenGrant.revoke(grant.id, why: "refresh token of another client", by: actor, at: now, transaction)
        return .refused
      }
      guard scopes.map({ $0.isSubset(of: grant.scopes) }) ?? true else { return .scopeExceeded }
      try transaction.run(
        "UPDATE refresh_token SET used = ? WHERE hash = ?", [.integer(now.milliseconds), .blob(hash)])
      let next = try Self.refreshToken(grant, application, at: now, random, transaction)
      return .accepted(grant, refreshToken: next)
    }
  }

  /// RFC 7009 2.1: ends the grant of a refresh token. What is unknown or of another client changes nothing.
  func revoke(refreshToken: String, by application: Application, actor: Actor) async throws {
    let now = environment.now()
    let hash = OpaqueSecret.hash(of: refreshToken)
    try await store.write(durability: .full) { transaction in
      let grant: String? = try transaction.value(
        """
        SELECT g.id FROM refresh_token t JOIN token_grant g ON g.id = t.token_grant
        WHERE t.hash = ? AND g.application = ?
        """, [.blob(hash), .text(application.id)])
      if let grant { try TokenGrant.revoke(grant, why: "revoked by the client", by: actor, at: now, transaction) }
    }
  }

  /// Ends the grant that a verified access token of this application names.
  func revoke(grant id: String, by application: Application, actor: Actor) async throws {
    let now = environment.now()
    try await store.write(durability: .full) { transaction in
      let owner: String? = try transaction.value("SELECT application FROM token_grant WHERE id = ?", [.text(id)])
      guard owner == application.id else { return }
      try TokenGrant.revoke(id, why: "revoked by the client", by: actor, at: now, transaction)
    }
  }
}
