// SPDX-License-Identifier: Apache-2.0

import SCIM
import Testing

@testable import Tenant

/// Contacts and devices: resource types of Bridgehead's own, with everything that users and groups have.
@Suite struct ContactTests {
  private static func contact(_ name: String, _ more: String = "") -> String {
    """
    {"schemas": ["\(SCIMURI.contact)"], "displayName": "\(name)", "externalId": "x-\(name)",
     "emails": [{"value": "\(name)@partner.example", "type": "work", "primary": true}] \(more)}
    """
  }

  private static func device(_ name: String, _ system: String) -> String {
    """
    {"schemas": ["\(SCIMURI.device)"], "displayName": "\(name)", "operatingSystem": "\(system)", "active": true,
     "x509Certificates": [{"value": "AQID"}]}
    """
  }

  @Test func theServiceNamesThem() async throws {
    try await TestTenant.with { tenant in
      let types = try await tenant.send("GET", "/ResourceTypes").resources
      #expect(types.compactMap { $0["name"]?.string } == ["User", "Group", "Contact", "Device"])
      #expect(types.compactMap { $0["endpoint"]?.string } == ["/Users", "/Groups", "/Contacts", "/Devices"])
      for type in types {
        let uri = try #require(type["schema"]?.string)
        #expect(try await tenant.send("GET", "/Schemas/\(uri)").id == uri)
        let name = try #require(type["name"]?.string)
        #expect(try await tenant.send("GET", "/ResourceTypes/\(name)").json["schema"] == .string(uri))
      }
    }
  }

  @Test func aContactLivesAsAUserDoes() async throws {
    try await TestTenant.with { tenant in
      let made = await tenant.send("POST", "/Contacts", Self.contact("anna", ", \"userName\": \"anna@corp.example\""))
      #expect(made.status == 201, "\(made.text)")
      let id = try made.id
      #expect(made.headers["location"] == "https://tenant.example/Contacts/\(id)")
      // What the schema does not have is not kept: a contact signs in nowhere.
      #expect(try made.json["userName"] == nil)
      #expect(try made.json["meta"]?.object?["resourceType"] == "Contact")
      #expect(await tenant.send("POST", "/Contacts", Self.contact("anna")).scimTypeOrEmpty == "uniqueness")

      let stale = await tenant.send(
        "PUT", "/Contacts/\(id)", Self.contact("anna", ", \"title\": \"Keeper\""), headers: ["if-match": "W/\"9\""])
      #expect(stale.status == 412)
      let replaced = await tenant.send(
        "PUT", "/Contacts/\(id)", Self.contact("anna", ", \"title\": \"Keeper\""), headers: ["if-match": "W/\"1\""])
      #expect(replaced.headers["etag"] == "W/\"2\"")
      let patched = await tenant.patch(
        "/Contacts/\(id)",
        """
        {"op": "replace", "path": "name.givenName", "value": "Anna"},
        {"op": "replace", "path": "\(SCIMURI.contact):hiddenFromAddressLists", "value": true},
        {"op": "remove", "path": "title"}
        """)
      #expect(patched.status == 200, "\(patched.text)")
      #expect(try patched.json["name"] == ["givenName": "Anna"])
      #expect(try patched.json["hiddenFromAddressLists"] == true)
      #expect(try patched.json["title"] == nil)

      #expect(await tenant.send("DELETE", "/Contacts/\(id)").status == 204)
      #expect(await tenant.send("GET", "/Contacts/\(id)").status == 404)
      let deleted = try await tenant.send("GET", "/tenant/deleted/Contacts").json["resources"]?.array ?? []
      #expect(deleted.map { $0.object?["name"] } == ["anna"])
      #expect(await tenant.send("POST", "/tenant/deleted/Contacts/\(id)").status == 204)
      #expect(await tenant.send("GET", "/Contacts/\(id)").status == 200)
      let log = try await tenant.directory.audit(target: id)
      #expect(log.map(\.action) == [.restore, .delete, .patch, .replace, .create])
      #expect(Set(log.map(\.kind)) == ["Contact"])
      // Neither of the other endpoints knows it.
      for endpoint in ["Users", "Groups", "Devices"] {
        #expect(await tenant.send("GET", "/\(endpoint)/\(id)").status == 404)
      }
    }
  }

