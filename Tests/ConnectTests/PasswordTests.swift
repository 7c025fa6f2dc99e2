// SPDX-License-Identifier: Apache-2.0

import Foundation
import IdentityModel
import Logging
import RPC
import Store
import Synchronization
import Testing
import TestSupport
import Wire

@testable import Connect

/// Password hash synchronisation over scripted controllers; replication itself is tested against a real one.
@Suite struct PasswordTests {
  static let hash = [UInt8](repeating: 0xab, count: 16)

  func pass(
    _ site: Site, _ source: ScriptedPasswords, _ targets: [MemoryPasswords]
  ) -> PasswordPass {
    PasswordPass(
      sources: [source], targets: targets, store: site.store, ledger: FlowLedger(),
      logger: .silent, now: { site.clock.withLock { $0 } },
      random: { (0..<$0).map { _ in UInt8.random(in: .min ... .max) } })
  }

  /// A site with users in the target, each with a password; and one that is not synchronised.
  func populated(
    _ names: [String] = ["anna", "bert", "carl", "dora", "emil"],
    _ body: (Site, ScriptedPasswords, [Anchor]) async throws -> Void
  ) async throws {
    try await Site.with { site in
      let users = names.map { site.directory.user($0, in: site.people) }
      try await site.sync()
      let source = ScriptedPasswords()
      for (index, user) in users.enumerated() {
        source.setPassword(user, [UInt8](repeating: UInt8(index + 1), count: 16))
      }
      source.setPassword(Anchor([UInt8](repeating: 0xee, count: 16)), Self.hash)
      try await body(site, source, users)
    }
  }

  @Test func sendsWhatTheTargetLacks() async throws {
    try await populated { site, source, users in
      let target = MemoryPasswords()
      let report = try await pass(site, source, [target]).run()
      #expect(report.sent == 5 && report.read == 6 && report.errors.isEmpty)
      let kept = target.kept.withLock { $0 }
      #expect(kept.count == 5 && Set(kept.values.map(\.value)).count == 5)
      #expect(kept.values.allSatisfy { $0.value.hasPrefix("v1;PPH1_MD4,") && $0.version.number == 1 && !$0.mustChange })
      #expect(target.requests.withLock { $0 } == 2 + 1)
      // Nothing changed, nothing is sent or fetched.
      let again = try await pass(site, source, [target]).run()
      #expect(again == PasswordReport() && source.state.withLock { $0.fetched } == 0)
    }
  }

  /// What a pass looks at are those who came or left, however many there are.
  @Test func anIdlePassCostsTheSameForFewAndForMany() async throws {
    func cost(of count: Int) async throws -> [Int] {
      var result: [Int] = []
      try await populated((0..<count).map { "u\($0)" }) { site, source, users in
        let target = MemoryPasswords()
        func steps() async throws -> Int {
          let before = site.work.steps
          _ = try await pass(site, source, [target]).run()
          return site.work.steps - before
        }
        for _ in 0..<2 { _ = try await steps() }
        result.append(try await steps())
        let late = site.directory.user("late", in: site.people)
        source.setPassword(late, Self.hash)
        _ = try await steps()
        try await site.sync()
        result.append(try await steps())
        #expect(target.kept.withLock { $0.count } == count + 1)
        site.directory.delete(users[0])
        try await site.sync()
        result.append(try await steps())
        #expect(target.forgotten.withLock { $0.count } == 1)
        #expect(try await site.count("SELECT COUNT(*) FROM password_look") == 0)
      }
      return result
    }
    let (few, many) = (try await cost(of: 8), try await cost(of: 80))
    #expect(few.count == 3 && few[0] > 0)
    #expect(few == many)
  }

  /// What no note told of is met by the look at all users, once a day and when other forests are read.
  @Test func allUsersAreLookedAtOnceADay() async throws {
    try await populated { site, source, _ in
      let target = MemoryPasswords()
      _ = try await pass(site, source, [target]).run()
      _ = try await site.store.write {
        try $0.run("DELETE FROM credential WHERE entry = (SELECT MIN(entry) FROM credential)")
      }
      #expect(try await pass(site, source, [target]).run() == PasswordReport())
      site.advance(PasswordLooks.scanInterval + 1)
      _ = try await pass(site, source, [target]).run()
      #expect(try await site.count("SELECT COUNT(*) FROM credential") == 5)
    }
  }

