// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Testing

@testable import Connect

/// What happens in a directory arrives at the target, and nothing else does.
@Suite struct ScenarioTests {
  @Test func createsUsersGroupsMembersAndManagers() async throws {
    try await Site.with { site in
      let boss = site.directory.user("boss", in: site.people)
      let ann = site.directory.user(
        "ann", in: site.people, ["sn": ["Ångström"], "department": ["R&D"]], links: ["manager": [boss]])
      let inner = site.directory.group("inner", in: site.people, members: [ann])
      _ = site.directory.group("outer", in: site.people, members: [inner, boss])
      let report = try await site.sync()
      #expect(site.target["ann@corp.example"]?.attributes.text("surname") == "Ångström")
      #expect(site.target["ann@corp.example"]?.attributes.text("accountEnabled") == "true")
      #expect(site.target["ann@corp.example"]?.links["manager"] == [try #require(site.target.id("boss@corp.example"))])
      #expect(site.target.members("inner") == ["ann"])
      #expect(site.target.members("outer") == ["boss", "inner"])
      #expect(report.exported(.user).created == 2)
      #expect(report.exported(.group).linksAdded == 3)
      #expect(report.pending == 0)
      #expect(report.imports.first?.mode == .full)
      // A second pass has nothing to do.
      let requests = site.target.requests
      let second = try await site.sync()
      #expect(site.target.requests == requests)
      #expect(second.imports.first?.mode == .delta)
      #expect(second.synchronised == 0)
    }
  }