  @Test func theyAreFoundSortedAndPaged() async throws {
    try await TestTenant.with { tenant in
      for name in ["cora", "anna", "ben"] {
        #expect(await tenant.send("POST", "/Contacts", Self.contact(name)).status == 201)
      }
      for (name, system) in [("pc2", "Windows 11"), ("pc1", "Debian")] {
        #expect(await tenant.send("POST", "/Devices", Self.device(name, system)).status == 201)
      }
      _ = try await tenant.makeUser("anna")
      func names(_ target: String) async throws -> [String] {
        try await tenant.send("GET", target).resources.compactMap {
          $0["displayName"]?.string ?? $0["userName"]?.string
        }
      }
      func filtered(_ endpoint: String, _ filter: String) async throws -> [String] {
        try await names("/\(endpoint)?filter=\(SearchTests.query(filter))")
      }
      #expect(try await names("/Contacts?sortBy=displayName") == ["anna", "ben", "cora"])
      #expect(try await names("/Contacts?sortBy=displayName&sortOrder=descending&startIndex=2&count=1") == ["ben"])
      #expect(try await filtered("Contacts", "emails.value eq \"BEN@partner.example\"") == ["ben"])
      #expect(try await filtered("Contacts", "externalId eq \"x-cora\"") == ["cora"])
      #expect(try await filtered("Contacts", "displayName sw \"a\" or emails co \"cora\"") == ["cora", "anna"])
      #expect(try await filtered("Devices", "operatingSystem sw \"win\" and active eq true") == ["pc2"])
      #expect(await tenant.send("GET", "/Devices?filter=\(SearchTests.query("userName pr"))").status == 400)
      // A search at the root is over all of them.
      let root = await tenant.send(
        "POST", "/.search",
        """
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "displayName eq \\"anna\\""}
        """)
      #expect(try root.resources.compactMap { $0["meta"]?.object?["resourceType"]?.string } == ["Contact"])
    }
  }

  @Test func theyAreMembersOfGroupsAndHaveManagers() async throws {
    try await TestTenant.with { tenant in
      let boss = try await tenant.makeUser("boss", ", \"displayName\": \"The Boss\"")
      let contact = try await tenant.send(
        "POST", "/Contacts", Self.contact("anna", ", \"manager\": {\"value\": \"\(boss)\"}")
      ).id
      let device = try await tenant.send("POST", "/Devices", Self.device("pc", "Debian")).id
      let group = try await tenant.makeGroup("Partners", members: [boss, contact, device])
      let members = try await tenant.send("GET", "/Groups/\(group)").json["members"]?.array ?? []
      #expect(members.compactMap { $0.object?["type"]?.string } == ["User", "Contact", "Device"])
      #expect(
        members.compactMap { $0.object?["$ref"]?.string }
          == [("Users", boss), ("Contacts", contact), ("Devices", device)].map { "https://tenant.example/\($0)/\($1)" })
      let manager = try await tenant.send("GET", "/Contacts/\(contact)").json["manager"]?.object
      #expect(manager?["$ref"] == .string("https://tenant.example/Users/\(boss)"))
      let named = try await tenant.send("GET", "/Contacts/\(contact)?attributes=manager.displayName").json["manager"]
      #expect(named == ["displayName": "The Boss"])
      let removed = await tenant.patch(
        "/Groups/\(group)", "{\"op\": \"remove\", \"path\": \"members[type eq \\\"Contact\\\"]\"}")
      #expect(removed.status == 204)
      #expect(try await tenant.members(group) == [boss, device])
      #expect(await tenant.send("DELETE", "/Devices/\(device)").status == 204)
      #expect(try await tenant.members(group) == [boss])
    }
  }

  @Test func bulkRequestsCarryThem() async throws {
    try await TestTenant.with { tenant in
      let answer = await tenant.send(
        "POST", "/Bulk",
        """
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
          {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"schemas": ["\(SCIMURI.group)"],
           "displayName": "Partners", "members": [{"value": "bulkId:c", "type": "Contact"}]}},
          {"method": "POST", "path": "/Contacts", "bulkId": "c", "data": \(Self.contact("anna"))},
          {"method": "POST", "path": "/Devices", "bulkId": "d", "data": {"schemas": ["\(SCIMURI.device)"]}}]}
        """)
      let results = try answer.json["Operations"]?.array ?? []
      #expect(results.compactMap { $0.object?["status"]?.string } == ["201", "201", "400"])
      let group = try #require(results[0].object?["location"]?.string?.split(separator: "/").last)
      #expect(try await tenant.members(String(group)).count == 1)
      #expect(try await tenant.send("GET", "/Devices").total == 0)
    }
  }
}

extension TestTenant.Answer {
  fileprivate var scimTypeOrEmpty: String { (try? scimType) ?? "" }
}