  /// The vector of facts about the derivation: NT hash of "password", whatever the salt.
  @Test func derivesAsDocumented() async throws {
    try await Site.with { site in
      let user = site.directory.user("anna", in: site.people)
      try await site.sync()
      let source = ScriptedPasswords()
      source.setPassword(user, try #require(Hex.decode("8846f7eaee8fb117ad06bdd830b7586c")))
      let target = MemoryPasswords()
      let fixed = PasswordPass(
        sources: [source], targets: [target], store: site.store, ledger: FlowLedger(),
        logger: .silent, now: { site.clock.withLock { $0 } },
        random: { count in (0..<count).map { UInt8($0) } })
      _ = try await fixed.run()
      #expect(
        target.kept.withLock { $0.values.first?.value }
          == "v1;PPH1_MD4,00010203040506070809,1000,52baa8631e9b338e4800896113f174acbbfe422b2b8dd47e01a455a7fb8fb83c;")
    }
  }

  @Test func sendsNewPasswords() async throws {
    try await populated { site, source, users in
      let target = MemoryPasswords()
      _ = try await pass(site, source, [target]).run()
      source.setPassword(users[2], Self.hash)
      let report = try await pass(site, source, [target]).run()
      #expect(report.sent == 1 && report.read == 1)
      #expect(target.kept.withLock { $0.values.filter { $0.version.number == 2 }.count } == 1)
    }
  }

  /// A change of `pwdLastSet` alone brings no password: the account is fetched whole.
  @Test func carriesThatAPasswordMustBeChanged() async throws {
    try await populated { site, source, users in
      let target = MemoryPasswords()
      _ = try await pass(site, source, [target]).run()
      source.expire(users[1])
      let report = try await pass(site, source, [target]).run()
      #expect(report.sent == 1 && source.state.withLock { $0.fetched } == 1)
      #expect(target.kept.withLock { $0.values.filter(\.mustChange).count } == 1)
    }
  }

  @Test func fetchesUsersThatAreNewAtTheTarget() async throws {
    try await populated { site, source, _ in
      let target = MemoryPasswords()
      _ = try await pass(site, source, [target]).run()
      // The password was read, and passed over, before the user was synchronised.
      let late = site.directory.user("late", in: site.people)
      source.setPassword(late, Self.hash)
      _ = try await pass(site, source, [target]).run()
      #expect(target.kept.withLock { $0.count } == 5)
      try await site.sync()
      let report = try await pass(site, source, [target]).run()
      #expect(report.read == 0 && report.sent == 1 && target.kept.withLock { $0.count } == 6)
      // One without a password is asked about once.
      let empty = site.directory.user("empty", in: site.people)
      _ = empty
      try await site.sync()
      let fetched = source.state.withLock { $0.fetched }
      for _ in 0..<3 { _ = try await pass(site, source, [target]).run() }
      #expect(source.state.withLock { $0.fetched } == fetched + 1)
      #expect(try await site.count("SELECT COUNT(*) FROM credential WHERE state = 'none'") == 1)
    }
  }

  @Test func aTargetThatIsDownGetsThemLater() async throws {
    try await populated { site, source, _ in
      let (target, down) = (MemoryPasswords("tenant"), MemoryPasswords("second"))
      _ = try await site.store.write { transaction in
        try transaction.run(
          "INSERT INTO remote SELECT 'second', mv, remote_id, etag, baseline, seen, adoption FROM remote")
      }
      down.isDown.withLock { $0 = true }
      let report = try await pass(site, source, [target, down]).run()
      #expect(report.sent == 5 && report.due >= 5 && !report.errors.isEmpty)
      #expect(target.kept.withLock { $0.count } == 5)
      let held = try await PasswordStatus.read(site.store).held
      #expect(held.count == 5 && held.allSatisfy { $0.state == "due" && $0.reason == "connect.targetUnreachable" })
      down.isDown.withLock { $0 = false }
      // Not before its time.
      #expect(try await pass(site, source, [target, down]).run().sent == 0)
      site.advance(PasswordPass.retryAfter + 1)
      #expect(try await pass(site, source, [target, down]).run().sent == 5)
      #expect(down.kept.withLock { $0.count } == 5)
      #expect(try await PasswordStatus.read(site.store).held.isEmpty)
    }
  }

