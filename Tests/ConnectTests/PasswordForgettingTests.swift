// SPDX-License-Identifier: Apache-2.0

import Foundation
import IdentityModel
import LDAP
import Synchronization
import Testing
import Wire

@testable import Connect

/// Passwords that targets have to forget, and when those that they have expire.
@Suite struct PasswordForgettingTests {
  private let tests = PasswordTests()

  private func text(_ anchor: Anchor) -> String { Data(anchor.bytes).base64EncodedString() }

  @Test func aClearedPasswordIsForgotten() async throws {
    try await tests.populated { site, source, users in
      let target = MemoryPasswords()
      _ = try await tests.pass(site, source, [target]).run()
      source.clearPassword(users[3])
      let report = try await tests.pass(site, source, [target]).run()
      #expect(report.forgotten == 1 && report.sent == 0 && report.errors.isEmpty)
      let removal = try #require(target.forgotten.withLock { $0.first })
      #expect(removal.anchor == text(users[3]) && removal.version.number == 2)
      #expect(target.kept.withLock { $0.count } == 4)
      // Once, and the next password is sent as ever.
      #expect(try await tests.pass(site, source, [target]).run() == PasswordReport())
      source.setPassword(users[3], PasswordTests.hash)
      #expect(try await tests.pass(site, source, [target]).run().sent == 1)
      #expect(target.forgotten.withLock { $0.count } == 1 && target.kept.withLock { $0.count } == 5)
    }
  }

  @Test func aTargetThatIsDownForgetsLater() async throws {
    try await tests.populated { site, source, users in
      let target = MemoryPasswords()
      _ = try await tests.pass(site, source, [target]).run()
      source.clearPassword(users[0])
      target.isDown.withLock { $0 = true }
      let report = try await tests.pass(site, source, [target]).run()
      #expect(report.forgotten == 0 && report.due == 1 && report.errors.count == 1)
      target.isDown.withLock { $0 = false }
      #expect(try await tests.pass(site, source, [target]).run().forgotten == 0, "not before its time")
      site.advance(PasswordPass.retryAfter + 1)
      #expect(try await tests.pass(site, source, [target]).run().forgotten == 1)
      #expect(target.kept.withLock { $0[text(users[0])] } == nil)
      site.advance(PasswordPass.retryAfter + 1)
      #expect(try await tests.pass(site, source, [target]).run().forgotten == 0)
    }
  }

  @Test func whoLeavesIsForgotten() async throws {
    try await tests.populated { site, source, users in
      let target = MemoryPasswords()
      _ = try await tests.pass(site, source, [target]).run()
      site.directory.delete(users[1])
      // Nothing is forgotten before the deletion was carried out: the guard may hold it.
      #expect(try await tests.pass(site, source, [target]).run().forgotten == 0)
      try await site.sync()
      target.isDown.withLock { $0 = true }
      #expect(try await tests.pass(site, source, [target]).run().due == 1)
      let status = try await PasswordStatus.read(site.store)
      #expect(status.counts.first { $0.state == "leaving" }?.users == 1)
      #expect(status.held.map(\.reason) == ["connect.targetUnreachable"])
      target.isDown.withLock { $0 = false }
      site.advance(PasswordPass.retryAfter + 1)
      #expect(try await tests.pass(site, source, [target]).run().forgotten == 1)
      #expect(target.forgotten.withLock { $0.map(\.anchor) } == [text(users[1])])
      #expect(try await PasswordStatus.read(site.store).counts.map(\.state) == ["sent"])
      #expect(try await tests.pass(site, source, [target]).run() == PasswordReport())
    }
  }

