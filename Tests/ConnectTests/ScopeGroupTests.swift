// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import SynchronisationRules
import Testing
import Wire

@testable import Connect

/// Rules that keep to the members of a group: a name stands for the group that had it when it was first seen.
@Suite struct ScopeGroupTests {
  private static let name = "CN=Pilot,OU=Groups,DC=corp,DC=example"

  /// A forest with a pilot group in a unit of its own, one member and one who is none, synchronised once.
  private static func with(
    byGUID: Bool = false,
    _ body: (Site, ConnectConfiguration, _ pilot: Anchor, _ unit: Anchor, _ ann: Anchor, _ bob: Anchor) async throws
      -> Void
  ) async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let bob = site.directory.user("bob", in: site.people)
      let unit = site.directory.add(.structure, "OU=Groups", in: site.root)
      let pilot = site.directory.group("pilot", in: unit, members: [ann])
      let configuration = try site.keeping(to: byGUID ? "{\(try #require(GUID(pilot.bytes)))}" : name)
      try await site.sync(configuration)
      #expect(site.people(at: site.target) == ["ann"])
      try await body(site, configuration, pilot, unit, ann, bob)
    }
  }

  @Test("Who joins the group comes, who leaves it goes", arguments: [true, false])
  func members(byGUID: Bool) async throws {
    try await Self.with(byGUID: byGUID) { site, configuration, pilot, _, ann, bob in
      site.directory.link(pilot, "member", add: [bob])
      try await site.sync(configuration)
      #expect(site.people(at: site.target) == ["ann", "bob"])
      site.directory.link(pilot, "member", remove: [ann])
      try await site.sync(configuration)
      #expect(site.people(at: site.target) == ["bob"])
    }
  }

  @Test("A member of a group within the group is none of the group's own")
  func nested() async throws {
    try await Self.with { site, configuration, pilot, unit, _, bob in
      let inner = site.directory.group("inner", in: unit, members: [bob])
      site.directory.link(pilot, "member", add: [inner])
      try await site.sync(configuration)
      #expect(site.people(at: site.target) == ["ann"])
    }
  }

  enum Change: CaseIterable { case groupRenamed, groupMoved, unitRenamed, unitMoved, nameTakenByAnother }

  @Test("Whatever the group is called and wherever it stands, it is the same one", arguments: Change.allCases)
  func renamed(change: Change) async throws {
    try await Self.with { site, configuration, pilot, unit, ann, bob in
      switch change {
      case .groupRenamed: site.directory.move(pilot, rdn: "CN=First wave")
      case .groupMoved: site.directory.move(pilot, to: site.other)
      case .unitRenamed: site.directory.move(unit, rdn: "OU=Access")
      case .unitMoved: site.directory.move(unit, to: site.other)
      case .nameTakenByAnother:
        site.directory.move(pilot, rdn: "CN=First wave")
        _ = site.directory.group("pilot", in: unit)
      }
      site.directory.modify(ann, ["department": ["Sales"]])
      try await site.sync(configuration)
      #expect(site.target["ann@corp.example"]?.attributes.text("department") == "Sales")
      // Nobody is woken by the change of name, and whoever is looked at later is still a member.
      site.directory.link(pilot, "member", add: [bob])
      site.directory.modify(ann, ["department": ["Research"]])
      try await site.sync(configuration)
      #expect(site.people(at: site.target) == ["ann", "bob"])
      site.directory.link(pilot, "member", remove: [ann])
      try await site.sync(configuration)
      #expect(site.people(at: site.target) == ["bob"])
      try await site.sync(full: true, configuration)
      #expect(site.people(at: site.target) == ["bob"])
    }
  }

  @Test("A group that no directory has is a mistake, not an empty group")
  func unknown() async throws {
    try await Self.with { site, _, _, _, _, _ in
      for name in ["CN=Pliot,OU=Groups,DC=corp,DC=example", "6f1b2a3c-0d4e-4f5a-8b6c-7d8e9f0a1b2c"] {
        await #expect {
          try await site.sync(site.keeping(to: name))
        } throws: { error in
          (error as? ConnectError)?.code == .scopeUnresolved && (error as? ConnectError)?.message.contains(name) == true
        }
      }
      #expect(site.people(at: site.target) == ["ann"])
    }
  }

  @Test("A group that is deleted is a loss of scope that somebody has to approve", arguments: [true, false])
  func deleted(byGUID: Bool) async throws {
    try await Self.with(byGUID: byGUID) { site, configuration, pilot, _, _, _ in
      site.directory.delete(pilot)
      await #expect {
        try await site.sync(configuration)
      } throws: { ($0 as? ConnectError)?.code == .scopeLost }
      #expect(site.people(at: site.target) == ["ann"])
      try await site.approve(configuration)
      try await site.sync(configuration)
      #expect(site.people(at: site.target).isEmpty)
    }
  }

  @Test("A group that is restored, or made again under its name, is the scope again", arguments: [true, false])
  func again(isRestored: Bool) async throws {
    try await Self.with { site, configuration, pilot, unit, ann, bob in
      site.directory.delete(pilot)
      await #expect(throws: ConnectError.self) { try await site.sync(configuration) }
      if isRestored {
        site.directory.restore(pilot, .group, "CN=pilot", in: unit, ["samaccountname": ["pilot"], "cn": ["pilot"]])
        site.directory.link(pilot, "member", add: [ann, bob])
      } else {
        _ = site.directory.group("pilot", in: unit, members: [ann, bob])
      }
      let id = site.target.id("ann@corp.example")
      try await site.sync(configuration)
      #expect(site.people(at: site.target) == ["ann", "bob"])
      #expect(site.target.id("ann@corp.example") == id)
    }
  }

  @Test("A deleted group whose members are kept out lets them in, and stops nothing")
  func excluding() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let group = site.directory.group("robots", in: site.people, members: [ann])
      let bob = site.directory.user("bob", in: site.people)
      let configuration = try site.keeping(to: "CN=Robots,OU=People,DC=corp,DC=example", "ISNOTMEMBEROF")
      try await site.sync(configuration)
      #expect(site.people(at: site.target) == ["bob"])
      site.directory.delete(group)
      site.directory.delete(bob)
      try await site.sync(configuration)
      #expect(site.people(at: site.target) == ["ann"])
    }
  }

  @Test("A name that the rules give up and take up again is looked up anew")
  func forgotten() async throws {
    try await Self.with { site, configuration, pilot, unit, _, bob in
      site.directory.move(pilot, rdn: "CN=First wave")
      _ = site.directory.group("second", in: unit, members: [bob])
      try await site.sync(site.keeping(to: "CN=Second,OU=Groups,DC=corp,DC=example"))
      #expect(site.people(at: site.target) == ["bob"])
      _ = site.directory.group("pilot", in: unit)
      try await site.sync(configuration)
      #expect(site.people(at: site.target).isEmpty)
    }
  }

  @Test("Rules that are only tried are told of their group, and nothing is noted")
  func tried() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      _ = site.directory.group("pilot", in: site.people, members: [ann])
      try await site.sync()
      let tried = try site.keeping(to: "CN=Pilot,OU=People,DC=corp,DC=example")
      let explanation = try #require(
        try await site.finder(tried).explain("ann@corp.example", in: site.store).first)
      #expect(explanation.entries.first?.excluded == nil)
      #expect(try await site.count("SELECT COUNT(*) FROM scope_group") == 0)
    }
  }
}

extension Site {
  /// Users are in scope as a group says.
  fileprivate func keeping(to group: String, _ test: String = "ISMEMBEROF") throws -> ConnectConfiguration {
    var configuration = configuration()
    configuration.rules = try RuleFile.parse(
      """
      extends: standard
      rules:
        - name: User
          precedence: 100
          from: user
          scope: [{ operator: \(test), value: '\(group)' }]
          flows: [{ to: userPrincipalName, direct: userPrincipalName }]
      """, file: "rules.yaml")
    return configuration
  }

  fileprivate func people(at target: MemoryTarget) -> [String] {
    target.objects.values.filter { $0.kind == .user }.compactMap { $0.attributes.text("displayName") }.sorted()
  }
}
