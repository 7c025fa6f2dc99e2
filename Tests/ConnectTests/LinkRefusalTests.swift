// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Testing

@testable import Connect

/// References that a target does not take hold up no others.
@Suite struct LinkRefusalTests {
  /// Somebody deleted a member in the cloud, whom a group there gets in the same pass in which it loses another one.
  @Test func aMemberThatIsGoneAtTheTargetComesBackAndHoldsUpNoRemoval() async throws {
    try await Site.with { site in
      let (ann, bob) = (site.directory.user("ann", in: site.people), site.directory.user("bob", in: site.people))
      let group = site.directory.group("g", in: site.people, members: [bob])
      try await site.sync()
      let id = try #require(site.target.id("ann@corp.example"))
      site.target.tamper { $0[id] = nil }
      site.directory.link(group, "member", add: [ann], remove: [bob])
      let report = try await site.sync()
      #expect(site.target.members("g") == ["ann"])
      #expect(report.pending == 0 && report.quarantined == 0 && report.errors == [])
      #expect(report.exported(.group).linksAdded == 1 && report.exported(.group).linksRemoved == 1)
      #expect(report.exported(.user).created == 1)
    }
  }

  @Test func oneMemberThatIsRefusedIsHeldAlone() async throws {
    try await Site.with { site in
      let users = (0..<40).map { site.directory.user("u\($0)", in: site.people) }
      let group = site.directory.group("g", in: site.people, members: Array(users[..<20]))
      try await site.sync()
      let requests = site.target.requests
      site.target.refuseMembers(["u27", "u33"])
      site.directory.link(group, "member", add: Array(users[20...]), remove: Array(users[..<5]))
      let report = try await site.sync()
      let names = (5..<40).filter { $0 != 27 && $0 != 33 }.map { "u\($0)" }.sorted()
      #expect(site.target.members("g") == names)
      #expect(report.pending == 2 && report.requests == site.target.requests - requests && report.requests < 30)
      #expect(try await site.reasons() == ["referenceRefused"])
      #expect(
        try await site.details() == [
          "The target does not take the reference to u27@corp.example, u33@corp.example: not as a member"
        ])
      // Both make one attempt, and what goes on at the group meanwhile ends it for neither.
      let before = site.target.requests
      try await site.sync()
      #expect(site.target.requests == before)
      site.directory.link(group, "member", remove: [users[6]])
      site.directory.modify(group, ["displayname": ["g"]])
      try await site.sync()
      #expect(site.target.members("g").count == names.count - 1)
      #expect(try await site.count("SELECT attempts FROM quarantine") == 1)
      site.target.refuseMembers(["u33"])
      site.advance(61)
      #expect(try await site.sync().pending == 1)
      #expect(site.target.members("g").contains("u27"))
      // What is not wanted any more is not told.
      site.directory.link(group, "member", remove: [users[33]])
      let last = try await site.sync()
      #expect(last.pending == 0 && last.quarantined == 0)
    }
  }

  /// A target that takes nothing of a group is not asked for each member.
  @Test func aGroupThatIsRefusedAsAWholeTakesFewRequests() async throws {
    try await Site.with { site in
      let users = (0..<60).map { site.directory.user("u\($0)", in: site.people) }
      let group = site.directory.group("g", in: site.people)
      try await site.sync()
      site.target.refuseMembers(Set((0..<60).map { "u\($0)" }))
      site.directory.link(group, "member", add: users)
      let report = try await site.sync()
      #expect(report.pending == 60 && report.quarantined == 1)
      #expect(report.requests <= 1 + LinkDivision.maximumRefusals)
      #expect(try await site.details().first?.contains("and 55 others") == true)
      site.target.refuseMembers([])
      site.advance(61)
      #expect(try await site.sync().pending == 0)
      #expect(site.target.members("g").count == 60)
    }
  }

  @Test func aGroupThatIsGoneAtTheTargetIsMadeAgain() async throws {
    try await Site.with { site in
      let users = (0..<30).map { site.directory.user("u\($0)", in: site.people) }
      let group = site.directory.group("g", in: site.people, members: Array(users[..<15]))
      try await site.sync()
      let id = try #require(site.target.id("g"))
      site.target.tamper { $0[id] = nil }
      site.directory.link(group, "member", add: Array(users[15...]), remove: Array(users[..<5]))
      let report = try await site.sync()
      #expect(site.target.members("g") == (5..<30).map { "u\($0)" }.sorted())
      #expect(report.pending == 0 && report.quarantined == 0 && report.requests < 10)
    }
  }
}
