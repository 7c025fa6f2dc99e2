// SPDX-License-Identifier: Apache-2.0

import SCIM
import Store
import WebIdentity

extension TenantDirectory {
  /// What the scopes allow to tell about a live, active user.
  func person(_ sequence: Int64, scopes: [String]) async throws -> PersonClaims? {
    try await person("seq = ?", .integer(sequence), scopes: scopes)
  }

  func person(id: String, scopes: [String]) async throws -> PersonClaims? {
    try await person("id = ?", .text(id), scopes: scopes)
  }

  private func person(_ condition: String, _ value: SQLValue, scopes: [String]) async throws -> PersonClaims? {
    let stored = try await store.read { transaction in
      try transaction.first(
        """
        SELECT \(StoredResource.columns) FROM resource
        WHERE \(condition) AND kind = 1 AND deleted IS NULL AND active = 1
        """, [value], StoredResource.init)
    }
    guard let stored else { return nil }
    let user = SCIMUser(SCIMResource(stored.attributes))
    var claims = PersonClaims(subject: stored.id)
    if scopes.contains("profile") {
      claims.name = user.displayName
      claims.givenName = user.givenName
      claims.familyName = user.familyName
      claims.preferredUsername = user.userName
    }
    if scopes.contains("email") {
      claims.email = (user.emails.first(where: \.primary) ?? user.emails.first)?.value
    }
    return claims
  }
}
