// SPDX-License-Identifier: Apache-2.0

import Foundation
import SCIM
import Testing

@testable import Tenant
import TestSupport
import Wire

@Suite struct ResourceTests {
  @Test func userIsCreatedReadReplacedAndDeleted() async throws {
    try await TestTenant.with { tenant in
      let created = await tenant.send(
        "POST", "/Users",
        """
        {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
          "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
         "userName": "Ada@Contoso.example", "externalId": "a1", "displayName": "Ada", "password": "secret-1",
         "emails": [{"value": "ada@contoso.example", "type": "work", "primary": true}],
         "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Engines"}}
        """)
      #expect(created.status == 201)
      let id = try created.id
      #expect(created.headers["location"] == "https://tenant.example/Users/\(id)")
      #expect(created.headers["content-type"] == "application/scim+json")
      #expect(created.headers["etag"] == "W/\"1\"")
      #expect(!created.text.contains("secret-1"))
      let meta = try #require(try created.json["meta"]?.object)
      #expect(meta["resourceType"] == "User")
      #expect(meta["location"] == .string("https://tenant.example/Users/\(id)"))
      #expect(meta["created"] == "2027-01-15T08:00:00.000Z")

      let read = await tenant.send("GET", "/Users/\(id)")
      #expect(read.status == 200)
      #expect(try read.json == created.json)
      #expect(try read.json["schemas"]?.array?.count == 2)

      tenant.clock.advance(seconds: 1)
      let replaced = await tenant.send(
        "PUT", "/Users/\(id)",
        """
        {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@contoso.example", "active": false}
        """)
      #expect(replaced.status == 200)
      #expect(replaced.headers["etag"] == "W/\"2\"")
      #expect(try replaced.json["displayName"] == nil)
      #expect(try replaced.json["active"] == false)
      #expect(try replaced.json["meta"]?.object?["lastModified"] == "2027-01-15T08:00:01.000Z")
      // The external id is free again.
      try await tenant.makeUser("bob", ", \"externalId\": \"a1\"")

      #expect(await tenant.send("DELETE", "/Users/\(id)").status == 204)
      #expect(await tenant.send("GET", "/Users/\(id)").status == 404)
      #expect(await tenant.send("DELETE", "/Users/\(id)").status == 404)
    }
  }

  @Test func namesAreUniqueWithoutRegardToCase() async throws {
    try await TestTenant.with { tenant in
      let id = try await tenant.makeUser("ada", ", \"externalId\": \"A1\"")
      for body in [
        "\"userName\": \"ADA@contoso.example\"", "\"userName\": \"x@contoso.example\", \"externalId\": \"A1\"",
      ] {
        let answer = await tenant.send(
          "POST", "/Users", "{\"schemas\": [\"urn:ietf:params:scim:schemas:core:2.0:User\"], \(body)}")
        #expect(answer.status == 409)
        #expect(try answer.scimType == "uniqueness")
        #expect(try answer.detail.contains(id))
      }
      // externalId is case-exact.
      try await tenant.makeUser("ida", ", \"externalId\": \"a1\"")
      let other = try await tenant.makeUser("eve")
      let renamed = await tenant.patch(
        "/Users/\(other)", "{\"op\": \"replace\", \"path\": \"userName\", \"value\": \"Ada@contoso.example\"}")
      #expect(renamed.status == 409)
    }
  }

