// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Store
import WebIdentity

extension TenantDirectory {
  /// A code for what the person just allowed (RFC 6749 4.1.2). It can be redeemed once, within a minute.
  func makeCode(_ grant: TokenGrant, redirect: RedirectURI, proofKey: ProofKey?) async throws -> String {
    let now = environment.now()
    let code = OpaqueSecret(.code, random: environment.random)
    let hash = code.hash
    try await store.write { transaction in
      try grant.insert(at: now, transaction)
      try transaction.run(
        "INSERT INTO authorization_code (hash, token_grant, redirect, challenge, expires) VALUES (?, ?, ?, ?, ?)",
        [
          .blob(hash), .text(grant.id), .text(redirect.text), SQLValue(proofKey?.challenge),
          .integer(now.milliseconds + Int64(SignInLifetime.code) * 1000),
        ])
    }
    return code.text
  }

  /// Redeems a code (RFC 6749 4.1.3, RFC 7636 4.6). Whatever is wrong, the code is spent; one that is presented twice, or by
  /// another client, takes back everything that was issued for it (RFC 6749 4.1.2, 10.5).
  func redeem(
    code: String, redirect: String?, verifier: String?, by application: Application, actor: Actor
  ) async throws -> Redemption {
    let now = environment.now()
    let hash = OpaqueSecret.hash(of: code)
    let random = environment.random
    return try await store.write(durability: .full) { transaction in
      let found = try transaction.first(
        """
        SELECT \(TokenGrant.columns), c.redirect, c.challenge, c.expires, c.used
        FROM authorization_code c JOIN token_grant g ON g.id = c.token_grant
        JOIN resource r ON r.seq = g.resource AND r.deleted IS NULL AND r.active = 1 WHERE c.hash = ?
        """, [.blob(hash)]
      ) { row in
        (
          grant: try TokenGrant.read(row, at: now), redirect: try row[10] as String, challenge: try row[11] as String?,
          expires: Date(milliseconds: try row[12]), used: try row[13] as Int64?
        )
      }
      guard let found else { return .refused }
      let grant = found.grant.grant
      guard found.used == nil else {
        try TokenGrant.revoke(grant.id, why: "code replayed", by: actor, at: now, transaction)
        return .refused
      }
      try transaction.run(
        "UPDATE authorization_code SET used = ? WHERE hash = ?", [.integer(now.milliseconds), .blob(hash)])
      let isProved =
        switch (found.challenge, verifier) {
        case (nil, nil): true
        case (let challenge?, let verifier?): ProofKey(challenge: challenge).isProved(by: verifier)
        // A verifier without a challenge means that somebody took the challenge away (RFC 9700 2.1.1).
        default: false
        }
      guard found.grant.isLive, now < found.expires, grant.application == application.id, found.redirect == redirect,
        isProved
      else {
        try TokenGrant.revoke(grant.id, why: "code refused", by: actor, at: now, transaction)
        return .refused
      }
      let refresh = try Self.refreshToken(grant, application, at: now, random, transaction)
      return .accepted(grant, refreshToken: refresh)
    }
  }

  /// Begins a grant that needs no code, with its first refresh token.
  func begin(_ grant: TokenGrant, for application: Application) async throws -> String? {
    let now = environment.now()
    let random = environment.random
    return try await store.write(durability: .full) { transaction in
      try grant.insert(at: now, transaction)
      return try Self.refreshToken(grant, application, at: now, random, transaction)
    }
  }

  /// The first refresh token of a grant; nil when the application may not have one or the person was not asked for it.
  static func refreshToken(
    _ grant: TokenGrant, _ application: Application, at now: Date, _ random: (Int) -> [UInt8],
    _ transaction: any Transaction
  ) throws -> String? {
    guard grant.scopes.contains("offline_access"), application.grants.contains(.refreshToken) else { return nil }
    let secret = OpaqueSecret(.refresh, random: random)
    try transaction.run(
      "INSERT INTO refresh_token (hash, token_grant, issued) VALUES (?, ?, ?)",
      [.blob(secret.hash), .text(grant.id), .integer(now.milliseconds)])
    return secret.text
  }
}