  /// Out of the scope and back: the password is forgotten and sent again. Back before anybody was told: nothing happens.
  @Test func whoComesBackGetsTheirsAgain() async throws {
    try await tests.populated { site, source, users in
      let target = MemoryPasswords()
      let scope = site.configuration(include: ["OU=People,DC=corp,DC=example"])
      try await site.sync(scope)
      _ = try await tests.pass(site, source, [target]).run()
      site.directory.move(users[2], to: site.other)
      try await site.sync(scope)
      #expect(try await tests.pass(site, source, [target]).run().forgotten == 1)
      site.directory.move(users[2], to: site.people)
      try await site.sync(scope)
      let report = try await tests.pass(site, source, [target]).run()
      #expect(report.sent == 1 && report.forgotten == 0 && target.kept.withLock { $0.count } == 5)

      site.directory.move(users[2], to: site.other)
      try await site.sync(scope)
      site.directory.move(users[2], to: site.people)
      try await site.sync(scope)
      #expect(try await tests.pass(site, source, [target]).run().forgotten == 0)
      #expect(target.kept.withLock { $0[text(users[2])] } != nil)
    }
  }

  // MARK: Expiry

  @Test func expiryIsCarriedOver() async throws {
    try await tests.populated { site, source, users in
      let target = MemoryPasswords()
      source.state.withLock {
        $0.expiries = [users[0]: FileTime(unixSeconds: 1_900_000_000), users[1]: .never]
      }
      _ = try await tests.pass(site, source, [target]).run()
      let kept = target.kept.withLock { $0 }
      #expect(kept[text(users[0])]?.expires?.unixSeconds == 1_900_000_000)
      #expect(kept[text(users[1])]?.expires?.isNever == true)
      #expect(kept[text(users[2])]?.expires == nil)
    }
  }

  /// A shorter or longer life of passwords concerns all of them, though none has changed.
  @Test(arguments: [
    PasswordPolicy(maximumAge: -864_000_000_000),
    PasswordPolicy(maximumAge: -36_288_000_000_000, fineGrained: "another"),
  ]) func aNewPolicyIsCarriedOver(_ policy: PasswordPolicy) async throws {
    try await tests.populated { site, source, users in
      let target = MemoryPasswords()
      _ = try await tests.pass(site, source, [target]).run()
      _ = try await tests.pass(site, source, [target]).run()
      #expect(source.state.withLock { $0.policiesRead } == 1, "one look in a quarter of an hour")
      source.state.withLock { state in
        state.policy = policy
        for user in users { state.expiries[user] = FileTime(unixSeconds: 1_850_000_000) }
      }
      site.advance(PasswordPass.policyInterval + 1)
      #expect(try await tests.pass(site, source, [target]).run().sent == 5)
      #expect(target.kept.withLock { $0.values.allSatisfy { $0.expires?.unixSeconds == 1_850_000_000 } })
      site.advance(PasswordPass.policyInterval + 1)
      #expect(try await tests.pass(site, source, [target]).run() == PasswordReport())
    }
  }

  /// One state of the policies has one fingerprint, in whatever order they are told.
  @Test func finegrainedPoliciesAreToldApart() {
    func policy(_ number: UInt8, age: String = "-1", precedence: String = "1", for people: [String] = ["CN=a", "CN=b"])
      -> SearchEntry
    {
      SearchEntry(
        dn: "CN=\(number)",
        attributes: [
          Attribute("msDS-MaximumPasswordAge", [age]), Attribute("msDS-PasswordSettingsPrecedence", [precedence]),
          Attribute("msDS-PSOAppliesTo", people),
        ])
    }
    let all = [
      [policy(1), policy(2)], [policy(1)], [policy(1, age: "-2"), policy(2)], [policy(1, precedence: "2"), policy(2)],
      [policy(1, for: ["CN=a"]), policy(2)], [policy(1, for: []), policy(2)],
    ].map(FineGrainedPolicy.fingerprint)
    #expect(Set(all).count == all.count && !all.contains(nil))
    #expect(FineGrainedPolicy.fingerprint(of: []) == nil)
    #expect(FineGrainedPolicy.fingerprint(of: [policy(2), policy(1, for: ["CN=b", "CN=a"])]) == all[0])
  }
}
