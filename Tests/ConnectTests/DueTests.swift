// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import IdentityModel
import SynchronisationRules
import Synchronization
import Testing
import Wire

@testable import Connect

/// What changes by the time alone: the very entries are looked at when their moment comes, and no others.
@Suite struct DueTests {
  private static let day = 86_400.0

  private func ticks(_ seconds: Double) -> String { String(FileTime(unixSeconds: Int64(seconds)).ticks) }

  /// Users leave 90 days after they expired, and come a day after they were made.
  private func timed(_ site: Site) throws -> ConnectConfiguration {
    var configuration = site.configuration()
    configuration.rules = try RuleFile.parse(
      """
      extends: standard
      rules:
        - name: User
          precedence: 100
          from: user
          scope:
            - { attribute: sAMAccountName, operator: ISNOTNULL }
            - { attribute: accountExpires, operator: GREATERTHAN, value: now-90d, otherwise: it expired long ago }
            - { attribute: whenCreated, operator: LESSTHAN_OR_EQUAL, value: now-1d, otherwise: it is too new }
          flows: [{ to: userPrincipalName, direct: userPrincipalName }]
      """, file: "rules.yaml")
    return configuration
  }

  private func user(_ name: String, in site: Site, expires: Double? = nil, made: String = "20200101000000.0Z") -> Anchor
  {
    site.directory.user(
      name, in: site.people,
      ["accountexpires": [expires.map(ticks) ?? "0"], "whencreated": [made]])
  }

  @Test func aScopeThatNamesATimeFiresOnTheVeryEntries() async throws {
    try await Site.with { site in
      let now = site.clock.withLock { $0.timeIntervalSince1970 }
      for number in 0..<10 { _ = user("always\(number)", in: site) }
      _ = user("first", in: site, expires: now - 89 * Self.day)
      _ = user("second", in: site, expires: now - 88 * Self.day)
      let configuration = try timed(site)
      try await site.sync(configuration)
      #expect(site.target.objects.count == 12)
      #expect(try await site.count("SELECT COUNT(*) FROM due") == 2)

      site.advance(Self.day - 1)
      #expect(try await site.sync(configuration).synchronised == 0)
      site.advance(1)
      var report = try await site.sync(configuration)
      #expect(report.synchronised == 1 && report.exported(.user).deleted == 1)
      #expect(site.target["first@corp.example"] == nil && site.target.objects.count == 11)
      // A service that imports nothing finds it as well.
      site.advance(Self.day)
      report = try await site.service(configuration).poll()
      #expect(report.synchronised == 1 && report.exported(.user).deleted == 1)
      #expect(site.target.objects.count == 10)
      #expect(try await site.count("SELECT COUNT(*) FROM due") == 0)
    }
  }

  @Test func whoIsLeftOutComesWhenTheTimeComes() async throws {
    try await Site.with { site in
      let configuration = try timed(site)
      // The present is 2027-01-15 08:00:00 UTC.
      let ann = user("ann", in: site, made: "20270115070000.0Z")
      _ = site.directory.group("g", in: site.people, members: [ann])
      try await site.sync(configuration)
      #expect(site.target["ann@corp.example"] == nil && site.target.members("g") == [])
      let view = try #require(try await site.finder(configuration).show("ann", in: site.store).first?.entries.first)
      #expect(view.excluded == "it is too new")
      let due = Int64(1_800_000_000 - 3_600 + 86_400)
      #expect(view.dueAt == due)
      site.advance(Self.day - 3_600)
      let report = try await site.service(configuration).poll()
      // The user, and the reference to it.
      #expect(report.exported(.user).created == 1 && site.target.members("g") == ["ann"])
      #expect(report.synchronised <= 3)
      #expect(try await site.count("SELECT COUNT(*) FROM due") == 0)
    }
  }

  @Test func aTimeThatMovesAwayIsForgotten() async throws {
    try await Site.with { site in
      let configuration = try timed(site)
      let now = site.clock.withLock { $0.timeIntervalSince1970 }
      let ann = user("ann", in: site, expires: now - 89 * Self.day)
      let bob = user("bob", in: site, expires: now - 89 * Self.day)
      let eve = user("eve", in: site, expires: now - 89 * Self.day)
      try await site.sync(configuration)
      #expect(try await site.count("SELECT COUNT(*) FROM due") == 3)
      site.directory.modify(ann, ["accountexpires": ["0"]])
      site.directory.delete(bob)
      site.directory.modify(eve, ["accountexpires": [ticks(now + 10 * Self.day)]])
      try await site.sync(configuration)
      #expect(try await site.count("SELECT COUNT(*) FROM due") == 1)
      site.advance(2 * Self.day)
      #expect(try await site.sync(configuration).synchronised == 0)
      #expect(site.target.objects.count == 2)
      // Eve's account is disabled when it expires, and leaves 90 days later.
      site.advance(8 * Self.day)
      #expect(try await site.sync(configuration).synchronised == 1)
      #expect(site.target["eve@corp.example"]?.attributes.text("accountEnabled") == "false")
      site.advance(90 * Self.day)
      try await site.sync(configuration)
      #expect(site.target["eve@corp.example"] == nil && site.target.objects.count == 1)
    }
  }
}
