// SPDX-License-Identifier: Apache-2.0

import Foundation
import SCIM
import Store
import Testing

@testable import Tenant
import Wire

/// The pipeline: who may do what how often, and what hostile requests meet.
@Suite struct ServiceTests {
  @Test func onlyGenuineTokensPass() async throws {
    try await TestTenant.with { tenant in
      let lifetime = 3600.0
      let token = try await tenant.directory.createToken(
        name: "t", scopes: [.read], lifetime: lifetime, by: TestTenant.actor)
      #expect(await tenant.send("GET", "/Users", token: token.text).status == 200)
      #expect(await tenant.send("GET", "/Users", headers: ["authorization": "bearer   \(token.text)"]).status == 200)
      var bodies: Set<String> = []
      let last = token.text.last == "0" ? "1" : "0"
      for header in [
        "", "Bearer", "Bearer ", "Basic \(token.text)", "Bearer x", "Bearer bht__", "Bearer bht_00_00",
        "Bearer \(token.text.dropLast())\(last)", "Bearer \(token.text)00", "Bearer \(token.text) x",
        "Bearer bht_0000000000000000_" + token.text.suffix(64),
      ] {
        let answer = await tenant.send("GET", "/nonsense", [], ["authorization": header])
        #expect(answer.status == 401, "\(header)")
        #expect(answer.headers["www-authenticate"] == "Bearer realm=\"bridgehead\"")
        bodies.insert(answer.text)
      }
      bodies.insert(await tenant.send("GET", "/Users", [], [:]).text)
      tenant.clock.advance(seconds: lifetime)
      bodies.insert(await tenant.send("GET", "/Users", token: token.text).text)
      let revoked = try await tenant.directory.createToken(
        name: "r", scopes: [.read], lifetime: lifetime, by: TestTenant.actor)
      try await tenant.directory.revokeToken(revoked.record.id, by: TestTenant.actor)
      bodies.insert(await tenant.send("GET", "/Users", token: revoked.text).text)
      #expect(bodies.count == 1, "Refusals must not differ: \(bodies)")
      await #expect(throws: TenantError.self) {
        try await tenant.directory.revokeToken("none", by: TestTenant.actor)
      }
    }
  }

  @Test func secretsAreNotStored() async throws {
    try await TestTenant.with { tenant in
      let secret = try #require(tenant.token.split(separator: "_").last.map(String.init))
      let stored = try await tenant.directory.store.read { transaction in
        try transaction.query("SELECT hex(hash) FROM token", []) { row in try row[0] as String }
      }
      #expect(stored.count == 1)
      #expect(stored.allSatisfy { $0.count == 64 && $0.lowercased() != secret })
    }
  }

  @Test func scopesLimitWhatATokenMay() async throws {
    try await TestTenant.with { tenant in
      let id = try await tenant.makeUser("ada")
      let read = try await tenant.directory.createToken(
        name: "r", scopes: [.read], lifetime: 600, by: TestTenant.actor
      ).text
      let write = try await tenant.directory.createToken(
        name: "w", scopes: [.write], lifetime: 600, by: TestTenant.actor
      ).text
      for (method, path) in [
        ("POST", "/Users"), ("PUT", "/Users/\(id)"), ("PATCH", "/Users/\(id)"), ("DELETE", "/Users/\(id)"),
        ("POST", "/Bulk"),
      ] {
        #expect(await tenant.send(method, path, "{}", token: read).status == 403, "\(method) \(path)")
      }
      for path in ["/Users", "/Users/\(id)", "/tenant/domains", "/Schemas"] {
        #expect(await tenant.send("GET", path, token: read).status == 200)
        #expect(await tenant.send("GET", path, token: write).status == 200)
      }
      let search = "{\"schemas\": [\"urn:ietf:params:scim:api:messages:2.0:SearchRequest\"]}"
      #expect(await tenant.send("POST", "/Users/.search", search, token: read).status == 200)
      #expect(await tenant.send("DELETE", "/Users/\(id)", token: write).status == 204)
    }
  }

  @Test func tooManyRequestsAreToldWhenToComeBack() async throws {
    var limits = TenantLimits()
    limits.requestsPerSecond = 0.5
    limits.requestBurst = 3
    try await TestTenant.with(limits: limits) { tenant in
      for _ in 0..<3 { #expect(await tenant.send("GET", "/Users").status == 200) }
      let refused = await tenant.send("GET", "/Users")
      #expect(refused.status == 429)
      #expect(refused.headers["retry-after"] == "2")
      let other = try await tenant.directory.createToken(
        name: "o", scopes: [.read], lifetime: 600, by: TestTenant.actor)
      #expect(await tenant.send("GET", "/Users", token: other.text).status == 200)
      tenant.clock.advance(seconds: -1000)
      #expect(await tenant.send("GET", "/Users").status == 429)
      tenant.clock.advance(seconds: 2)
      #expect(await tenant.send("GET", "/Users").status == 200)
      #expect(await tenant.send("GET", "/Users").status == 429)
    }
  }

  /// Every bad token costs a look into the directory; a good one from the same place costs nothing.
  @Test func badTokensAreLimitedBySource() async throws {
    try await TestTenant.with { tenant in
      func ask(_ token: String, from source: String) async -> TestTenant.Answer {
        await tenant.send("GET", "/Users", [], ["authorization": "Bearer \(token)"], source: source)
      }
      let burst = Int(TenantService.strangerBurst)
      for number in 1..<burst {
        #expect(await ask(number % 2 == 0 ? "none" : tenant.token + "0", from: "192.0.2.1").status == 401)
        #expect(await ask(tenant.token, from: "192.0.2.1").status == 200)
      }
      #expect(await ask("none", from: "192.0.2.1").status == 401)
      let refused = await ask("none", from: "192.0.2.1")
      #expect(refused.status == 429 && refused.headers["retry-after"] == "1")
      // Others are not concerned.
      #expect(await ask("none", from: "192.0.2.2").status == 401)
      #expect(await ask(tenant.token, from: "2001:db8::1").status == 200)
      tenant.clock.advance(seconds: 1)
      #expect(await ask("none", from: "192.0.2.1").status == 401)
    }
  }

  @Test func discoveryTellsWhatThereIs() async throws {
    try await TestTenant.with { tenant in
      let schemas = await tenant.send("GET", "/Schemas")
      #expect(try schemas.total == 10)
      for schema in try schemas.resources {
        let id = try #require(schema["id"]?.string)
        let single = try await tenant.send("GET", "/Schemas/\(id)").json
        #expect(single == schema)
      }
      #expect(try await tenant.send("GET", "/ResourceTypes").total == 4)
      #expect(try await tenant.send("GET", "/ResourceTypes/Group").json["endpoint"] == "/Groups")
      let config = try await tenant.send("GET", "/ServiceProviderConfig").json
      #expect(config["bulk"]?.object?["maxOperations"] == .integer(Int64(TenantLimits().bulkOperations)))
      for path in [
        "/Schemas", "/Schemas/\(SCIMURI.user)", "/ResourceTypes", "/ResourceTypes/User", "/ServiceProviderConfig",
      ] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
          let answer = await tenant.send(method, path, "{}")
          #expect(answer.status == 405)
          #expect(answer.headers["allow"] == "GET")
        }
      }
      for path in ["/Schemas/none", "/ResourceTypes/none", "/none", "/", "/Users/a/b", "/Users/"] {
        #expect(await tenant.send("GET", path).status == (path == "/Users/" ? 200 : 404), "\(path)")
      }
      #expect(await tenant.send("PUT", "/Users", "{}").status == 405)
      for method in ["GET", "PATCH"] { #expect(await tenant.send(method, "/Me", "{}").status == 501) }
    }
  }

  @Test func hostileBodiesAreRefused() async throws {
    var limits = TestTenant.unlimited
    limits.bodyBytes = 100_000
    try await TestTenant.with(limits: limits) { tenant in
      let user = "\"schemas\": [\"urn:ietf:params:scim:schemas:core:2.0:User\"], \"userName\": \"a@contoso.example\""
      let cases: [(String, Int)] = [
        ("", 400), ("{", 400), ("[]", 400), ("null", 400), ("{}", 400), ("{\(user)} x", 400),
        (String(repeating: "[", count: 50_000), 400),
        (
          "{\(user), \"name\": " + String(repeating: "{\"a\":", count: 5000) + "1" + String(repeating: "}", count: 5000)
            + "}", 400
        ),
        ("{\(user), \"active\": 1e999999}", 400), ("{\(user), \"title\": 99999999999999999999999999}", 400),
        ("{\(user), \"emails\": \"x\"}", 400), ("{\(user), \"userName\": \"twice\"}", 400),
        ("{\"schemas\": [\"urn:x\"], \"userName\": \"a\"}", 400), ("{\"schemas\": [], \"userName\": \"a\"}", 400),
        (String(repeating: " ", count: 100_001), 413),
      ]
      for (body, status) in cases {
        let answer = await tenant.send("POST", "/Users", body)
        #expect(answer.status == status, "\(body.prefix(80)): \(answer.text)")
        let error = try answer.json
        #expect(error["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"])
        #expect(error["status"] == .string("\(status)"))
      }
      let bytes: [UInt8] = Array("{\(user), \"title\": \"".utf8) + [0xff, 0xc0, 0x80] + Array("\"}".utf8)
      let headers = ["authorization": "Bearer \(tenant.token)"]
      #expect(await tenant.send("POST", "/Users", bytes, headers).status == 400)
      let typed = headers.merging(["content-type": "text/plain"]) { $1 }
      #expect(await tenant.send("POST", "/Users", bytes, typed).status == 415)
      let long = headers.merging(["content-length": "99999999"]) { $1 }
      #expect(await tenant.send("POST", "/Users", [], long).status == 413)
      #expect(try await tenant.send("GET", "/Users").total == 0)
      // NUL and what is not in the BMP are texts like any other.
      let odd = await tenant.send("POST", "/Users", "{\(user), \"title\": \"a\\u0000\\ud83d\\udd11\"}")
      #expect(try odd.json["title"] == "a\u{0}\u{1F511}")
      #expect(try await tenant.send("GET", "/Users/\(odd.id)").json["title"] == "a\u{0}\u{1F511}")
    }
  }

  @Test func hostileTargetsAreRefused() async throws {
    try await TestTenant.with { tenant in
      let nested = String(repeating: "(", count: 2000) + "userName pr" + String(repeating: ")", count: 2000)
      let wide = Array(repeating: "title pr", count: 1000).joined(separator: " or ")
      let nots = String(repeating: "not (", count: 500) + "title pr" + String(repeating: ")", count: 500)
      let cases: [(String, Int)] = [
        ("/Users?filter=" + SearchTests.query(nested), 400), ("/Users?filter=" + SearchTests.query(wide), 400),
        ("/Users?filter=" + SearchTests.query(nots), 400), ("/Users?filter=userName+eq", 400),
        ("/Users?filter=unknown+pr", 400), ("/Users?filter=%ff%fe", 400), ("/Users?filter=%zz", 400),
        ("/Users?filter=a&filter=b", 400), ("/Users?count=x", 400), ("/Users?count=1e3", 400),
        ("/Users?count=99999999999999999999", 400), ("/Users?sortBy=unknown", 400), ("/Users?sortOrder=up", 400),
        ("/Users?attributes=a&excludedAttributes=b", 400), ("Users", 400), ("", 400), ("*", 400),
        ("/Users/../Users", 404), ("/Users/%2e%2e%2fetc%2fpasswd", 404), ("/Users/..%00", 404), ("//", 404),
        ("/Users/%C0%AE%C0%AE", 400), ("/Users/' OR 1=1 --", 404),
        ("/Users/" + String(repeating: "a", count: 20_000), 404),
        ("/Users?" + String(repeating: "a", count: 30_000), 414), ("/Users?" + String(repeating: "a&", count: 40), 400),
      ]
      for (target, status) in cases {
        let answer = await tenant.send("GET", target)
        #expect(answer.status == status, "\(target.prefix(80)): \(answer.text)")
        #expect(answer.text.utf8.count < 2000)
      }
      for method in ["TRACE", "CONNECT", "OPTIONS", "HEAD", "x", ""] {
        #expect(await tenant.send(method, "/Users").status == 405)
      }
    }
  }

  @Test func bulkResolvesReferencesAndStopsWhenTold() async throws {
    try await TestTenant.with { tenant in
      func bulk(_ operations: String, _ more: String = "") async -> TestTenant.Answer {
        await tenant.send(
          "POST", "/Bulk",
          "{\"schemas\": [\"urn:ietf:params:scim:api:messages:2.0:BulkRequest\"] \(more), \"Operations\": [\(operations)]}"
        )
      }
      func user(_ name: String, _ bulkId: String) -> String {
        """
        {"method": "POST", "path": "/Users", "bulkId": "\(bulkId)", "data":
          {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "\(name)@contoso.example"}}
        """
      }
      let group = """
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data":
          {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "G",
           "members": [{"value": "bulkId:a"}, {"value": "bulkId:b"}]}}
        """
      // The group comes before its members, and one operation fails without harm to the others.
      let answer = await bulk([group, user("a", "a"), user("a", "twice"), user("b", "b")].joined(separator: ","))
      #expect(answer.status == 200, "\(answer.text)")
      let results = try BulkResponse(JSONValue.parse(answer.text)).results
      #expect(results.map(\.status) == [201, 201, 409, 201])
      #expect(results.map(\.bulkId) == ["g", "a", "twice", "b"])
      let members = try await tenant.members(try #require(results[0].resourceID))
      #expect(Set(members) == Set([results[1].resourceID, results[3].resourceID].compactMap(\.self)))

      let id = try #require(results[1].resourceID)
      let rest = await bulk(
        """
        {"method": "PATCH", "path": "/Users/\(id)", "version": "W/\\"9\\"", "data": {"schemas":
          ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "add", "path": "title", "value": "x"}]}},
        {"method": "DELETE", "path": "/Users/\(id)"}, \(user("c", "c"))
        """, ", \"failOnErrors\": 1")
      #expect(try BulkResponse(JSONValue.parse(rest.text)).results.map(\.status) == [412])
      #expect(await tenant.send("GET", "/Users/\(id)").status == 200)
      let gone = await bulk(
        "{\"method\": \"DELETE\", \"path\": \"/Users/\(id)\"}, {\"method\": \"DELETE\", \"path\": \"/X/1\"}")
      #expect(try BulkResponse(JSONValue.parse(gone.text)).results.map(\.status) == [204, 404])

      let many = Array(repeating: "{\"method\": \"DELETE\", \"path\": \"/Users/1\"}", count: 1001)
      #expect(await bulk(many.joined(separator: ",")).status == 413)
      #expect(await bulk("").status == 400)
    }
  }
}
