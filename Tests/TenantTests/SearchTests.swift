// SPDX-License-Identifier: Apache-2.0

import Foundation
import SCIM
import Testing

@testable import Tenant

@Suite struct SearchTests {
  static func query(_ filter: String) -> String {
    var allowed = CharacterSet.alphanumerics
    allowed.insert(charactersIn: "-._~")
    return filter.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
  }

  /// Five users u0 to u4 of two departments.
  private func withPeople(_ body: (TestTenant, [String]) async throws -> Void) async throws {
    try await TestTenant.with { tenant in
      var ids: [String] = []
      for index in 0..<5 {
        ids.append(
          try await tenant.makeUser(
            "u\(index)",
            """
            , "externalId": "e\(index)", "displayName": "User \(4 - index)", "active": \(index % 2 == 0),
            "name": {"familyName": "F\(index / 2)"},
            "emails": [{"value": "U\(index)@work.example", "type": "work"},
                       {"value": "u\(index)@home.example", "type": "home"}]
            """))
        tenant.clock.advance(seconds: 60)
      }
      try await body(tenant, ids)
    }
  }

  @Test(arguments: [
    ("userName eq \"U1@CONTOSO.example\"", [1]),
    ("externalId eq \"e2\"", [2]),
    ("externalId eq \"E2\"", []),
    ("displayName eq \"user 0\"", [4]),
    ("emails[type eq \"work\"].value eq \"u3@WORK.example\"", [3]),
    ("emails[type eq \"home\"].value eq \"u3@work.example\"", []),
    ("emails.value eq \"u3@home.example\" or userName eq \"u0@contoso.example\"", [0, 3]),
    ("emails co \"u4@\"", [4]),
    ("active eq true", [0, 2, 4]),
    ("not (active eq true)", [1, 3]),
    ("userName sw \"U\" and name.familyName eq \"f1\"", [2, 3]),
    ("meta.created gt \"2027-01-15T08:02:30Z\"", [3, 4]),
    ("title pr", []),
    ("urn:ietf:params:scim:schemas:core:2.0:User:userName ew \"contoso.example\"", [0, 1, 2, 3, 4]),
  ])
  func filters(_ filter: String, _ expected: [Int]) async throws {
    try await withPeople { tenant, ids in
      let answer = await tenant.send("GET", "/Users?filter=\(Self.query(filter))")
      #expect(answer.status == 200, "\(answer.text)")
      let found = try answer.resources.compactMap { $0["id"]?.string }
      #expect(found == expected.map { ids[$0] })
      #expect(try answer.total == expected.count)
    }
  }

