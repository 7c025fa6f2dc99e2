// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SCIM
import Store
package import WebIdentity
import Wire

extension TenantDirectory {
  /// A new application. The secret of a confidential one can be had only here.
  ///
  /// - Parameter hasSecret: whether a confidential one gets a secret; one with a certificate needs none.
  /// - Throws: ``TenantError`` `invalidApplication`.
  package func createApplication(
    name: String, kind: Application.Kind, redirects: [RedirectURI], logouts: [RedirectURI] = [],
    grants: Set<Application.Grant>, hasSecret: Bool = true, by actor: Actor
  ) async throws -> (application: Application, secret: String?) {
    guard (1...100).contains(name.count),
      !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
    else {
      throw TenantError(
        .invalidApplication, "An application needs a name of at most 100 characters.", remedy: "Give another --name.")
    }
    guard !grants.contains(.clientCredentials) || kind == .confidential else {
      throw TenantError(
        .invalidApplication, "A public application cannot use client_credentials: it has no secret.",
        remedy: "Leave out --public, or the grant.")
    }
    guard grants.contains(.authorizationCode) == !redirects.isEmpty else {
      throw TenantError(
        .invalidApplication, "authorization_code and redirect URIs need each other.",
        remedy: "Give --redirect-uri for applications with a browser, and leave both out for others.")
    }
    guard grants != [.refreshToken], !grants.isEmpty else {
      throw TenantError(
        .invalidApplication, "Without authorization_code, device_code or client_credentials nobody can sign in.",
        remedy: "Give --redirect-uri or another --grant.")
    }
    let application = Application(
      id: Identifier.make(environment.random), name: name, kind: kind, redirects: redirects, logouts: logouts,
      grants: grants, created: Date(milliseconds: environment.now().milliseconds))
    let secret = kind == .confidential && hasSecret ? OpaqueSecret(.client, random: environment.random) : nil
    let hash = secret?.hash
    try await store.write(durability: .full) { transaction in
      try transaction.run(
        """
        INSERT INTO application (id, name, kind, secret, redirects, logouts, grants, created)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          .text(application.id), .text(name), .text(kind.rawValue), SQLValue(hash),
          .text(redirects.map(\.text).joined(separator: "\n")), .text(logouts.map(\.text).joined(separator: "\n")),
          .text(grants.map(\.rawValue).sorted().joined(separator: " ")), .integer(application.created.milliseconds),
        ])
      let after: JSONValue = [
        "name": .string(name), "kind": .string(kind.rawValue),
        "redirects": .array(redirects.map { .string($0.text) }),
        "grants": .array(grants.map(\.rawValue).sorted().map(JSONValue.string)),
      ]
      try AuditEntry(
        actor: actor, at: application.created, action: .create, kind: "Application", target: application.id,
        after: after.text
      ).insert(transaction)
    }
    return (application, secret?.text)
  }

  package func applications() async throws -> [Application] {
    try await store.read { transaction in
      try transaction.query(
        "SELECT \(Self.applicationColumns) FROM application ORDER BY name, id", [], Self.application)
    }
  }

  /// Nil when there is none of this identifier.
  package func application(_ id: String) async throws -> Application? {
    try await store.read { try Self.application(id, $0)?.application }
  }

  /// Removes an application with all grants that people gave it.
  ///
  /// - Throws: ``TenantError`` `unknownApplication`.
  package func removeApplication(_ id: String, by actor: Actor) async throws {
    let now = environment.now()
    try await store.write(durability: .full) { transaction in
      guard try transaction.run("DELETE FROM application WHERE id = ?", [.text(id)]) == 1 else {
        throw TenantError(
          .unknownApplication, "There is no application \(id).", remedy: "List the applications for their identifiers.")
      }
      try AuditEntry(actor: actor, at: now, action: .remove, kind: "Application", target: id).insert(transaction)
    }
  }

  /// The client that a request comes from. Unknown clients, wrong secrets and missing ones are told alike.
  ///
  /// - Throws: ``WebIdentity/OAuthError`` `invalidClient`.
  func authenticate(_ claim: ClientAuthentication) async throws -> Application {
    let found = try await store.read { try Self.application(claim.clientID, $0) }
    let given = claim.secret.map { OpaqueSecret.hash(of: $0) }
    let expected = found?.secret ?? [UInt8](repeating: 0, count: 32)
    let matches = given.map { ConstantTime.equal($0, expected) } ?? false
    if let application = found?.application {
      switch application.kind {
      // A secret that a public client makes up proves nothing and is not looked at.
      case .publicClient: if given == nil { return application }
      case .confidential: if matches, found?.secret != nil { return application }
      }
    }
    throw OAuthError(.invalidClient, "The client is unknown or its secret is wrong.")
  }

  static let applicationColumns = "id, name, kind, redirects, logouts, grants, created"

  static func application(
    _ id: String, _ transaction: any Transaction
  ) throws -> (application: Application, secret: [UInt8]?)? {
    try transaction.first("SELECT \(applicationColumns), secret FROM application WHERE id = ?", [.text(id)]) { row in
      (try application(row), try row[7])
    }
  }

  static func application(_ row: SQLRow) throws -> Application {
    let id: String = try row[0]
    func uris(_ index: Int, _ column: String) throws -> [RedirectURI] {
      try (row[index] as String).split(separator: "\n").map { text in
        guard let uri = try? RedirectURI(String(text)) else {
          throw StoreError.corrupt("application.\(column)", row: id)
        }
        return uri
      }
    }
    let grants = try (row[5] as String).split(separator: " ").map { text in
      guard let grant = Application.Grant(rawValue: String(text)) else {
        throw StoreError.corrupt("application.grants", row: id)
      }
      return grant
    }
    return Application(
      id: id, name: try row[1], kind: try row.word(2, "application.kind", of: id),
      redirects: try uris(3, "redirects"), logouts: try uris(4, "logouts"), grants: Set(grants),
      created: Date(milliseconds: try row[6]))
  }
}