  @Test func unverifiedDomainIsNamed() async throws {
    try await TestTenant.with { tenant in
      let body = """
        {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@Fabrikam.example"}
        """
      let refused = await tenant.send("POST", "/Users", body)
      #expect(refused.status == 400)
      #expect(try refused.scimType == "invalidValue")
      #expect(try refused.detail.contains("fabrikam.example"))
      let added = try await tenant.directory.addDomain("fabrikam.example", by: TestTenant.actor)
      #expect(await tenant.send("POST", "/Users", body).status == 400)
      await #expect(throws: TenantError.self) {
        try await tenant.directory.verifyDomain("fabrikam.example", proof: .records(["x"]), by: TestTenant.actor)
      }
      _ = try await tenant.directory.verifyDomain(
        "fabrikam.example", proof: .records(["x", added.proof]), by: TestTenant.actor)
      #expect(await tenant.send("POST", "/Users", body).status == 201)
      await #expect(throws: TenantError.self) {
        try await tenant.directory.removeDomain("fabrikam.example", by: TestTenant.actor)
      }
      let domains = try await tenant.send("GET", "/tenant/domains").json
      #expect(domains["initial"] == "contoso.example")
      #expect(domains["domains"]?.array?.count == 2)
    }
  }

  @Test func versionsGuardWrites() async throws {
    try await TestTenant.with { tenant in
      let id = try await tenant.makeUser("ada")
      let change = "{\"op\": \"replace\", \"path\": \"title\", \"value\": \"Countess\"}"
      let stale = await tenant.patch("/Users/\(id)", change, headers: ["if-match": "W/\"7\""])
      #expect(stale.status == 412)
      #expect(await tenant.send("DELETE", "/Users/\(id)", headers: ["if-match": "\"7\""]).status == 412)
      let fresh = await tenant.patch("/Users/\(id)", change, headers: ["if-match": "W/\"7\", W/\"1\""])
      #expect(fresh.status == 200)
      #expect(fresh.headers["etag"] == "W/\"2\"")
      // What changes nothing has no new version.
      #expect(await tenant.patch("/Users/\(id)", change).headers["etag"] == "W/\"2\"")
      let unchanged = await tenant.send("GET", "/Users/\(id)", headers: ["if-none-match": "W/\"2\""])
      #expect(unchanged.status == 304)
      #expect(unchanged.text.isEmpty)
    }
  }

  @Test func managerAndGroupsAreResolved() async throws {
    try await TestTenant.with { tenant in
      let boss = try await tenant.makeUser("boss", ", \"displayName\": \"The Boss\"")
      let id = try await tenant.makeUser("ada")
      let patched = await tenant.patch(
        "/Users/\(id)",
        """
        {"op": "add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
         "value": {"value": "\(boss)"}}
        """)
      let manager = try patched.json[SCIMURI.enterpriseUser]?.object?["manager"]?.object
      #expect(manager?["displayName"] == nil)
      #expect(manager?["$ref"] == .string("https://tenant.example/Users/\(boss)"))

      let named = try await tenant.send("GET", "/Users/\(id)?attributes=\(SCIMURI.enterpriseUser):manager.displayName")
        .json
      #expect(named[SCIMURI.enterpriseUser] == ["manager": ["displayName": "The Boss"]])

      let inner = try await tenant.makeGroup("Inner", members: [id])
      let outer = try await tenant.makeGroup("Outer", members: [inner, boss])
      // A circle of groups ends.
      #expect(await tenant.patch("/Groups/\(inner)", Self.add(outer)).status == 204)
      let groups = try await tenant.send("GET", "/Users/\(id)").json["groups"]?.array ?? []
      #expect(groups.compactMap { $0.object?["value"]?.string } == [inner, outer])
      #expect(groups.compactMap { $0.object?["type"]?.string } == ["direct", "indirect"])
      let members = try await tenant.send("GET", "/Groups/\(outer)").json["members"]?.array ?? []
      #expect(members.compactMap { $0.object?["type"]?.string } == ["User", "Group"])
      #expect(members.allSatisfy { $0.object?["display"] == nil })
      let shown = try await tenant.send("GET", "/Groups/\(outer)?attributes=members.display").json["members"]
      #expect(shown == [["display": "The Boss"], ["display": "Inner"]])
      #expect(members.first?.object?["$ref"] == .string("https://tenant.example/Users/\(boss)"))
      let bare = await tenant.send("GET", "/Groups/\(outer)?excludedAttributes=members")
      #expect(!bare.text.contains(boss))
    }
  }

  static func add(_ id: String) -> String {
    "{\"op\": \"add\", \"path\": \"members\", \"value\": [{\"value\": \"\(id)\"}]}"
  }

  @Test func membersAreAddedRemovedAndReplaced() async throws {
    try await TestTenant.with { tenant in
      let users = try await [tenant.makeUser("a"), tenant.makeUser("b"), tenant.makeUser("c")]
      let group = try await tenant.makeGroup("G", members: [users[0]])
      let added = await tenant.patch("/Groups/\(group)", Self.add(users[1]))
      #expect(added.status == 204)
      #expect(added.headers["etag"] == "W/\"2\"")
      #expect(try await tenant.members(group) == [users[0], users[1]])
      // Adding again changes nothing.
      #expect(await tenant.patch("/Groups/\(group)", Self.add(users[1])).headers["etag"] == "W/\"2\"")
      let removed = await tenant.patch(
        "/Groups/\(group)",
        """
        {"op": "Remove", "path": "members[value eq \\"\(users[0])\\"]"},
        {"op": "Add", "value": {"members": [{"value": "\(users[2])", "$ref": null}], "displayName": "H"}}
        """)
      #expect(removed.status == 204)
      #expect(try await tenant.members(group) == [users[1], users[2]])
      #expect(try await tenant.send("GET", "/Groups/\(group)").json["displayName"] == "H")
      let replaced = await tenant.patch(
        "/Groups/\(group)?attributes=members",
        "{\"op\": \"replace\", \"path\": \"members\", \"value\": [{\"value\": \"\(users[0])\"}]}")
      #expect(replaced.status == 200)
      #expect(try await tenant.members(group) == [users[0]])
      #expect(
        await tenant.patch("/Groups/\(group)", "{\"op\": \"remove\", \"path\": \"members[type eq \\\"User\\\"]\"}")
          .status
          == 204)
      #expect(try await tenant.members(group).isEmpty)
      // An unknown member refuses the whole request.
      let refused = await tenant.patch("/Groups/\(group)", Self.add(users[1]) + "," + Self.add("nobody"))
      #expect(refused.status == 400)
      #expect(try refused.detail.contains("nobody"))
      #expect(await tenant.patch("/Groups/\(group)", Self.add(group)).status == 400)
      for member in ["{\"type\": \"User\"}", "{\"value\": \"nobody\"}", "{\"value\": 1}"] {
        let body = """
          {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "X", "members": [\(member)]}
          """
        #expect(await tenant.send("POST", "/Groups", body).status == 400)
        #expect(await tenant.send("PUT", "/Groups/\(group)", body).status == 400)
      }
      #expect(try await tenant.send("GET", "/Groups").total == 1)
      #expect(try await tenant.members(group).isEmpty)
    }
  }

  @Test func aPrivilegedOneIsRestoredByAnAdministratorOnly() async throws {
    try await TestTenant.with { tenant in
      let ada = try await tenant.makeUser("ada", #", "roles": [{"value": "Global Administrator"}]"#)
      let bob = try await tenant.makeUser("bob")
      for id in [ada, bob] { #expect(await tenant.send("DELETE", "/Users/\(id)").status == 204) }
      let deleted = try await tenant.send("GET", "/tenant/deleted/Users").json["resources"]?.array ?? []
      let told = deleted.map { ($0.object?["id"]?.string ?? "", $0.object?["privileged"]) }
      #expect(Dictionary(uniqueKeysWithValues: told) == [ada: true, bob: nil])
      #expect(await tenant.send("POST", "/tenant/deleted/Users/\(bob)").status == 204)
      let refused = await tenant.send("POST", "/tenant/deleted/Users/\(ada)")
      #expect(try refused.status == 409 && refused.json["scimType"] == "mutability")
      #expect(await tenant.send("GET", "/Users/\(ada)").status == 404)
      _ = try await tenant.directory.restore(.user, ada, includingPrivileged: true, by: TestTenant.actor)
      #expect(await tenant.send("GET", "/Users/\(ada)").status == 200)
    }
  }

  @Test func deletedOnesCanBeRestoredForThirtyDays() async throws {
    try await TestTenant.with { tenant in
      let ada = try await tenant.makeUser("ada")
      let bob = try await tenant.makeUser("bob")
      let group = try await tenant.makeGroup("G", members: [ada, bob])
      #expect(await tenant.send("DELETE", "/Users/\(ada)").status == 204)
      #expect(try await tenant.members(group) == [bob])
      #expect(try await tenant.send("GET", "/Users").total == 1)
      #expect(try await tenant.directory.deleted(.user).map(\.id) == [ada])

      tenant.clock.advance(days: 29)
      #expect(try await tenant.directory.purge(by: TestTenant.actor) == 0)
      let restored = try await tenant.directory.restore(.user, ada, by: TestTenant.actor)
      #expect(restored.id == ada)
      #expect(restored.meta?.version == "W/\"3\"")
      #expect(try await tenant.members(group) == [ada, bob])
      await #expect(throws: TenantError.self) {
        try await tenant.directory.restore(.user, ada, by: TestTenant.actor)
      }

      // Its name is free while it is deleted, and cannot be had back from a new holder.
      #expect(await tenant.send("DELETE", "/Users/\(ada)").status == 204)
      let second = try await tenant.makeUser("ada")
      let error = await #expect(throws: TenantError.self) {
        try await tenant.directory.restore(.user, ada, by: TestTenant.actor)
      }
      #expect(error?.code == .nameTaken)
      #expect(error?.message.contains(second) == true)

      tenant.clock.advance(days: 30)
      #expect(try await tenant.directory.purge(by: TestTenant.actor) == 1)
      #expect(try await tenant.directory.deleted(.user).isEmpty)
      let gone = await #expect(throws: TenantError.self) {
        try await tenant.directory.restore(.user, ada, by: TestTenant.actor)
      }
      #expect(gone?.code == .unknownResource)
      let actions = try await tenant.directory.audit(target: ada).map(\.action)
      #expect(actions == [.purge, .delete, .restore, .delete, .create])
    }
  }

  @Test func everyWriteIsAudited() async throws {
    try await TestTenant.with { tenant in
      let id = try await tenant.makeUser("ada", ", \"title\": \"Ms\", \"password\": \"secret-1\"")
      let answer = await tenant.patch(
        "/Users/\(id)", "{\"op\": \"replace\", \"path\": \"title\", \"value\": \"Countess\"}")
      let group = try await tenant.makeGroup("G", members: [id])
      let log = try await tenant.directory.audit(target: id)
      #expect(log.map(\.action) == [.patch, .create])
      #expect(log[0].before == "{\"title\":\"Ms\"}")
      #expect(log[0].after == "{\"title\":\"Countess\"}")
      #expect(log[0].actor.request == answer.headers["x-request-id"])
      #expect(try await tenant.directory.tokens().map(\.id) == [log[0].actor.who])
      #expect(log[0].at == tenant.clock.now)
      let all = try await tenant.directory.audit(limit: 1000)
      #expect(!all.contains { ($0.before ?? "").contains("secret-1") || ($0.after ?? "").contains("secret-1") })
      #expect(try await tenant.directory.audit(target: group).first?.after?.contains(id) == true)
      // A refused write leaves no entry.
      _ = await tenant.patch(
        "/Users/\(id)", "{\"op\": \"replace\", \"path\": \"userName\", \"value\": \"x@y.example\"}")
      #expect(try await tenant.directory.audit(limit: 1000).count == all.count)
    }
  }
}
