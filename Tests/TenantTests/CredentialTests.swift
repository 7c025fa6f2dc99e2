// SPDX-License-Identifier: Apache-2.0

import Foundation
import PasswordHash
import SCIM
import Store
import Testing
import TestSupport
import Wire

@testable import Tenant

@Suite struct CredentialTests {
  private static let invocation = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
  private static let other = "7f9619ff-8b86-d011-b42d-00c04fc964ff"

  private func value(_ password: String) throws -> String {
    let hash = try #require(NTHash(ofPassword: password))
    return try DerivedPassword(hash, salt: SystemRandom.bytes(10)).text
  }

  private func entry(
    _ externalId: String, _ value: String?, version: Int = 1, originated: String = "2026-05-01T08:00:00Z",
    invocation: String = invocation, more: String = ""
  ) -> String {
    """
    {"externalId": "\(externalId)", "value": \(value.map { "\"\($0)\"" } ?? "null"), "version": \(version),
     "originated": "\(originated)", "invocationId": "\(invocation)"\(more)}
    """
  }

  private func send(_ tenant: TestTenant, _ entries: String...) async throws -> [JSONObject] {
    let answer = await tenant.send(
      "PATCH", "/scim/v2/tenant/credentials", "{\"credentials\": [\(entries.joined(separator: ","))]}",
      headers: ["content-type": "application/json"])
    try #require(answer.status == 200, "\(answer.text)")
    return try #require(try answer.json["results"]?.array).compactMap(\.object)
  }

  private func status(_ tenant: TestTenant, _ entry: String) async throws -> String? {
    let result = try #require(try await send(tenant, entry).first)
    return result["reason"]?.string ?? result["status"]?.string
  }

  private func verifies(_ tenant: TestTenant, _ name: String, _ password: String) async throws -> Bool {
    try await PasswordVerifier(directory: tenant.directory).verify(name: name, password: password) != nil
  }

  @Test func aPasswordThatWasSentSignsIn() async throws {
    try await TestTenant.with { tenant in
      try await tenant.makeUser("ada", ", \"externalId\": \"anchor-1\", \"active\": true")
      #expect(try await !verifies(tenant, "ada@contoso.example", "Sesame1!"))
      #expect(try await status(tenant, entry("anchor-1", try value("Sesame1!"))) == "stored")
      #expect(try await verifies(tenant, "ADA@Contoso.example", "Sesame1!"))
      #expect(try await !verifies(tenant, "ada@contoso.example", "sesame1!"))
      #expect(try await !verifies(tenant, "ada@contoso.example", ""))
      #expect(try await !verifies(tenant, "ada@contoso.example", String(repeating: "x", count: 100_000)))
      #expect(try await !verifies(tenant, "bob@contoso.example", "Sesame1!"))
    }
  }