  @Test func refusalsAreKeptAndTold() async throws {
    try await populated { site, source, users in
      let target = MemoryPasswords()
      let anchor = Data(users[0].bytes).base64EncodedString()
      target.refusals.withLock { $0[anchor] = "invalid" }
      #expect(try await pass(site, source, [target]).run().refused == 1)
      let held = try await PasswordStatus.read(site.store).held
      #expect(held.map(\.reason) == ["invalid"] && held.first?.distinguishedName.hasPrefix("CN=anna") == true)
      // It is not sent again and again, but its next password is.
      #expect(try await pass(site, source, [target]).run() == PasswordReport())
      target.refusals.withLock { $0 = [:] }
      source.setPassword(users[0], Self.hash)
      #expect(try await pass(site, source, [target]).run().sent == 1)
      #expect(try await PasswordStatus.read(site.store).held.isEmpty)
    }
  }

  // MARK: Controllers

  @Test func aBrokenReadingGoesOn() async throws {
    try await populated { site, source, _ in
      let target = MemoryPasswords()
      source.state.withLock { $0.breaksAfter = 2 }
      await #expect(throws: RPCError.self) { _ = try await pass(site, source, [target]).run() }
      #expect(target.kept.withLock { $0.count } >= 3)
      source.state.withLock { $0.breaksAfter = nil }
      let report = try await pass(site, source, [target]).run()
      #expect(report.read <= 3 && report.errors.isEmpty && target.kept.withLock { $0.count } == 5)
    }
  }

  /// Another controller is asked from its beginning, with what is known; a version that the target has is not sent again.
  @Test func anotherControllerIsToldWhatIsKnown() async throws {
    try await populated { site, source, users in
      let target = MemoryPasswords()
      _ = try await pass(site, source, [target]).run()
      let requests = target.requests.withLock { $0 }
      source.state.withLock { ($0.server, $0.invocation) = ("dc2.corp.example", GUID(words: 2, 2)) }
      let report = try await pass(site, source, [target]).run()
      let asked = try #require(source.state.withLock { $0.positions.dropLast(2).last })
      #expect(asked.usn == .zero && asked.known?.cursors.isEmpty == false)
      #expect(report.unchanged == 5 && report.sent == 0 && target.requests.withLock { $0 } == requests)
    }
  }

  /// The same name, another database.
  @Test func aRestoredControllerIsReadAnew() async throws {
    try await populated { site, source, users in
      let target = MemoryPasswords()
      _ = try await pass(site, source, [target]).run()
      source.state.withLock { $0.invocation = GUID(words: 3, 3) }
      source.setPassword(users[0], Self.hash)
      let report = try await pass(site, source, [target]).run()
      #expect(report.sent == 1 && report.unchanged == 4)
      let status = try await PasswordStatus.read(site.store)
      #expect(status.counts.map(\.users) == [5] && status.domains.count == 1)
    }
  }

  /// A database that was put back without saying so.
  @Test func aControllerThatWentBackIsReadFromTheBeginning() async throws {
    try await populated { site, source, users in
      let target = MemoryPasswords()
      _ = try await pass(site, source, [target]).run()
      source.state.withLock { $0.usn -= 2 }
      source.setPassword(users[4], Self.hash)
      let report = try await pass(site, source, [target]).run()
      #expect(source.state.withLock { $0.positions.contains { $0 == .beginning } })
      #expect(report.sent == 1)
    }
  }
}
