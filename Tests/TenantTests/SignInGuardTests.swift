// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Tenant
import TestSupport
import WebIdentity
import Wire

@Suite struct SignInGuardTests {
  private let clock = TestClock()
  private let guardian: SignInGuard

  init() throws { guardian = SignInGuard(key: try TestTenant.newSealingKey()) }

  private func fail(_ name: String, from source: String, times: Int) -> [Bool] {
    (0..<times).map { _ in guardian.admit(name, from: source, at: clock.now) }
  }

  @Test func anAccountIsPausedWhicheverSourceAsks() {
    for number in 0..<10 { #expect(guardian.admit("Ada@x.example", from: "192.0.2.\(number)", at: clock.now)) }
    #expect(!guardian.admit("ada@X.example", from: "198.51.100.1", at: clock.now))
    #expect(guardian.admit("bob@x.example", from: "198.51.100.1", at: clock.now))
    clock.advance(seconds: 59)
    #expect(!guardian.admit("ada@x.example", from: "192.0.2.1", at: clock.now))
    clock.advance(seconds: 1)
    #expect(guardian.admit("ada@x.example", from: "192.0.2.1", at: clock.now))
    // The next pause is twice as long.
    clock.advance(seconds: 119)
    #expect(!guardian.admit("ada@x.example", from: "192.0.2.1", at: clock.now))
    clock.advance(seconds: 1)
    #expect(guardian.admit("ada@x.example", from: "192.0.2.1", at: clock.now))
  }

  @Test func pausesHaveAnEnd() {
    for _ in 0..<200 {
      _ = fail("ada", from: "192.0.2.1", times: 20)
      clock.advance(seconds: 3600)
      #expect(guardian.admit("ada", from: "192.0.2.2", at: clock.now))
    }
  }

  @Test func failuresAreForgotten() {
    #expect(fail("ada", from: "192.0.2.1", times: 9).allSatisfy { $0 })
    clock.advance(seconds: 3601)
    #expect(fail("ada", from: "192.0.2.1", times: 10).allSatisfy { $0 })
    #expect(!guardian.admit("ada", from: "192.0.2.1", at: clock.now))
  }

  @Test func aPersonAtAFamiliarAddressIsNotLockedOutByOthers() {
    #expect(guardian.admit("ada", from: "192.0.2.1", at: clock.now))
    guardian.succeed("ada", from: "192.0.2.1")
    for number in 0..<30 { _ = guardian.admit("ada", from: "198.51.100.\(number)", at: clock.now) }
    #expect(!guardian.admit("ada", from: "198.51.100.99", at: clock.now))
    #expect(guardian.admit("ada", from: "192.0.2.1", at: clock.now))
    // Success at home does not give a guesser elsewhere another ten attempts.
    guardian.succeed("ada", from: "192.0.2.1")
    #expect(!guardian.admit("ada", from: "198.51.100.99", at: clock.now))
    // At home one may guess no longer than elsewhere.
    #expect(fail("ada", from: "192.0.2.1", times: 11) == Array(repeating: true, count: 10) + [false])
  }

  @Test func aSprayingSourceIsPaused() {
    for number in 0..<50 { #expect(guardian.admit("user\(number)", from: "192.0.2.1", at: clock.now)) }
    #expect(!guardian.admit("somebody", from: "192.0.2.1", at: clock.now))
    #expect(!guardian.isOpen(source: "192.0.2.1", at: clock.now))
    #expect(guardian.admit("somebody", from: "192.0.2.2", at: clock.now))
    // One account of the sprayer's own does not clean its source.
    guardian.succeed("somebody", from: "192.0.2.1")
    #expect(!guardian.admit("another", from: "192.0.2.1", at: clock.now))
  }

  /// Every attempt counts before its password is looked at.
  @Test func manyAtOnceGainNothing() async {
    let admitted = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<500 { group.addTask { guardian.admit("ada", from: "192.0.2.1", at: clock.now) } }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(admitted == SignInGuard.accountFailures)
  }
}

@Suite struct FullTableTests {
  private let clock = TestClock()

  /// Somebody with very many addresses does not make the limiter forget who is over the limit.
  @Test func aFullLimiterKeepsWhoIsInUse() {
    let limiter = RateLimiter(rate: 0.001, burst: 2)
    func use(_ key: String) -> Int? { limiter.refusal(for: key, at: clock.now) }
    for number in 0..<RateLimiter.maximumBuckets { _ = use("before-\(number)") }
    #expect(use("busy") == nil && use("busy") == nil && use("busy") != nil)
    for number in 0..<RateLimiter.maximumBuckets / 2 { _ = use("after-\(number)") }
    #expect(use("busy") != nil && limiter.pause(of: "busy", at: clock.now) != nil)
    // Those that were used before all others are forgotten.
    #expect(limiter.pause(of: "before-0", at: clock.now) == nil)
  }

  @Test func lookingTakesNothing() {
    let limiter = RateLimiter(rate: 1, burst: 1)
    for _ in 0..<3 { #expect(limiter.pause(of: "a", at: clock.now) == nil) }
    #expect(limiter.refusal(for: "a", at: clock.now) == nil)
    for _ in 0..<3 { #expect(limiter.pause(of: "a", at: clock.now) == 1) }
    clock.advance(seconds: 1)
    #expect(limiter.pause(of: "a", at: clock.now) == nil)
  }

  @Test func aFullGuardKeepsFamiliarPlacesAndPauses() throws {
    let guardian = SignInGuard(key: try TestTenant.newSealingKey())
    for number in 0..<SignInGuard.maximumCounters { guardian.succeed("name-\(number)", from: "198.51.100.1") }
    guardian.succeed("ada", from: "192.0.2.1")
    for _ in 0..<SignInGuard.accountFailures { _ = guardian.admit("ada", from: "203.0.113.1", at: clock.now) }
    #expect(!guardian.admit("ada", from: "203.0.113.2", at: clock.now))
    // The table of familiar places is full, and ada's is the newest of it.
    for number in 0..<SignInGuard.maximumCounters / 2 { guardian.succeed("later-\(number)", from: "198.51.100.1") }
    #expect(guardian.admit("ada", from: "192.0.2.1", at: clock.now))
    #expect(!guardian.admit("ada", from: "203.0.113.2", at: clock.now))
  }
}

@Suite struct SignInPartsTests {
  @Test(
    arguments: [
      (nil, "unknown"), ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"),
      ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
      ("2001:db8::1", "2001:db8:0:0::/64"), ("fe80::1%eth0", "fe80:0:0:0::/64"), ("::1", "0:0:0:0::/64"),
    ] as [(String?, String)])
  func sources(_ address: String?, _ source: String) {
    #expect(ClientSource.of(address) == source)
  }

  @Test func cookies() {
    let cookie = SignInCookie.session
    #expect(cookie.value(in: "a=b; __Host-bridgehead-session=x=y; c=d") == "x=y")
    #expect(cookie.value(in: "__Host-bridgehead-session=x; __Host-bridgehead-session=y") == nil)
    #expect(cookie.value(in: "x__Host-bridgehead-session=x") == nil)
    #expect(cookie.value(in: nil) == nil)
  }

  @Test func formTokens() throws {
    let clock = TestClock()
    let key = try TestTenant.newSealingKey().authenticationKey(for: .formToken)
    let cookie = FormToken.cookie(nil, random: SystemRandom.bytes)
    #expect(FormToken.cookie(cookie, random: SystemRandom.bytes) == cookie)
    #expect(FormToken.cookie("short", random: SystemRandom.bytes) != "short")
    let token = FormToken(key: key, now: clock.now).make(cookie: cookie, place: "/device")
    func isValid(_ token: String?, _ cookie: String?, _ place: String) -> Bool {
      FormToken(key: key, now: clock.now).isValid(token, cookie: cookie, place: place)
    }
    #expect(isValid(token, cookie, "/device"))
    #expect(!isValid(token, cookie, "/signin"))
    #expect(!isValid(token, FormToken.cookie(nil, random: SystemRandom.bytes), "/device"))
    #expect(!isValid(token, nil, "/device") && !isValid(nil, cookie, "/device") && !isValid("", cookie, "/device"))
    let later = token.split(separator: ".").last.map { "9999999999.\($0)" }
    #expect(!isValid(later, cookie, "/device"))
    clock.advance(seconds: 3601)
    #expect(!isValid(token, cookie, "/device"))
  }

  /// An endpoint cannot forget the token: without a genuine one it has no form.
  @Test(arguments: SignInPlace.allCases.filter { $0.kind == .form })
  func formsOfOthersAreEmpty(_ place: SignInPlace) async throws {
    try await TestTenant.with { tenant in
      let service = SignInService(directory: tenant.directory, logger: .silent)
      let origin = "https://tenant.example"
      let token = service.formToken(at: tenant.clock.now)
      let cookie = FormToken.cookie(nil, random: SystemRandom.bytes)
      let genuine = token.make(cookie: cookie, place: place.rawValue)
      let elsewhere = token.make(cookie: cookie, place: SignInPlace.endSession.rawValue)
      func call(_ token: String, _ cookie: String, from site: String = "same-origin") async throws -> SignInCall {
        let body = Array("\(FormToken.field)=\(token)&username=ada&password=secret".utf8)
        let request = TenantRequest(
          method: "POST", target: place.rawValue,
          headers: [
            "content-type": place.mediaType, "cookie": "\(SignInCookie.form.rawValue)=\(cookie)",
            "sec-fetch-site": site,
          ]
        ) { _ in body }
        return try await service.call(
          of: request, to: place, nil, origin: origin, source: "192.0.2.1", at: tenant.clock.now, "test")
      }
      let good = try await call(genuine, cookie)
      #expect(good.isGenuine && good.form["password"] == "secret")
      let other = FormToken.cookie(nil, random: SystemRandom.bytes)
      for (token, cookie) in [(genuine, other), (genuine, ""), (elsewhere, cookie), ("", cookie), ("1.x", cookie)] {
        let call = try await call(token, cookie)
        #expect(!call.isGenuine && call.form == FormParameters() && call.sent["username"] == "ada")
      }
      await #expect(throws: SignInRefusal.self) { _ = try await call(genuine, cookie, from: "cross-site") }
    }
  }

  @Test func userCodes() {
    var codes: Set<String> = []
    for _ in 0..<500 {
      let code = UserCode(random: SystemRandom.bytes)
      #expect(UserCode(typed: code.shown) == code)
      #expect(UserCode(typed: " " + code.shown.lowercased() + " ") == code)
      codes.insert(code.text)
    }
    #expect(codes.count == 500)
    #expect(Set(codes.joined()).count == 20)
    for text in ["", "AEIOUAEI", "BCDFGHJ", "BCDFGHJKL", "BCDF/GHJK"] { #expect(UserCode(typed: text) == nil) }
  }

  @Test func scopes() throws {
    #expect(try RequestedScopes(["openid", "openid", "email"]).scopes == ["openid", "email"])
    #expect(try RequestedScopes(["openid", "api://x/.default"]).resource == "x")
    for scopes in [["all"], ["x/.default", "y/.default"], ["/.default/"]] {
      #expect(throws: (any Error).self) { try RequestedScopes(scopes) }
    }
  }
}
