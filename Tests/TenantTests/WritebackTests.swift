// SPDX-License-Identifier: Apache-2.0

import Foundation
import PasswordWriteback
import SCIM
import Testing
import TestSupport
import Wire

@testable import Tenant

/// The tenant's half of password writeback, with Connect played by the test.
@Suite struct WritebackTests {
  private let key = ConnectorPrivateKey()

  private func secret(_ text: String) -> SecretBytes { SecretBytes(Array(text.utf8)) }

  private func with(_ body: (TestTenant, WritebackUser, String) async throws -> Void) async throws {
    try await TestTenant.with { tenant in
      try await tenant.makeUser("anna", ", \"externalId\": \"anchor-anna\", \"active\": true")
      try await tenant.directory.enableWriteback(try key.publicKey, by: TestTenant.actor)
      let token = try await tenant.directory.createToken(
        name: "writeback", scopes: [.writeback], lifetime: 86_400, by: TestTenant.actor)
      let user = try await tenant.directory.writebackUser(named: "anna@contoso.example")
      try await body(tenant, user, token.text)
    }
  }

  private func next(_ tenant: TestTenant, _ token: String) async throws -> WritebackEnvelope? {
    let answer = await tenant.send("POST", "/tenant/writeback/next", #"{"wait": 0}"#, token: token)
    guard answer.status == 200 else {
      try #require(answer.status == 204, "\(answer.text)")
      return nil
    }
    return try JSONDecoder().decode(WritebackMessage.self, from: Data(answer.text.utf8)).envelope()
  }

  private func tell(_ tenant: TestTenant, _ token: String, _ id: String, _ outcome: WritebackOutcome) async throws
    -> Int
  {
    let body = String(decoding: try JSONEncoder().encode(outcome), as: UTF8.self)
    return await tenant.send("POST", "/tenant/writeback/requests/\(id)", body, token: token).status
  }

  private func signsIn(_ tenant: TestTenant, _ password: String) async throws -> Bool {
    try await PasswordVerifier(directory: tenant.directory).verify(name: "anna@contoso.example", password: password)
      != nil
  }

  @Test func takesANewPasswordOnlyAfterTheDirectory() async throws {
    try await with { tenant, user, token in
      let desk = WritebackDesk(directory: tenant.directory)
      #expect(try await next(tenant, token) == nil)
      async let waiting = desk.carryOut(
        .change, of: user, old: secret("Old-Password-1"), new: secret("New-Password-1"), by: TestTenant.actor)
      var envelope: WritebackEnvelope?
      try await eventually {
        envelope = try await next(tenant, token)
        return envelope != nil
      }
      let request = try #require(envelope)
      #expect(request.header.tenant == "contoso.example" && request.header.anchor == "anchor-anna")
      let opened = try request.open(with: key)
      #expect(opened.old?.withBytes { String(decoding: $0, as: UTF8.self) } == "Old-Password-1")
      #expect(opened.new?.withBytes { String(decoding: $0, as: UTF8.self) } == "New-Password-1")
      #expect(try await !signsIn(tenant, "New-Password-1"))
      #expect(try await tell(tenant, token, request.header.identifier, .init(.done, version: 4)) == 204)
      #expect(try await waiting == WritebackOutcome(.done))
      #expect(try await signsIn(tenant, "New-Password-1"))
      // What is told later changes nothing.
      #expect(try await tell(tenant, token, request.header.identifier, .init(.refused, .tooShort)) == 204)
      #expect(try await tenant.directory.writebackOutcome(request.header.identifier) == WritebackOutcome(.done))
      #expect(try await next(tenant, token) == nil)
    }
  }

  /// A Connect that is started again does not lose requests to the poll that it left behind.
  @Test func onlyTheLatestPollIsServed() async throws {
    try await with { tenant, user, token in
      let directory = tenant.directory
      let left = try await directory.noteWritebackPoll()
      tenant.clock.advance(seconds: 1)
      let latest = try await directory.noteWritebackPoll()
      async let waiting = WritebackDesk(directory: directory).carryOut(
        .reset, of: user, new: secret("New-Password-1"), by: TestTenant.actor)
      try await eventually { try await directory.writebackStatus().waiting > 0 }
      #expect(try await directory.nextWriteback(left) == nil)
      let request = try #require(try await directory.nextWriteback(latest))
      #expect(try await tell(tenant, token, request.header.identifier, .init(.done)) == 204)
      #expect(try await waiting == WritebackOutcome(.done))
    }
  }

  /// What Connect was given and does not name among what it has in hand was lost on its way.
  @Test func whatWasLostComesAgainAtOnce() async throws {
    try await with { tenant, user, token in
      func poll(_ held: String) async throws -> String? {
        let answer = await tenant.send(
          "POST", "/tenant/writeback/next", #"{"wait": 0, "held": [\#(held)]}"#, token: token)
        guard answer.status == 200 else {
          try #require(answer.status == 204, "\(answer.text)")
          return nil
        }
        return try answer.json["id"]?.string
      }
      func ask(_ user: WritebackUser) async throws -> String {
        tenant.clock.advance(seconds: 1)
        let made = try await tenant.directory.requestWriteback(
          .unlock, of: user, WritebackSecrets(), verifier: nil, by: TestTenant.actor)
        return try made.get()
      }
      try await tenant.makeUser("berta", ", \"externalId\": \"anchor-berta\", \"active\": true")
      let first = try await ask(user)
      #expect(try await poll("") == first)
      #expect(try await poll("\"\(first)\"") == nil, "it is in hand")
      #expect(try await poll("") == first, "it was lost")
      let second = try await ask(tenant.directory.writebackUser(named: "berta@contoso.example"))
      #expect(try await poll("\"\(first)\"") == second)
      #expect(try await poll("\"\(first)\", \"\(second)\"") == nil)
      #expect(try await tell(tenant, token, first, .init(.done)) == 204)
      #expect(try await poll("\"\(second)\"") == nil)
      #expect(try await poll("") == second)
      let many = repeatElement("\"x\"", count: 1001).joined(separator: ",")
      let answer = await tenant.send(
        "POST", "/tenant/writeback/next", #"{"wait": 0, "held": [\#(many)]}"#, token: token)
      #expect(answer.status == 400)
    }
  }

  /// A poll whose peer is gone takes nothing with it.
  @Test func aDeadConnectionIsGivenNothing() async throws {
    try await with { tenant, user, _ in
      let desk = WritebackDesk(directory: tenant.directory)
      let made = try await tenant.directory.requestWriteback(
        .unlock, of: user, WritebackSecrets(), verifier: nil, by: TestTenant.actor)
      #expect(try await desk.next(waiting: 5, isPeerThere: { false }) == nil)
      tenant.clock.advance(seconds: 1)
      #expect(try await desk.next(waiting: 0)?.header.identifier == made.get())
    }
  }

  @Test func aRefusalChangesNothing() async throws {
    try await with { tenant, user, token in
      async let waiting = WritebackDesk(directory: tenant.directory).carryOut(
        .reset, of: user, new: secret("New-Password-1"), by: TestTenant.actor)
      var envelope: WritebackEnvelope?
      try await eventually {
        envelope = try await next(tenant, token)
        return envelope != nil
      }
      let id = try #require(envelope).header.identifier
      #expect(try await tell(tenant, token, id, .init(.refused, .tooShort, number: 12)) == 204)
      let outcome = try await waiting
      #expect(outcome == WritebackOutcome(.refused, .tooShort, number: 12))
      #expect(outcome.sentence.contains("12 characters"))
      #expect(try await !signsIn(tenant, "New-Password-1"))
    }
  }

  /// What was unknown may turn out well, also when nobody waits any more.
  @Test func whatIsUnknownMayBeFoundOut() async throws {
    try await with { tenant, user, token in
      let made = try await tenant.directory.requestWriteback(
        .unlock, of: user, WritebackSecrets(), verifier: nil, by: TestTenant.actor)
      let id = try made.get()
      #expect(try await next(tenant, token) != nil)
      #expect(try await next(tenant, token) == nil, "it was handed out")
      tenant.clock.advance(seconds: 11)
      #expect(try await next(tenant, token)?.header.identifier == id, "an answer may have been lost")
      tenant.clock.advance(seconds: 200)
      #expect(try await tenant.directory.writebackOutcome(id) == WritebackOutcome(.unknown))
      #expect(try await next(tenant, token) == nil, "it is over")
      #expect(try await tell(tenant, token, id, .init(.unknown)) == 204)
      #expect(try await tell(tenant, token, id, .init(.done)) == 204)
      #expect(try await tenant.directory.writebackOutcome(id) == WritebackOutcome(.done))
      #expect(try await tell(tenant, token, "00", .init(.done)) == 404)
    }
  }

  @Test func nobodyWhoFetchesMeansNothingWasDone() async throws {
    try await with { tenant, user, _ in
      let made = try await tenant.directory.requestWriteback(
        .reset, of: user, WritebackSecrets(new: secret("New-Password-1")), verifier: nil, by: TestTenant.actor)
      let second = try await tenant.directory.requestWriteback(
        .reset, of: user, WritebackSecrets(new: secret("New-Password-2")), verifier: nil, by: TestTenant.actor)
      #expect(throws: WritebackRefusal.self) { try second.get() }
      tenant.clock.advance(seconds: 121)
      #expect(try await tenant.directory.writebackOutcome(made.get()) == WritebackOutcome(.failed, .unreachable))
      try await tenant.directory.disableWriteback(by: TestTenant.actor)
      let third = try await tenant.directory.requestWriteback(
        .unlock, of: user, WritebackSecrets(), verifier: nil, by: TestTenant.actor)
      #expect(throws: WritebackRefusal.self) { try third.get() }
    }
  }

  @Test func onlyItsOwnScopeFetches() async throws {
    try await with { tenant, _, token in
      let other = try await tenant.directory.createToken(
        name: "other", scopes: [.write, .credentials], lifetime: 86_400, by: TestTenant.actor)
      for (method, path) in [("POST", "/tenant/writeback/next"), ("POST", "/tenant/writeback/requests/00")] {
        #expect(await tenant.send(method, path, "{}", token: other.text).status == 403)
      }
      #expect(await tenant.send("GET", "/Users", token: token).status == 403)
      #expect(await tenant.send("POST", "/tenant/writeback/requests/00", "[]", token: token).status == 400)
    }
  }

  @Test func aLinkHoldsOnceAndForAnHour() async throws {
    try await with { tenant, user, _ in
      func secretOf(_ path: String) -> String { String(path.split(separator: "=")[1]) }
      let first = secretOf(try await tenant.directory.makePasswordLink(for: user, by: TestTenant.actor).path)
      let second = secretOf(try await tenant.directory.makePasswordLink(for: user, by: TestTenant.actor).path)
      #expect(try await tenant.directory.passwordLink(first) == nil, "the latest link holds")
      #expect(try await tenant.directory.claimPasswordLink(second) == user)
      #expect(try await tenant.directory.claimPasswordLink(second) == nil)
      try await tenant.directory.releasePasswordLink(second)
      #expect(try await tenant.directory.passwordLink(second) == user)
      tenant.clock.advance(seconds: 3601)
      #expect(try await tenant.directory.passwordLink(second) == nil)
    }
  }
}
