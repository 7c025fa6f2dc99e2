// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import Store
import Wire

extension TenantDirectory {
  /// A new token. Its text can be had only here.
  ///
  /// - Parameter lifetime: in seconds, from now; at least one minute, at most ten years.
  /// - Throws: ``TenantError`` `invalidScope` when there is no scope or the lifetime is out of range.
  package func createToken(
    name: String, scopes: Set<TokenScope>, lifetime: TimeInterval, by actor: Actor
  ) async throws -> (record: TokenRecord, text: String) {
    guard !scopes.isEmpty, (60...10 * 366 * 86_400).contains(lifetime) else {
      throw TenantError(
        .invalidScope, "A token needs a scope and a lifetime between one minute and ten years.",
        remedy: "Name scopes of \(TokenScope.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    let token = BearerToken(random: environment.random)
    let now = Date(milliseconds: environment.now().milliseconds)
    let record = TokenRecord(
      id: token.id, name: name, scopes: scopes, created: now,
      expires: Date(milliseconds: now.milliseconds + Int64(lifetime * 1000)), revoked: nil)
    let scopeList = scopes.map(\.rawValue).sorted().joined(separator: " ")
    let hash = token.hash
    try await store.write(durability: .full) { transaction in
      try transaction.run(
        "INSERT INTO token (id, name, hash, scopes, created, expires) VALUES (?, ?, ?, ?, ?, ?)",
        [
          .text(record.id), .text(name), .blob(hash), .text(scopeList), .integer(record.created.milliseconds),
          .integer(record.expires.milliseconds),
        ])
      try AuditEntry(actor: actor, at: now, action: .create, kind: "Token", target: record.id, after: scopeList)
        .insert(transaction)
    }
    return (record, token.text)
  }

  /// All tokens, the newest first.
  package func tokens() async throws -> [TokenRecord] {
    try await store.read { transaction in
      try transaction.query("SELECT \(Self.tokenColumns) FROM token ORDER BY created DESC, id", [], Self.token)
    }
  }

  /// Ends a token at once. Revoking it twice changes nothing.
  ///
  /// - Throws: ``TenantError`` `unknownToken`.
  package func revokeToken(_ id: String, by actor: Actor) async throws {
    let now = environment.now()
    try await store.write(durability: .full) { transaction in
      let revoked: Int64?? = try transaction.value("SELECT revoked FROM token WHERE id = ?", [.text(id)])
      guard let revoked else {
        throw TenantError(.unknownToken, "There is no token \(id).", remedy: "List the tokens for their identifiers.")
      }
      guard revoked == nil else { return }
      try transaction.run("UPDATE token SET revoked = ? WHERE id = ?", [.integer(now.milliseconds), .text(id)])
      try AuditEntry(actor: actor, at: now, action: .revoke, kind: "Token", target: id).insert(transaction)
    }
  }

  /// The record of a token that is genuine, not expired and not revoked; nil for everything else, in the same time.
  func authenticate(_ text: some StringProtocol & Sendable) async throws -> TokenRecord? {
    guard let token = BearerToken(text) else { return nil }
    let id = token.id
    let found = try await store.read { transaction in
      try transaction.first("SELECT \(Self.tokenColumns), hash FROM token WHERE id = ?", [.text(id)]) { row in
        (record: try Self.token(row), hash: try row[6] as [UInt8])
      }
    }
    let matches = token.matches(found?.hash ?? [UInt8](repeating: 0, count: 32))
    guard matches, let record = found?.record, record.isValid(at: environment.now()) else { return nil }
    return record
  }

  private static let tokenColumns = "id, name, scopes, created, expires, revoked"

  private static func token(_ row: SQLRow) throws -> TokenRecord {
    let scopes = try (row[2] as String).split(separator: " ").compactMap { TokenScope(rawValue: String($0)) }
    return TokenRecord(
      id: try row[0], name: try row[1], scopes: Set(scopes), created: Date(milliseconds: try row[3]),
      expires: Date(milliseconds: try row[4]), revoked: (try row[5] as Int64?).map(Date.init(milliseconds:)))
  }
}
