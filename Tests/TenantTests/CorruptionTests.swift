// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SCIM
import Store
import Testing
import WebIdentity
import Wire

@testable import Tenant

/// What stands in the database and is nothing that the tenant writes is named, and not taken for something plausible.
@Suite struct CorruptionTests {
  private func corrupt(_ directory: TenantDirectory, _ statement: String, _ id: String) async throws {
    let count = try await directory.store.write { try $0.run(statement, [.text(id)]) }
    try #require(count >= 1, "\(statement)")
  }

  private func expectCorrupt(_ place: String, _ row: String, _ body: () async throws -> Void) async {
    let error = await #expect(throws: StoreError.self, "\(place)") { try await body() }
    #expect(error?.code == .corrupt)
    #expect(error?.message.contains("\(place) of \(row)") == true, "\(error?.message ?? "")")
  }

  @Test func anApplication() async throws {
    for (column, value) in [
      ("kind", "'public client'"), ("grants", "'authorization_code magic'"), ("redirects", "'https://a.example/ x'"),
      ("logouts", "'nonsense'"),
    ] {
      try await TestTenant.with { tenant in
        let made = try await tenant.directory.createApplication(
          name: "App", kind: .confidential, redirects: [try RedirectURI("https://app.example/")],
          grants: [.authorizationCode], by: TestTenant.actor)
        let id = made.application.id
        #expect(try await tenant.directory.application(id) != nil)
        try await corrupt(tenant.directory, "UPDATE application SET \(column) = \(value) WHERE id = ?", id)
        await expectCorrupt("application.\(column)", id) { _ = try await tenant.directory.application(id) }
      }
    }
  }

  /// An empty secret in the store is no secret that somebody could know.
  @Test func anEmptySecret() async throws {
    try await TestTenant.with { tenant in
      let made = try await tenant.directory.createApplication(
        name: "App", kind: .confidential, redirects: [], grants: [.clientCredentials], by: TestTenant.actor)
      let id = made.application.id
      func authenticate(_ secret: String) async throws {
        let form = try FormParameters("client_id=\(id)&client_secret=\(secret)")
        _ = try await tenant.directory.authenticate(try ClientAuthentication(authorization: nil, form))
      }
      try await authenticate(try #require(made.secret))
      try await corrupt(tenant.directory, "UPDATE application SET secret = x'' WHERE id = ?", id)
      for secret in [try #require(made.secret), "x"] {
        await #expect(throws: OAuthError.self) { try await authenticate(secret) }
      }
    }
  }

  @Test func resourcesAndTheAuditLog() async throws {
    try await TestTenant.with { tenant in
      let id = try await tenant.makeUser("ada")
      try await corrupt(tenant.directory, "UPDATE audit SET action = 'guess' WHERE target = ?", id)
      await expectCorrupt("audit.action", "entry") { _ = try await tenant.directory.audit() }
      try await corrupt(tenant.directory, "UPDATE resource SET attributes = '[]' WHERE id = ?", id)
      #expect(await tenant.send("GET", "/Users/\(id)").status == 500)
      let other = try await tenant.makeUser("bob")
      let group = try await tenant.makeGroup("all", members: [other])
      try await corrupt(tenant.directory, "UPDATE resource SET kind = 77 WHERE id = ?", other)
      #expect(await tenant.send("GET", "/Groups/\(group)").status == 500)
    }
  }

  @Test func serviceKeys() {
    #expect(throws: StoreError.self) { try StoredServiceKeys.parse(SecretBytes(Array("18:zz".utf8)), of: "a") }
    #expect(throws: StoreError.self) { try StoredServiceKeys.parse(SecretBytes(Array("18".utf8)), of: "a") }
  }
}
