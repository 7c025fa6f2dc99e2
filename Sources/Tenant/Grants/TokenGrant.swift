// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SCIM
import Store

/// What a person let an application do, and until when.
struct TokenGrant: Sendable {
  let id: String
  let application: String
  let user: Int64
  /// The session that it was given in.
  let session: String
  let scopes: [String]
  let authenticated: Date
  let method: SignInMethod
  let nonce: String?
  let expires: Date

  static let columns =
    "g.id, g.application, g.resource, g.session, g.scope, g.authenticated, g.nonce, g.expires, g.revoked, g.method"

  /// The row as it is, and whether it still holds at this time.
  static func read(_ row: SQLRow, at now: Date) throws -> (grant: TokenGrant, isLive: Bool) {
    let id: String = try row[0]
    let expires = Date(milliseconds: try row[7])
    let grant = TokenGrant(
      id: id, application: try row[1], user: try row[2], session: try row[3],
      scopes: (try row[4] as String).split(separator: " ").map(String.init),
      authenticated: Date(milliseconds: try row[5]),
      method: try row.word(9, "token_grant.method", of: id), nonce: try row[6], expires: expires)
    return (grant, try row[8] as Int64? == nil && now < expires)
  }

  /// A grant of the person whose session this is.
  init(
    application: Application, session: Session, scopes: [String], nonce: String?, at now: Date,
    random: (Int) -> [UInt8]
  ) {
    self.init(
      id: Identifier.make(random), application: application.id, user: session.user, session: session.id,
      scopes: scopes, authenticated: session.created, method: session.method, nonce: nonce,
      expires: now.addingTimeInterval(Double(SignInLifetime.grant)))
  }

  private init(
    id: String, application: String, user: Int64, session: String, scopes: [String], authenticated: Date,
    method: SignInMethod, nonce: String?, expires: Date
  ) {
    self.id = id
    self.application = application
    self.user = user
    self.session = session
    self.scopes = scopes
    self.authenticated = authenticated
    self.method = method
    self.nonce = nonce
    self.expires = expires
  }

  func insert(at now: Date, _ transaction: any Transaction) throws {
    try transaction.run(
      """
      INSERT INTO token_grant (id, application, resource, session, scope, authenticated, nonce, created, expires, method)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        .text(id), .text(application), .integer(user), .text(session), .text(scopes.joined(separator: " ")),
        .integer(authenticated.milliseconds), SQLValue(nonce), .integer(now.milliseconds),
        .integer(expires.milliseconds), .text(method.rawValue),
      ])
  }

  /// Ends the grant with all its tokens, and notes why.
  static func revoke(_ id: String, why: String, by actor: Actor, at now: Date, _ transaction: any Transaction) throws {
    let revoked = try transaction.run(
      "UPDATE token_grant SET revoked = ? WHERE id = ? AND revoked IS NULL", [.integer(now.milliseconds), .text(id)])
    guard revoked == 1 else { return }
    try AuditEntry(
      actor: actor, at: now, action: .revoke, kind: "Grant", target: id,
      after: JSONValue.object(["why": .string(why)]).text
    ).insert(transaction)
  }
}

/// What came of a code or token that was presented.
enum Redemption: Sendable {
  case accepted(TokenGrant, refreshToken: String?)
  /// Unknown, ended, of another client, or presented a second time. Nothing tells the client which.
  case refused
  /// More was asked for than the person allowed; the token is still good.
  case scopeExceeded
}

extension TenantDirectory {
  /// Whether a grant that an access token names still holds.
  func isLive(grant id: String) async throws -> Bool {
    let now = environment.now()
    return try await store.read { transaction in
      try transaction.first(
        """
        SELECT \(TokenGrant.columns) FROM token_grant g JOIN resource r ON r.seq = g.resource
        WHERE g.id = ? AND r.deleted IS NULL AND r.active = 1
        """, [.text(id)]
      ) { try TokenGrant.read($0, at: now).isLive } ?? false
    }
  }
}