  @Test func theNewerVersionStays() async throws {
    try await TestTenant.with { tenant in
      try await tenant.makeUser("ada", ", \"externalId\": \"a\", \"active\": true")
      #expect(try await status(tenant, entry("a", try value("two"), version: 2)) == "stored")
      #expect(try await status(tenant, entry("a", try value("one"), version: 1)) == "older")
      // The same version comes with another salt each time.
      #expect(try await status(tenant, entry("a", try value("two"), version: 2)) == "unchanged")
      // Written on two controllers at once: the later write, then the higher invocation id wins.
      let late = "2026-05-01T08:00:01Z"
      #expect(try await status(tenant, entry("a", try value("late"), version: 2, originated: late)) == "stored")
      #expect(try await status(tenant, entry("a", try value("two"), version: 2)) == "older")
      #expect(
        try await status(
          tenant, entry("a", try value("higher"), version: 2, originated: late, invocation: Self.other)) == "stored")
      #expect(try await status(tenant, entry("a", try value("late"), version: 2, originated: late)) == "older")
      #expect(try await verifies(tenant, "ada@contoso.example", "higher"))
      #expect(try await status(tenant, entry("a", try value("three"), version: 3)) == "stored")
      #expect(try await verifies(tenant, "ada@contoso.example", "three"))
    }
  }

  @Test func aForgottenPasswordStaysForgotten() async throws {
    try await TestTenant.with { tenant in
      try await tenant.makeUser("ada", ", \"externalId\": \"a\", \"active\": true")
      _ = try await send(tenant, entry("a", try value("one"), version: 5))
      #expect(try await status(tenant, entry("a", nil, version: 5)) == "stored")
      #expect(try await !verifies(tenant, "ada@contoso.example", "one"))
      #expect(try await status(tenant, entry("a", try value("old"), version: 4)) == "older")
      #expect(try await status(tenant, entry("a", nil, version: 5)) == "unchanged")
      #expect(try await status(tenant, entry("a", try value("one"), version: 5)) == "stored")
      #expect(try await verifies(tenant, "ada@contoso.example", "one"))
    }
  }

  @Test func thePolicyOfTheSameVersionIsTakenOver() async throws {
    try await TestTenant.with { tenant in
      try await tenant.makeUser("ada", ", \"externalId\": \"a\", \"active\": true")
      let text = try value("one")
      _ = try await send(tenant, entry("a", text))
      let must = ", \"mustChange\": true, \"passwordExpires\": \"2030-01-01T00:00:00.123Z\""
      #expect(try await status(tenant, entry("a", text, more: must)) == "stored")
      #expect(try await status(tenant, entry("a", text, more: must)) == "unchanged")
      let verified = try await PasswordVerifier(directory: tenant.directory)
        .verify(name: "ada@contoso.example", password: "one")
      #expect(verified?.policy.mustChange == true)
      #expect(verified?.mustChange(at: tenant.clock.now) == true)
      let expired = ", \"passwordExpires\": \"2026-06-01T00:00:00Z\""
      #expect(try await status(tenant, entry("a", text, more: expired)) == "stored")
      let late = try await PasswordVerifier(directory: tenant.directory)
        .verify(name: "ada@contoso.example", password: "one")
      #expect(late?.policy.mustChange == false)
      #expect(late?.mustChange(at: tenant.clock.now) == true)
    }
  }

  @Test func eachEntryHasItsOwnResult() async throws {
    try await TestTenant.with { tenant in
      try await tenant.makeUser("ada", ", \"externalId\": \"a\", \"active\": true")
      let good = try value("one")
      let results = try await send(
        tenant, entry("nobody", good), "17", entry("a", "v1;PPH1_MD4,00,1,00;"), entry("a", good, version: -1),
        entry("a", good, originated: "yesterday"), entry("a", good, invocation: "x"),
        entry("a", good, more: ", \"mustChange\": 1"), "{\"externalId\": \"a\"}", entry("a", good))
      #expect(
        results.map { $0["reason"]?.string ?? $0["status"]?.string } == [
          "unknownUser", "invalid", "invalid", "invalid", "invalid", "invalid", "invalid", "invalid", "stored",
        ])
      #expect(results.allSatisfy { $0["status"]?.string == "stored" || $0["detail"]?.string?.isEmpty == false })
      #expect(try await verifies(tenant, "ada@contoso.example", "one"))
    }
  }

  @Test func inactiveAndDeletedUsersDoNotSignIn() async throws {
    try await TestTenant.with { tenant in
      let id = try await tenant.makeUser("ada", ", \"externalId\": \"a\", \"active\": true")
      _ = try await send(tenant, entry("a", try value("one")))
      #expect(await tenant.patch("/Users/\(id)", #"{"op":"replace","path":"active","value":false}"#).status == 200)
      #expect(try await !verifies(tenant, "ada@contoso.example", "one"))
      #expect(await tenant.patch("/Users/\(id)", #"{"op":"replace","path":"active","value":true}"#).status == 200)
      #expect(try await verifies(tenant, "ada@contoso.example", "one"))
      #expect(await tenant.send("DELETE", "/Users/\(id)").status == 204)
      #expect(try await !verifies(tenant, "ada@contoso.example", "one"))
      #expect(try await status(tenant, entry("a", try value("one"), version: 9)) == "unknownUser")
    }
  }

  /// A user in the recycle bin is restored without a password that was to be forgotten.
  @Test func thePasswordOfADeletedUserIsForgotten() async throws {
    try await TestTenant.with { tenant in
      let id = try await tenant.makeUser("ada", ", \"externalId\": \"a\", \"active\": true")
      _ = try await send(tenant, entry("a", try value("one"), version: 3))
      #expect(await tenant.send("DELETE", "/Users/\(id)").status == 204)
      // What the sender does not know of stays.
      #expect(try await status(tenant, entry("a", nil, version: 2)) == "unchanged")
      #expect(try await status(tenant, entry("a", nil, version: 3)) == "stored")
      #expect(try await status(tenant, entry("a", nil, version: 3)) == "unchanged")
      #expect(try await status(tenant, entry("nobody", nil, version: 3)) == "unknownUser")
      _ = try await tenant.directory.restore(.user, id, by: TestTenant.actor)
      #expect(try await !verifies(tenant, "ada@contoso.example", "one"))
      #expect(try await status(tenant, entry("a", try value("one"), version: 3)) == "stored")
      #expect(try await verifies(tenant, "ada@contoso.example", "one"))
    }
  }

  @Test func theScopeIsItsOwn() async throws {
    try await TestTenant.with { tenant in
      for (scopes, credentials, users) in [
        ([TokenScope.credentials], 200, 403), ([.read, .write], 403, 200), ([.administer], 200, 200),
      ] as [(Set<TokenScope>, Int, Int)] {
        let token = try await tenant.directory.createToken(
          name: "t", scopes: scopes, lifetime: 3600, by: TestTenant.actor
        ).text
        let body = "{\"credentials\": []}"
        #expect(await tenant.send("PATCH", "/tenant/credentials", body, token: token).status == credentials)
        #expect(await tenant.send("GET", "/Users", token: token).status == users)
      }
      #expect(await tenant.send("GET", "/tenant/credentials").status == 405)
      #expect(await tenant.send("PATCH", "/tenant/credentials", "{}").status == 400)
      let many = Array(repeating: "0", count: 1001).joined(separator: ",")
      #expect(await tenant.send("PATCH", "/tenant/credentials", "{\"credentials\": [\(many)]}").status == 413)
    }
  }

  /// Neither an answer, the audit log nor the database has the value; another sealing key opens nothing.
  @Test func theValueIsNowhereToBeRead() async throws {
    try await TestTenant.with { tenant in
      let id = try await tenant.makeUser("ada", ", \"externalId\": \"a\", \"active\": true")
      let text = try value("one")
      let hash = String(try #require(text.dropLast().split(separator: ",").last))
      _ = try await send(tenant, entry("a", text))
      var seen = await tenant.send("GET", "/Users/\(id)").text
      seen += try await tenant.directory.audit().map { "\($0.before ?? "")\($0.after ?? "")" }.joined()
      #expect(seen.contains("\"credential\":\"password\""))
      let path = try #require(tenant.directory.store as? SQLiteStore).path
      for suffix in ["", "-wal"] {
        seen += String(decoding: try Data(contentsOf: URL(fileURLWithPath: path + suffix)), as: UTF8.self)
      }
      #expect(!seen.contains(hash) && !seen.contains("PPH1_MD4"))
      #expect(try await verifies(tenant, "ada@contoso.example", "one"))
      var environment = tenant.directory.environment
      environment.sealingKey = try TestTenant.newSealingKey()
      let stranger = try await TenantDirectory(store: tenant.directory.store, environment: environment)
      await #expect(throws: TenantError.self) {
        _ = try await PasswordVerifier(directory: stranger).verify(name: "ada@contoso.example", password: "one")
      }
    }
  }
}
