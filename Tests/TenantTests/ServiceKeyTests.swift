// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kerberos
import SCIM
import Store
import Testing
import Wire

@testable import Tenant

/// Keys of Seamless SSO from handing over to retiring, and what is made of a ticket. Tickets themselves are in the tests with a
/// KDC.
@Suite struct ServiceKeyTests {
  private static let domain = "S-1-5-21-1004336348-1177238915-682003330"
  private static let secret = String(repeating: "5b", count: 32)

  private func body(
    forest: String = "corp.example", domains: String = "\"\(domain)\"",
    keys: String = "\"aes256-cts-hmac-sha1-96\": \"\(secret)\""
  ) -> String {
    """
    {"forest": "\(forest)", "realm": "CORP.EXAMPLE", "account": "BRIDGEHEADSSO", "version": 2, "domains": [\(domains)],
     "keys": {\(keys)}}
    """
  }

  private func ids(_ tenant: TestTenant) async throws -> [String] {
    let state = try await tenant.send("GET", "/tenant/sso").json
    #expect(state["service"]?.string == "HTTP/autologon.tenant.example")
    #expect(state["tenant"]?.string == "contoso.example")
    return try #require(state["keys"]?.array).compactMap { $0.object?["id"]?.string }
  }

  @Test func aKeyComesGoesOnAndRetires() async throws {
    try await TestTenant.with { tenant in
      #expect(try await ids(tenant) == [])
      let first = await tenant.send("POST", "/tenant/sso/keys", body())
      #expect(first.status == 201 && !first.text.contains(Self.secret))
      #expect(try await tenant.send("PATCH", "/tenant/sso/keys/\(first.id)", #"{"overlap": 36000}"#).status == 204)
      tenant.clock.advance(seconds: 10)
      let second = await tenant.send("POST", "/tenant/sso/keys", body())
      // Both count, the newer one first, until the second takes the first one's place and then for the overlap.
      #expect(try await ids(tenant) == [second.id, first.id])
      #expect(try await tenant.send("PATCH", "/tenant/sso/keys/\(second.id)", #"{"overlap": 36000}"#).status == 204)
      tenant.clock.advance(seconds: 35_999)
      #expect(try await ids(tenant).count == 2)
      tenant.clock.advance(seconds: 2)
      #expect(try await ids(tenant) == [second.id])
      #expect(try await tenant.send("PATCH", "/tenant/sso/keys/\(first.id)", #"{"overlap": 36000}"#).status == 404)
      #expect(try await tenant.directory.purgeSignIns() == 1)
      let keys = try await tenant.directory.serviceKeys(
        of: try #require(try await tenant.directory.serviceKeys().first))
      #expect(keys.map(\.encryptionType) == [.aes256])
      #expect(keys.map { $0.bytes.withBytes { Hex.encode(Array($0)) } } == [Self.secret])
      #expect(try await tenant.send("DELETE", "/tenant/sso/forests/CORP.example").json["ended"]?.integer == 1)
      #expect(try await ids(tenant) == [])
    }
  }

  @Test func aForestRetiresByItself() async throws {
    try await TestTenant.with { tenant in
      let mine = await tenant.send("POST", "/tenant/sso/keys", body())
      let other = await tenant.send("POST", "/tenant/sso/keys", body(forest: "other.example"))
      #expect(await tenant.send("PATCH", "/tenant/sso/forests/corp.example", #"{"overlap": 60}"#).status == 204)
      let both = try await ids(tenant)
      #expect(try both == [mine.id, other.id])
      tenant.clock.advance(seconds: 61)
      #expect(try await ids(tenant) == [other.id])
      // One that was never activated is forgotten after a day.
      tenant.clock.advance(days: 1.1)
      #expect(try await tenant.directory.purgeSignIns() == 2)
      #expect(try await ids(tenant) == [])
    }
  }

  @Test func keysThatTicketsMayBeMadeWithAreNotPushedOut() async throws {
    try await TestTenant.with { tenant in
      try #require(TenantDirectory.maximumServiceKeys > 1)
      for _ in 0..<TenantDirectory.maximumServiceKeys {
        #expect(await tenant.send("POST", "/tenant/sso/keys", body()).status == 201)
      }
      #expect(await tenant.send("POST", "/tenant/sso/keys", body()).status == 409)
      #expect(await tenant.send("POST", "/tenant/sso/keys", body(forest: "other.example")).status == 201)
    }
  }

  @Test func refusesWhatIsNoKey() async throws {
    try await TestTenant.with { tenant in
      let wrong = [
        "[]", "{}", body(forest: ""), body(forest: "a b"), body(domains: ""), body(domains: "\"S-1\""),
        body(domains: "7"),
        body(keys: ""), body(keys: "\"arcfour-hmac\": \"00\""), body(keys: "\"aes256-cts-hmac-sha1-96\": \"5b\""),
        body(keys: "\"aes128-cts-hmac-sha1-96\": \"\(Self.secret)\""),
        body(keys: "\"aes256-cts-hmac-sha1-96\": \"\(Self.secret)\", \"arcfour-hmac\": \"\(Self.secret)\""),
      ]
      for text in wrong {
        let answer = await tenant.send("POST", "/tenant/sso/keys", text)
        #expect(answer.status == 400, "\(text)")
        #expect(!answer.text.contains(Self.secret))
      }
      let key = try await tenant.send("POST", "/tenant/sso/keys", body()).id
      for text in ["{}", #"{"overlap": -1}"#, #"{"overlap": 604801}"#, #"{"overlap": "1"}"#] {
        #expect(await tenant.send("PATCH", "/tenant/sso/keys/\(key)", text).status == 400)
      }
      #expect(await tenant.send("DELETE", "/tenant/sso/keys/\(key)").status == 204)
      #expect(await tenant.send("DELETE", "/tenant/sso/keys/\(key)").status == 404)
      #expect(await tenant.send("GET", "/tenant/sso/other").status == 404)
    }
  }

  @Test func aScopeOfItsOwn() {
    #expect(TokenScope.sso.includes(.sso) && TokenScope.administer.includes(.sso))
    for scope in [TokenScope.read, .write, .credentials] {
      #expect(!scope.includes(.sso) && !TokenScope.sso.includes(scope))
    }
  }

  private func user(_ name: String, _ identifier: String, active: Bool = true) -> String {
    """
    {"schemas": ["\(SCIMURI.user)", "\(SCIMURI.onPremisesUser)"], "userName": "\(name)@contoso.example",
     "active": \(active), "\(SCIMURI.onPremisesUser)": {"securityIdentifier": "\(identifier)"}}
    """
  }

  @Test func aPersonIsFoundByTheirIdentifier() async throws {
    try await TestTenant.with { tenant in
      let identifier = try #require(SecurityIdentifier("\(Self.domain)-1105"))
      let made = await tenant.send("POST", "/Users", user("anna", identifier.description))
      #expect(made.status == 201 && made.text.contains(identifier.description))
      #expect(try await tenant.directory.user(identifier)?.id == made.id)
      #expect(try await tenant.directory.user(try #require(SecurityIdentifier("\(Self.domain)-1106"))) == nil)
      // Two of one identifier are nobody.
      let twin = await tenant.send("POST", "/Users", user("berta", "s-1-5-21-1004336348-1177238915-682003330-1105"))
      #expect(try await tenant.directory.user(identifier) == nil)
      #expect(try await tenant.send("DELETE", "/Users/\(twin.id)").status == 204)
      #expect(try await tenant.directory.user(identifier)?.id == made.id)
      #expect(
        try await tenant.send("PUT", "/Users/\(made.id)", user("anna", identifier.description, active: false)).status
          == 200)
      #expect(try await tenant.directory.user(identifier) == nil)
    }
  }