  @Test func pagesAreCutFromTheWhole() async throws {
    try await withPeople { tenant, ids in
      for filter in ["", "&filter=" + Self.query("userName sw \"u\"")] {
        var seen: [String] = []
        for start in [1, 3, 5] {
          let answer = await tenant.send("GET", "/Users?startIndex=\(start)&count=2\(filter)")
          #expect(try answer.total == 5)
          #expect(try answer.json["startIndex"] == .integer(Int64(start)))
          seen += try answer.resources.compactMap { $0["id"]?.string }
        }
        #expect(seen == ids)
        #expect(try await tenant.send("GET", "/Users?count=0\(filter)").total == 5)
        #expect(try await tenant.send("GET", "/Users?count=-3\(filter)").resources.isEmpty)
        #expect(try await tenant.send("GET", "/Users?startIndex=99\(filter)").resources.isEmpty)
        #expect(try await tenant.send("GET", "/Users?startIndex=-9\(filter)").resources.count == 5)
        #expect(
          try await tenant.send("GET", "/Users?startIndex=9223372036854775807&count=9223372036854775807\(filter)").total
            == 5)
      }
    }
  }

  @Test(arguments: [
    ("userName", false, [0, 1, 2, 3, 4]), ("displayName", false, [4, 3, 2, 1, 0]),
    ("displayName", true, [0, 1, 2, 3, 4]),
    ("name.familyName", true, [4, 2, 3, 0, 1]), ("emails", true, [4, 3, 2, 1, 0]),
    ("meta.created", true, [4, 3, 2, 1, 0]),
    ("active", false, [1, 3, 0, 2, 4]), ("title", false, [0, 1, 2, 3, 4]),
  ])
  func sorts(_ attribute: String, _ isDescending: Bool, _ expected: [Int]) async throws {
    try await withPeople { tenant, ids in
      let order = isDescending ? "descending" : "ascending"
      let answer = await tenant.send("GET", "/Users?sortBy=\(attribute)&sortOrder=\(order)&attributes=userName")
      #expect(answer.status == 200, "\(answer.text)")
      let found = try answer.resources.compactMap { $0["id"]?.string }
      #expect(found == expected.map { ids[$0] })
      let page = await tenant.send("GET", "/Users?sortBy=\(attribute)&sortOrder=\(order)&startIndex=2&count=2")
      #expect(try page.resources.compactMap { $0["id"]?.string } == expected[1...2].map { ids[$0] })
    }
  }

  @Test func searchesByPostAndAtTheRoot() async throws {
    try await withPeople { tenant, ids in
      let group = try await tenant.makeGroup("User 4", members: [ids[1]])
      func search(_ path: String, _ members: String) async -> TestTenant.Answer {
        await tenant.send(
          "POST", path, "{\"schemas\": [\"urn:ietf:params:scim:api:messages:2.0:SearchRequest\"], \(members)}")
      }
      let both = await search("/.search", "\"filter\": \"displayName eq \\\"user 4\\\"\"")
      #expect(both.status == 200)
      #expect(try both.resources.compactMap { $0["id"]?.string } == [ids[0], group])
      #expect(try await search("/.search", "\"filter\": \"userName sw \\\"u\\\"\"").total == 5)
      #expect(try await search("/.search", "\"filter\": \"unknown pr\"").total == 0)
      let sorted = await search("/.search", "\"sortBy\": \"userName\", \"sortOrder\": \"descending\"")
      #expect(try sorted.resources.compactMap { $0["id"]?.string } == [group] + ids.reversed())
      let named = await search("/Users/.search", "\"attributes\": [\"userName\"], \"count\": 1")
      #expect(try named.resources.first?.names.sorted() == ["id", "schemas", "userName"])
      let holding = await search("/Groups/.search", "\"filter\": \"members.value eq \\\"\(ids[1])\\\"\"")
      #expect(try holding.resources.compactMap { $0["id"]?.string } == [group])
      let shown = await search("/Groups/.search", "\"filter\": \"members[type eq \\\"User\\\"]\"")
      #expect(try shown.total == 1)
      let member = await search("/Users/.search", "\"filter\": \"groups.value eq \\\"\(group)\\\"\"")
      #expect(try member.resources.compactMap { $0["id"]?.string } == [ids[1]])
    }
  }

  @Test func answersWithTooManyMembersAreRefused() async throws {
    var limits = TestTenant.unlimited
    limits.membersInAnswer = 3
    try await TestTenant.with(limits: limits) { tenant in
      let users = try await [tenant.makeUser("a"), tenant.makeUser("b")]
      for name in ["g", "h"] { try await tenant.makeGroup(name, members: users) }
      let refused = await tenant.send("GET", "/Groups")
      #expect(refused.status == 400)
      #expect(try refused.scimType == "tooMany")
      #expect(await tenant.send("GET", "/Groups?count=1").status == 200)
      #expect(await tenant.send("GET", "/Groups?excludedAttributes=members").status == 200)
    }
  }

  @Test(arguments: [
    "/Users?filter=", "/Groups?filter=" + SearchTests.query("displayName eq \"none\""), "/Users?sortBy=userName",
  ])
  func nothingFoundIsAnEmptyList(_ target: String) async throws {
    try await TestTenant.with { tenant in
      let answer = await tenant.send("GET", target)
      #expect(answer.status == 200)
      let total = try answer.total
      #expect(total == 0)
      #expect(try answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"])
    }
  }
}
