// SPDX-License-Identifier: Apache-2.0

import Foundation
import PasswordHash
import Store
import Testing
import TestSupport
import WebIdentity
import Wire

@testable import Tenant

/// What ends by itself, under a clock that moves when it is told to.
@Suite struct LifetimeTests {
  private struct Scene {
    let tenant: TestTenant
    let application: Application
    let session: Session
    let secret: String

    var directory: TenantDirectory { tenant.directory }

    func grant(_ scopes: String...) -> TokenGrant {
      TokenGrant(
        application: application, session: session, scopes: scopes, nonce: nil, at: tenant.clock.now,
        random: SystemRandom.bytes)
    }

    func code(_ scopes: String...) async throws -> String {
      let grant = TokenGrant(
        application: application, session: session, scopes: scopes, nonce: nil, at: tenant.clock.now,
        random: SystemRandom.bytes)
      return try await directory.makeCode(
        grant, redirect: try RedirectURI("https://app.example/"), proofKey: nil)
    }

    func redeem(_ code: String) async throws -> (grant: TokenGrant, refresh: String?)? {
      accepted(
        try await directory.redeem(
          code: code, redirect: "https://app.example/", verifier: nil, by: application, actor: TestTenant.actor))
    }

    func refresh(_ token: String) async throws -> (grant: TokenGrant, refresh: String?)? {
      accepted(
        try await directory.redeem(refreshToken: token, scopes: nil, by: application, actor: TestTenant.actor))
    }

    private func accepted(_ redemption: Redemption) -> (grant: TokenGrant, refresh: String?)? {
      guard case .accepted(let grant, let refresh) = redemption else { return nil }
      return (grant, refresh)
    }
  }