  @Test func aCodeIsForOneBrowserOneUseAndOneMinute() async throws {
    try await TestTenant.with { tenant in
      let identifier = try #require(SecurityIdentifier("\(Self.domain)-1105"))
      _ = await tenant.send("POST", "/Users", user("anna", identifier.description))
      let person = try #require(try await tenant.directory.user(identifier))
      let directory = tenant.directory
      let codes = try await [
        directory.makeTicketCode(person, binding: "mine"), directory.makeTicketCode(person, binding: "mine"),
        directory.makeTicketCode(person, binding: "mine"),
      ]
      #expect(try await directory.redeem(ticketCode: codes[0], binding: "mine")?.id == person.id)
      #expect(try await directory.redeem(ticketCode: codes[0], binding: "mine") == nil)
      #expect(try await directory.redeem(ticketCode: codes[1], binding: "theirs") == nil)
      #expect(try await directory.redeem(ticketCode: codes[1], binding: "mine") == nil, "a wrong attempt spends it")
      tenant.clock.advance(seconds: 61)
      #expect(try await directory.redeem(ticketCode: codes[2], binding: "mine") == nil)
    }
  }

  @Test(arguments: [
    ("https://tenant.example", "autologon.tenant.example"), ("https://Tenant.example:8443", "autologon.tenant.example"),
  ])
  func theTicketHost(origin: String, host: String) {
    #expect(SignInService.ticketHost(of: origin) == host)
    #expect(SignInService.isTicketHost("\(host.uppercased()):8443", origin) && SignInService.isTicketHost(host, origin))
    #expect(!SignInService.isTicketHost("tenant.example", origin) && !SignInService.isTicketHost(nil, origin))
  }
}
