// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import PasswordWriteback
import Store
import Synchronization
import Testing
import TestSupport
import Wire

@testable import Connect

/// The steps of a request, with a tenant and a controller that follow a script.
@Suite struct WritebackServiceTests {
  private static let guid = GUID(words: 0x1122_3344_5566_7788, 0x99aa_bbcc_ddee_ff00)
  private let key = ConnectorPrivateKey()

  private struct Stage {
    let site: Site
    let script: ScriptedWriteback
    let service: WritebackService
    let key: ConnectorPrivateKey

    func pass(seconds: Double) { site.clock.withLock { $0 += seconds } }
    var now: Double { site.clock.withLock { $0.timeIntervalSince1970 } }

    func message(
      _ operation: WritebackOperation = .change, nonce: UInt8 = 1, lifetime: Double = 100, anchor: String = "anchor",
      tenant: String = "corp.tenant.example"
    ) throws -> WritebackMessage {
      let header = WritebackHeader(
        tenant: tenant, nonce: Array(repeating: nonce, count: 16), operation: operation, anchor: anchor,
        expires: Int64((now + lifetime) * 1000))
      let secrets = WritebackSecrets(
        old: SecretBytes(Array("old".utf8)), new: SecretBytes(Array("New-Password-1".utf8)))
      return WritebackMessage(try WritebackEnvelope(sealing: secrets, header, to: key.publicKey))
    }

    func hand(_ message: WritebackMessage) async throws -> WritebackService.Step {
      script.state.withLock { $0.messages.append(message) }
      return try await service.next(waiting: 0)
    }

    var answers: [WritebackOutcome] { script.state.withLock { $0.answers.map(\.outcome) } }
    var strokes: Int { script.state.withLock { $0.strokes } }
    func events() async throws -> [String] { try await WritebackEvent.latest(100, in: site.store).map(\.event) }
  }

  private func with(perUser: Int = 5, total: Int = 10, _ body: (Stage) async throws -> Void) async throws {
    try await Site.with { site in
      try await site.store.write { transaction in
        try transaction.run("INSERT INTO watermark (id, source, partition) VALUES (7, 'corp.example', 'corp.example')")
        try transaction.run(
          """
          INSERT INTO entry (id, source, partition, anchor, kind, dn, hash, attrs, generation, dirty, mv)
          VALUES (1, 'corp.example', 7, ?, 'user', 'CN=Anna,OU=People,DC=corp,DC=example', x'', x'', 0, 0, 1)
          """, [.blob(Self.guid.bytes)])
        try transaction.run(
          "INSERT INTO mv (id, kind, source_anchor, attrs, anchor_entry) VALUES (1, 'user', 'anchor', x'', 1)")
        try transaction.run("INSERT INTO remote (target, mv, remote_id, baseline) VALUES ('tenant', 1, 'r1', x'')")
      }
      let script = ScriptedWriteback(
        WritebackAccount(
          identifier: Self.guid, distinguishedName: "CN=Anna,OU=People,DC=corp,DC=example", samAccountName: "anna",
          sid: SecurityIdentifier("S-1-5-21-1-2-3-1200"), classes: ["user"], control: 0x200,
          groups: [SecurityIdentifier("S-1-5-21-1-2-3-513")].compactMap { $0 }, password: PasswordState(version: 3)))
      let service = WritebackService(
        settings: WritebackSettings(
          target: "tenant", tenant: "corp.tenant.example", key: key, perUser: perUser, total: total), channel: script,
        directories: [script], store: site.store,
        logger: .silent,
        now: { site.clock.withLock { $0.timeIntervalSince1970 } })
      try await body(Stage(site: site, script: script, service: service, key: key))
    }
  }

  @Test func carriesOutOnceAndTells() async throws {
    try await with { stage async throws in
      #expect(try await stage.service.next(waiting: 0) == .nothing)
      let message = try stage.message()
      #expect(try await stage.hand(message) == .handled(.done))
      #expect(stage.answers == [WritebackOutcome(.done, version: 4)])
      // The same again is answered, and nothing else.
      #expect(try await stage.hand(message) == .handled(.done))
      #expect(stage.strokes == 1 && stage.answers.count == 2)
      #expect(try await stage.events() == ["repeated", "done", "intent"])
      // The same nonce for something else is not even answered alike.
      #expect(try await stage.hand(stage.message(.reset)) == .handled(.forbidden))
      #expect(stage.answers.last == WritebackOutcome(.forbidden, .replayed) && stage.strokes == 1)
      #expect(try await stage.service.settle() == false)
    }
  }