  private func with(_ body: (Scene) async throws -> Void) async throws {
    try await TestTenant.with { tenant in
      let id = try await tenant.makeUser("ada", ", \"externalId\": \"a\", \"active\": true")
      let hash = try #require(NTHash(ofPassword: "one"))
      let invocation = try #require(GUID([UInt8](repeating: 1, count: 16)))
      let value = try DerivedPassword(hash, salt: Array(0...9))
      let results = try await tenant.directory.store(
        CredentialBatch([
          CredentialChange(
            externalId: "a", value: value,
            version: ReplicatedVersion(
              version: 1, originated: 0, invocation: invocation),
            policy: CredentialPolicy())
        ]), by: TestTenant.actor)
      #expect(results.map(\.status) == [.stored])
      let application = try await tenant.directory.createApplication(
        name: "App", kind: .confidential, redirects: [try RedirectURI("https://app.example/")],
        grants: [.authorizationCode, .refreshToken, .deviceCode], by: TestTenant.actor
      ).application
      let user = try #require(
        try await PasswordVerifier(directory: tenant.directory).verify(name: "ada@contoso.example", password: "one"))
      #expect(user.id == id)
      let opened = try await tenant.directory.openSession(user, source: "192.0.2.1", agent: "test")
      try await body(
        Scene(tenant: tenant, application: application, session: opened.session, secret: opened.secret))
    }
  }

  @Test func aSession() async throws {
    try await with { scene in
      let found = try await scene.directory.session(secret: scene.secret)
      #expect(found?.id == scene.session.id)
      #expect(try await scene.directory.session(secret: scene.secret + "x") == nil)
      #expect(try await scene.directory.session(secret: scene.session.id) == nil)
      scene.tenant.clock.advance(seconds: 8 * 3600 - 1)
      #expect(try await scene.directory.session(secret: scene.secret) != nil)
      scene.tenant.clock.advance(seconds: 1)
      #expect(try await scene.directory.session(secret: scene.secret) == nil)
      #expect(try await scene.directory.sessions().isEmpty)
      #expect(try await scene.directory.purgeSignIns() == 1)
    }
  }

  @Test func aSessionOfAUserWhoMayNotSignInAnyMore() async throws {
    try await with { scene in
      let user = scene.session.userID
      let code = try await scene.code("openid", "offline_access")
      let issued = try #require(try await scene.redeem(code))
      let off = #"{"op":"replace","path":"active","value":false}"#
      #expect(await scene.tenant.patch("/Users/\(user)", off).status == 200)
      #expect(try await scene.directory.session(secret: scene.secret) == nil)
      let refresh = try #require(issued.refresh)
      #expect(try await scene.refresh(refresh) == nil)
      #expect(try await !scene.directory.isLive(grant: issued.grant.id))
      #expect(try await scene.directory.person(id: user, scopes: ["openid"]) == nil)
    }
  }

  @Test func aCode() async throws {
    try await with { scene in
      let codes = [try await scene.code("openid"), try await scene.code("openid")]
      scene.tenant.clock.advance(seconds: 59)
      #expect(try await scene.redeem(codes[0]) != nil)
      scene.tenant.clock.advance(seconds: 1)
      #expect(try await scene.redeem(codes[1]) == nil)
      // What came of the first is known as long as its access token is good, and not for longer.
      #expect(try await scene.directory.purgeSignIns() == 0)
      scene.tenant.clock.advance(seconds: 3600)
      #expect(try await scene.directory.purgeSignIns() == 2)
    }
  }

  @Test func refreshTokens() async throws {
    try await with { scene in
      #expect(try await scene.redeem(try await scene.code("openid"))?.refresh == nil)
      let issued = try #require(try await scene.redeem(try await scene.code("openid", "offline_access")))
      scene.tenant.clock.advance(days: 89)
      let first = try #require(issued.refresh)
      let next = try #require(try await scene.refresh(first)?.refresh)
      scene.tenant.clock.advance(days: 1)
      // The grant ends, however often it was refreshed.
      #expect(try await scene.refresh(next) == nil)
      #expect(try await scene.directory.purgeSignIns() > 0)
      let left = try await scene.directory.store.read { transaction in
        try ["token_grant", "authorization_code", "refresh_token", "session"].reduce(0) {
          try $0 + (transaction.value("SELECT count(*) FROM \($1)", as: Int.self) ?? 0)
        }
      }
      #expect(left == 0)
    }
  }

  @Test func aDevice() async throws {
    try await with { scene in
      func poll(_ device: String) async throws -> String {
        let outcome = try await scene.directory.redeem(
          deviceCode: device, by: scene.application, actor: TestTenant.actor)
        return String("\(outcome)".prefix { $0 != "(" })
      }
      let (device, user) = try await scene.directory.requestDevice(scene.application, scopes: ["openid"])
      #expect(try await poll(device) == "pending")
      scene.tenant.clock.advance(seconds: 4)
      #expect(try await poll(device) == "slowDown")
      scene.tenant.clock.advance(seconds: 5)
      #expect(try await poll(device) == "pending")
      let waiting = try #require(try await scene.directory.device(waitingWith: user))
      #expect(try await scene.directory.decide(waiting, grant: scene.grant("openid"), by: scene.session))
      #expect(try await !scene.directory.decide(waiting, grant: nil, by: scene.session))
      #expect(try await poll(device) == "accepted")
      #expect(try await poll(device) == "refused")
      let late = try await scene.directory.requestDevice(scene.application, scopes: ["openid"])
      scene.tenant.clock.advance(seconds: 15 * 60)
      #expect(try await scene.directory.device(waitingWith: late.user) == nil)
      #expect(try await poll(late.device) == "refused")
    }
  }

  @Test func signingKeys() async throws {
    try await TestTenant.with { tenant in
      let keyring = SigningKeyring(directory: tenant.directory)
      func maintain() async throws -> [String] {
        try await tenant.directory.maintainSigningKeys(by: TestTenant.actor)
        return try await tenant.directory.signingKeys().map(\.id)
      }
      let first = try await maintain()
      #expect(first.count == 1)
      #expect(try await keyring.current().publicKey.keyID == first[0])
      tenant.clock.advance(days: 88.9)
      #expect(try await maintain() == first)
      // The next is published a day before it signs, and the last a day after it has ended.
      tenant.clock.advance(days: 0.2)
      let both = try await maintain()
      #expect(both.count == 2 && both[0] == first[0])
      #expect(try await keyring.current().publicKey.keyID == both[0])
      #expect(try await maintain() == both)
      tenant.clock.advance(days: 1)
      #expect(try await keyring.current().publicKey.keyID == both[1])
      #expect(try await maintain() == both)
      tenant.clock.advance(days: 1)
      #expect(try await maintain() == [both[1]])
      // A key is of no use to somebody with the database alone.
      var environment = tenant.directory.environment
      environment.sealingKey = try TestTenant.newSealingKey()
      let stranger = try await TenantDirectory(store: tenant.directory.store, environment: environment)
      await #expect(throws: TenantError.self) { try await stranger.privateKey(both[1]) }
    }
  }

  @Test func applicationsThatMakeNoSense() async throws {
    try await TestTenant.with { tenant in
      let address = try RedirectURI("https://app.example/")
      for (name, kind, redirects, grants) in [
        ("", .confidential, [], [.clientCredentials]), ("a\nb", .confidential, [], [.clientCredentials]),
        ("x", .publicClient, [], [.clientCredentials]), ("x", .confidential, [], [.authorizationCode]),
        ("x", .confidential, [address], [.clientCredentials]), ("x", .confidential, [], []),
        ("x", .confidential, [], [.refreshToken]),
      ] as [(String, Application.Kind, [RedirectURI], Set<Application.Grant>)] {
        await #expect(throws: TenantError.self) {
          try await tenant.directory.createApplication(
            name: name, kind: kind, redirects: redirects, grants: grants, by: TestTenant.actor)
        }
      }
      #expect(try await tenant.directory.applications().isEmpty)
    }
  }
}