  @Test func changesAndClears() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people, ["department": ["Sales"], "givenname": ["Ann"]])
      try await site.sync()
      site.target.forgetOperations()
      site.directory.modify(ann, ["department": ["Research"], "givenname": []])
      try await site.sync()
      let stored = try #require(site.target["ann@corp.example"])
      #expect(stored.attributes.text("department") == "Research")
      #expect(stored.attributes.text("givenName") == nil)
      guard case .update(_, _, let changes, _) = try #require(site.target.operations.first) else {
        Issue.record("no update")
        return
      }
      #expect(changes.names == ["department", "givenName"])
    }
  }

  @Test func oneNewMemberIsOneOperation() async throws {
    try await Site.with { site in
      let members = (0..<40).map { site.directory.user("m\($0)", in: site.people) }
      let group = site.directory.group("g", in: site.people, members: members)
      let late = site.directory.user("late", in: site.people)
      try await site.sync()
      site.target.forgetOperations()
      site.directory.link(group, "member", add: [late], remove: [members[0]])
      let report = try await site.sync()
      #expect(site.target.operations.count == 1)
      #expect(report.exported(.group).linksAdded == 1)
      #expect(report.exported(.group).linksRemoved == 1)
      #expect(site.target.members("g").count == 40)
    }
  }

  @Test func renamedUserKeepsItsObject() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      try await site.sync()
      let id = site.target.id("ann@corp.example")
      site.directory.move(ann, rdn: "CN=Ann Married")
      site.directory.modify(ann, ["userprincipalname": ["ann.married@corp.example"]])
      try await site.sync()
      #expect(site.target.id("ann.married@corp.example") == id)
      #expect(site.target.creates.values.allSatisfy { $0 == 1 })
    }
  }

  @Test func renamedOrMovedUnitDeletesNobody() async throws {
    try await Site.with { site in
      let configuration = site.configuration(include: ["ou=people, DC=corp,DC=example"])
      let team = site.directory.add(.structure, "OU=Team", in: site.people)
      _ = site.directory.user("ann", in: team)
      _ = site.directory.user("out", in: site.other)
      try await site.sync(configuration)
      #expect(site.target.objects.count == 1)
      site.target.forgetOperations()
      site.directory.move(site.people, rdn: "OU=Staff")
      try await site.sync(configuration)
      #expect(site.target.operations.isEmpty)
      // The names of those below follow.
      let moved = try await site.count(
        "SELECT COUNT(*) FROM entry WHERE dn = 'CN=ann,OU=Team,OU=Staff,DC=corp,DC=example'")
      #expect(moved == 1)
      // Nor does a full import, which meets the new name first.
      try await site.sync(full: true, configuration)
      #expect(site.target.operations.isEmpty)
    }
  }

  @Test func theNamesOfThoseBelowARenamedUnitAreTold() async throws {
    let target = MemoryTarget(vocabulary: [.user: ["userPrincipalName", "displayName", "onPremisesDistinguishedName"]])
    try await Site.with(target) { site in
      _ = site.directory.user("ann", in: site.directory.add(.structure, "OU=Team", in: site.people))
      try await site.sync()
      site.directory.move(site.people, rdn: "OU=Staff")
      try await site.sync()
      let name = site.target["ann@corp.example"]?.attributes.text("onPremisesDistinguishedName")
      #expect(name == "CN=ann,OU=Team,OU=Staff,DC=corp,DC=example")
    }
  }

  @Test func aGroupIsToldWhoLooksAfterIt() async throws {
    let target = MemoryTarget(vocabulary: [
      .user: ["userPrincipalName", "displayName"], .group: ["displayName", "members", "managedBy"],
    ])
    try await Site.with(target) { site in
      let people = ["ann", "bob"].map { site.directory.user($0, in: site.people) }
      let group = site.directory.group("g", in: site.people, members: people)
      site.directory.link(group, "managedBy", add: [people[0]], remove: [])
      try await site.sync()
      #expect(site.target["g"]?.links["managedBy"] == [try #require(site.target.id("ann"))])
      #expect(site.target.members("g") == ["ann", "bob"])
      site.directory.link(group, "managedBy", add: [people[1]], remove: [people[0]])
      try await site.sync()
      #expect(site.target["g"]?.links["managedBy"] == [try #require(site.target.id("bob"))])
      site.directory.link(group, "managedBy", add: [], remove: [people[1]])
      try await site.sync()
      #expect(site.target["g"]?.links["managedBy"] ?? [] == [])
    }
  }

  @Test func unitMovedOutOfScopeTakesItsUsersAlong() async throws {
    try await Site.with { site in
      let configuration = site.configuration(include: ["OU=People,DC=corp,DC=example"])
      let team = site.directory.add(.structure, "OU=Team", in: site.people)
      let deeper = site.directory.add(.structure, "OU=Deeper", in: team)
      _ = site.directory.user("ann", in: deeper)
      _ = site.directory.user("bob", in: site.people)
      try await site.sync(configuration)
      site.directory.move(team, to: site.other)
      try await site.sync(configuration)
      #expect(site.target["ann@corp.example"] == nil)
      #expect(site.target["bob@corp.example"] != nil)
      site.directory.move(team, to: site.people)
      try await site.sync(configuration)
      #expect(site.target["ann@corp.example"] != nil)
    }
  }

  @Test func excludedUnitBelowIncludedOne() async throws {
    try await Site.with { site in
      let hidden = site.directory.add(.structure, "OU=Hidden", in: site.people)
      _ = site.directory.user("ann", in: site.people)
      _ = site.directory.user("eve", in: hidden)
      try await site.sync(site.configuration(exclude: ["OU=Hidden,OU=People,DC=corp,DC=example"]))
      #expect(site.target["ann@corp.example"] != nil)
      #expect(site.target["eve@corp.example"] == nil)
      // A change of the configuration is taken up without a change in the directory.
      try await site.sync(site.configuration())
      #expect(site.target["eve@corp.example"] != nil)
    }
  }

  @Test func disabledAndExpired() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      // 1 800 000 600 seconds after 1970.
      let bob = site.directory.user(
        "bob", in: site.people, ["accountexpires": ["\((1_800_000_600 + 11_644_473_600) * 10_000_000)"]])
      try await site.sync()
      #expect(site.target["bob@corp.example"]?.attributes.text("accountEnabled") == "true")
      site.directory.modify(ann, ["useraccountcontrol": ["514"]])
      try await site.sync()
      #expect(site.target["ann@corp.example"]?.attributes.text("accountEnabled") == "false")
      // By time alone.
      site.advance(601)
      let report = try await site.sync()
      #expect(report.imports.first?.read == 0)
      #expect(site.target["bob@corp.example"]?.attributes.text("accountEnabled") == "false")
      site.directory.modify(bob, ["accountexpires": ["9223372036854775807"]])
      try await site.sync()
      #expect(site.target["bob@corp.example"]?.attributes.text("accountEnabled") == "true")
    }
  }

  @Test func deletedUserLeavesItsGroupsAndComesBack() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let group = site.directory.group("g", in: site.people, members: [ann])
      try await site.sync()
      site.directory.delete(ann)
      let report = try await site.sync()
      #expect(report.exported(.group).linksRemoved == 1)
      #expect(report.exported(.user).deleted == 1)
      #expect(site.target["g"]?.links["members"] == [])
      #expect(try await site.count("SELECT COUNT(*) FROM entry WHERE deleted = 1") == 0)
      site.directory.restore(
        ann, .user, "CN=ann", in: site.people,
        ["samaccountname": ["ann"], "userprincipalname": ["ann@corp.example"], "displayname": ["ann again"]])
      site.directory.link(group, "member", add: [ann])
      try await site.sync()
      #expect(site.directory.rereads == 1)
      #expect(site.target.members("g") == ["ann again"])
    }
  }

  /// Deleted and brought back between two looks: who refers to it is what the directory says now.
  @Test(arguments: [false, true])
  func deletedAndBroughtBackUnseen(keepsLinks: Bool) async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let bob = site.directory.user("bob", in: site.people, links: ["manager": [ann]])
      _ = site.directory.group("g", in: site.people, members: [ann, bob])
      try await site.sync()
      let id = site.target.id("ann@corp.example")
      site.directory.reanimate(ann, keepsLinks: keepsLinks)
      let report = try await site.sync()
      #expect(site.target.id("ann@corp.example") == id && report.exported(.user).deleted == 0)
      #expect(site.target.members("g") == (keepsLinks ? ["ann", "bob"] : ["bob"]))
      #expect(site.target["bob@corp.example"]?.links["manager"] == (keepsLinks ? [id ?? "none"] : []))
      #expect(report.requests == (keepsLinks ? 0 : 2))
      // It is as it was: by a full reading nothing else is found.
      #expect(try await site.sync(full: true).exported == [:])
    }
  }

  /// A deletion that was seen takes all references along; they come back with it, also those of other objects' attributes.
  @Test func whoComesBackIsReferredToAgain() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let bob = site.directory.user("bob", in: site.people)
      let group = site.directory.group("g", in: site.people, members: [ann, bob])
      site.directory.link(bob, "manager", add: [ann])
      try await site.sync()
      site.directory.delete(ann)
      try await site.sync()
      #expect(site.target["bob@corp.example"]?.links["manager"] == [] && site.target.members("g") == ["bob"])
      site.directory.restoreWithReferences(
        ann, .user, "CN=ann", in: site.people,
        ["samaccountname": ["ann"], "userprincipalname": ["ann@corp.example"], "displayname": ["ann"]],
        referrers: [("manager", bob), ("member", group)])
      try await site.sync()
      #expect(site.target.members("g") == ["ann", "bob"])
      #expect(site.target["bob@corp.example"]?.links["manager"] == [site.target.id("ann@corp.example") ?? "none"])
    }
  }

  @Test func recreatedUnderTheSameName() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      try await site.sync()
      let old = site.target.id("ann@corp.example")
      site.directory.delete(ann)
      _ = site.directory.user("ann", in: site.people)
      let report = try await site.sync()
      #expect(report.pending == 0)
      #expect(site.target.objects.count == 1)
      #expect(site.target.id("ann@corp.example") != old)
    }
  }

  @Test func namesThatChangeHands() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let bob = site.directory.user("bob", in: site.people)
      try await site.sync()
      site.directory.modify(bob, ["userprincipalname": ["robert@corp.example"]])
      site.directory.modify(ann, ["userprincipalname": ["bob@corp.example"], "displayname": ["new bob"]])
      let report = try await site.sync()
      #expect(report.pending == 0)
      #expect(site.target["bob@corp.example"]?.attributes.text("displayName") == "new bob")
      #expect(site.target["robert@corp.example"] != nil)
    }
  }

  @Test func groupInItself() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let group = site.directory.group("g", in: site.people, members: [ann])
      site.directory.link(group, "member", add: [group])
      try await site.sync()
      #expect(site.target.members("g") == ["ann"])
    }
  }

  @Test func nestedGroupsInACircle() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let outer = site.directory.group("outer", in: site.people)
      let inner = site.directory.group("inner", in: site.people, members: [outer, ann])
      site.directory.link(outer, "member", add: [inner])
      try await site.sync()
      #expect(site.target.members("outer") == ["inner"])
      #expect(site.target.members("inner") == ["ann", "outer"])
      site.directory.delete(inner)
      let report = try await site.sync()
      #expect(site.target["outer"]?.links["members"] == [])
      #expect(site.target["inner"] == nil)
      #expect(report.pending == 0)
      #expect(try await site.count("SELECT COUNT(*) FROM link WHERE change IS NOT NULL") == 0)
    }
  }

  @Test func memberOutOfScopeEnters() async throws {
    try await Site.with { site in
      let configuration = site.configuration(include: ["OU=People,DC=corp,DC=example"])
      let ann = site.directory.user("ann", in: site.other)
      _ = site.directory.group("g", in: site.people, members: [ann])
      try await site.sync(configuration)
      #expect(site.target.members("g") == [])
      site.directory.move(ann, to: site.people)
      try await site.sync(configuration)
      #expect(site.target.members("g") == ["ann"])
      site.directory.move(ann, to: site.other)
      try await site.sync(configuration)
      #expect(site.target["g"]?.links["members"] == [])
      #expect(site.target["ann@corp.example"] == nil)
    }
  }

  @Test func memberThatIsNotThereYet() async throws {
    try await Site.with { site in
      let unknown = Anchor([UInt8](repeating: 0, count: 15) + [99])
      _ = site.directory.group("g", in: site.people, members: [unknown])
      try await site.sync()
      site.directory.restore(
        unknown, .user, "CN=late", in: site.people,
        ["samaccountname": ["late"], "userprincipalname": ["late@corp.example"], "displayname": ["late"]])
      try await site.sync()
      #expect(site.target.members("g") == ["late"])
    }
  }

  @Test func criticalObjectsStayOut() async throws {
    try await Site.with { site in
      _ = site.directory.user("krbtgt", in: site.people, ["iscriticalsystemobject": ["TRUE"]])
      _ = site.directory.user("MSOL_1", in: site.people)
      try await site.sync()
      #expect(site.target.objects.isEmpty)
    }
  }

  @Test func managerChanges() async throws {
    try await Site.with { site in
      let one = site.directory.user("one", in: site.people)
      let two = site.directory.user("two", in: site.people)
      let ann = site.directory.user("ann", in: site.people, links: ["manager": [one]])
      try await site.sync()
      site.directory.link(ann, "manager", add: [two], remove: [one])
      try await site.sync()
      #expect(site.target["ann@corp.example"]?.links["manager"] == [try #require(site.target.id("two@corp.example"))])
      site.directory.link(ann, "manager", remove: [two])
      try await site.sync()
      #expect(site.target["ann@corp.example"]?.links["manager"] == [])
    }
  }

  @Test func firstAnchorIsKept() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      try await site.sync()
      let anchor = try #require(site.target["ann@corp.example"]).sourceAnchor
      site.directory.modify(ann, ["ms-ds-consistencyguid": ["0123456789abcdef"], "department": ["x"]])
      try await site.sync()
      #expect(site.target["ann@corp.example"]?.sourceAnchor == anchor)
      #expect(site.target.objects.count == 1)
      let bob = site.directory.user("bob", in: site.people, ["ms-ds-consistencyguid": ["fedcba9876543210"]])
      try await site.sync()
      #expect(site.target["bob@corp.example"]?.sourceAnchor == "ZmVkY2JhOTg3NjU0MzIxMA==")
      _ = bob
    }
  }

  @Test func objectGoesOnUnderANewEntryWithItsAnchor() async throws {
    try await Site.with { site in
      let guid = ["ms-ds-consistencyguid": ["0123456789abcdef"]]
      let ann = site.directory.user("ann", in: site.people, guid)
      let group = site.directory.group("g", in: site.people, members: [ann])
      _ = site.directory.group("h", in: site.people, members: [ann])
      try await site.sync()
      let id = site.target.id("ann@corp.example")
      // Deleted and made again, say by a migration, with its anchor restored and one of its groups.
      site.directory.delete(ann)
      let again = site.directory.user("ann", in: site.people, guid.merging(["department": ["new"]]) { $1 })
      site.directory.link(group, "member", add: [again])
      let report = try await site.sync()
      #expect(site.target.id("ann@corp.example") == id)
      #expect(report.exported(.user).deleted == 0)
      #expect(site.target["ann@corp.example"]?.attributes.text("department") == "new")
      #expect(site.target.members("g") == ["ann"])
      #expect(site.target.members("h") == [])
      #expect(try await site.count("SELECT COUNT(*) FROM entry WHERE deleted = 1") == 0)
    }
  }

  @Test func secondEntryWithAnAnchorIsAnErrorOfThatEntry() async throws {
    try await Site.with { site in
      let guid = ["ms-ds-consistencyguid": ["0123456789abcdef"]]
      _ = site.directory.user("ann", in: site.people, guid)
      _ = site.directory.user("twin", in: site.people, guid)
      let report = try await site.sync()
      #expect(report.quarantined == 1)
      #expect(try await site.reasons() == ["duplicateAnchor"])
      #expect(site.target.objects.count == 1)
    }
  }
}