  @Test func refusesWhatItDoesNotTrust() async throws {
    try await with { stage async throws in
      var tampered = try stage.message(nonce: 5)
      tampered.expires += 1000
      var stranger = try stage.message(nonce: 6)
      stranger.fingerprint = "0000"
      let cases: [(WritebackMessage, WritebackOutcome.Reason)] = [
        (try stage.message(nonce: 1, lifetime: -1), .expired), (try stage.message(nonce: 2, lifetime: 3600), .expired),
        (try stage.message(nonce: 3, anchor: "nobody"), .notSynchronised),
        (try stage.message(nonce: 4, tenant: "evil.example"), .undecipherable), (tampered, .undecipherable),
        (stranger, .undecipherable),
      ]
      for (message, reason) in cases {
        #expect(try await stage.hand(message) == .handled(.forbidden))
        #expect(stage.answers.last == WritebackOutcome(.forbidden, reason))
      }
      stage.script.state.withLock { $0.account.adminCount = 1 }
      #expect(try await stage.hand(stage.message(nonce: 7)) == .handled(.forbidden))
      #expect(stage.answers.last?.reason == .protectedAccount)
      var malformed = try stage.message(nonce: 8)
      malformed.id = "zz"
      await #expect(throws: WritebackError.self) { try await stage.hand(malformed) }
      #expect(stage.strokes == 0)
      #expect(try await stage.events() == Array(repeating: "forbidden", count: 8))
    }
  }

  @Test func putsTheControllersNoIntoWords() async throws {
    try await with { stage async throws in
      stage.script.state.withLock {
        $0.account.rules = PasswordRules(minimumLength: 20, isComplex: true, minimumAge: 0)
        $0.behaviour = .rejects(WritebackRejection(.policy(countsHistory: true), "0xc000006c"))
      }
      #expect(try await stage.hand(stage.message()) == .handled(.refused))
      #expect(stage.answers == [WritebackOutcome(.refused, .tooShort, number: 20)])
      #expect(try await stage.service.settle() == false)
    }
  }

  @Test func countsAttempts() async throws {
    try await with(perUser: 2, total: 4) { stage async throws in
      for nonce in UInt8(1)...2 { #expect(try await stage.hand(stage.message(nonce: nonce)) == .handled(.done)) }
      for nonce in UInt8(3)...4 { #expect(try await stage.hand(stage.message(nonce: nonce)) == .handled(.forbidden)) }
      for nonce in UInt8(5)...9 { #expect(try await stage.hand(stage.message(nonce: nonce)) == .flooded) }
      #expect(stage.strokes == 2)
      stage.pass(seconds: 3601)
      #expect(try await stage.hand(stage.message(nonce: 10)) == .handled(.done))
    }
  }

  /// A break in mid-call: the version tells, on the same controller and after a while; nothing is sent again.
  @Test(arguments: [true, false]) func findsOutAfterABreak(done: Bool) async throws {
    try await with { stage async throws in
      stage.script.state.withLock { $0.behaviour = .breaks(done: done) }
      #expect(try await stage.hand(stage.message()) == .handled(.unknown))
      #expect(stage.answers == [WritebackOutcome(.unknown)])
      stage.script.state.withLock { $0.isReachable = false }
      #expect(try await stage.service.settle(), "nobody can be asked")
      stage.script.state.withLock { $0.isReachable = true }
      if done {
        #expect(try await stage.service.settle() == false)
        #expect(stage.answers.last == WritebackOutcome(.done, version: 4))
      } else {
        #expect(try await stage.service.settle(), "the call may still be at work")
        // Another controller may not know of it yet.
        stage.script.state.withLock { $0.server = "dc2.corp.example" }
        stage.pass(seconds: 6)
        #expect(try await stage.service.settle())
        stage.script.state.withLock { $0.server = "dc1.corp.example" }
        #expect(try await stage.service.settle() == false)
        #expect(stage.answers.last == WritebackOutcome(.failed, .interrupted))
      }
      #expect(stage.strokes == 1)
      #expect(try await stage.events().first == "resolved")
    }
  }

  @Test func aControllerThatIsDownChangesNothing() async throws {
    try await with { stage async throws in
      stage.script.state.withLock { $0.isReachable = false }
      #expect(try await stage.hand(stage.message()) == .handled(.failed))
      #expect(stage.answers == [WritebackOutcome(.failed, .unreachable)] && stage.strokes == 0)
    }
  }
}
