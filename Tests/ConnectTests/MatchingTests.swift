// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Testing

@testable import Connect

/// What a target holds before is taken over, by its anchor or by its names; what is privileged or ambiguous never is.
@Suite struct MatchingTests {
  private func cloud(
    _ name: String, mail: String? = nil, anchor: String = "", isPrivileged: Bool = false
  ) -> MemoryTarget.Stored {
    var attributes = Attributes(texts: ["userPrincipalName": [name], "displayName": ["cloud"]])
    if let mail { attributes.set("proxyAddresses", texts: ["SMTP:" + mail]) }
    return .init(kind: .user, sourceAnchor: anchor, attributes: attributes, isPrivileged: isPrivileged)
  }

  /// Whether the account is there when the target is read for the first time, or comes later and is met by a conflict.
  @Test(arguments: [true, false])
  func anAccountOfTheSameNameIsTakenOver(isThereBefore: Bool) async throws {
    try await Site.with { site in
      if !isThereBefore { try await site.sync() }
      site.target.tamper { $0["cloud"] = cloud("ANN@corp.example") }
      let ann = site.directory.user("ann", in: site.people)
      _ = site.directory.group("g", in: site.people, members: [ann])
      let report = try await site.sync()
      #expect(report.pending == 0 && report.quarantined == 0)
      #expect(site.target.objects["cloud"]?.sourceAnchor == SourceAnchor.of(ann, kind: .user, attributes: .init()))
      #expect(site.target.objects["cloud"]?.attributes.text("displayName") == "ann")
      #expect(site.target.members("g") == ["ann"])
      #expect(report.exported(.user).adopted == 1)
      #expect(report.exported(.user).created == 0)
      let requests = site.target.requests
      try await site.sync()
      #expect(site.target.requests == requests)
    }
  }

  @Test func anAccountOfTheSamePrimaryAddressIsTakenOver() async throws {
    try await Site.with { site in
      site.target.tamper {
        $0["cloud"] = cloud("a.other@corp.example", mail: "Ann@corp.example")
        $0["not"] = cloud("b.other@corp.example", mail: "second@corp.example")
      }
      _ = site.directory.user(
        "ann", in: site.people, ["proxyaddresses": ["SMTP:ann@corp.example", "smtp:second@corp.example"]])
      let report = try await site.sync()
      #expect(site.target.id("ann@corp.example") == "cloud")
      #expect(site.target.objects.count == 2)
      #expect(report.quarantined == 0)
    }
  }

  /// Nobody but a look at the target could tell: two accounts with one address are no conflict to it.
  @Test func anAccountOfTheSameAddressThatWasMadeMeanwhileIsTakenOver() async throws {
    try await Site.with(MemoryTarget(operationsPerRequest: 10)) { site in
      try await site.sync()
      site.target.tamper {
        $0["cloud"] = cloud("a.other@corp.example", mail: "Ann@corp.example")
        $0["admin"] = cloud("b.other@corp.example", mail: "bob@corp.example", isPrivileged: true)
        $0["one"] = cloud("c.other@corp.example", mail: "carl@corp.example")
        $0["two"] = cloud("d.other@corp.example", mail: "carl@corp.example")
      }
      let ann = site.directory.user("ann", in: site.people, ["mail": ["ann@corp.example"]])
      _ = site.directory.user("bob", in: site.people, ["mail": ["bob@corp.example"]])
      _ = site.directory.user("carl", in: site.people, ["mail": ["carl@corp.example"]])
      let new = site.directory.user("new", in: site.people, ["mail": ["new@corp.example"]])
      _ = site.directory.group("g", in: site.people, members: [ann, new])
      let report = try await site.sync()
      #expect(site.target.id("ann@corp.example") == "cloud")
      #expect(report.exported(.user).adopted == 1 && report.exported(.user).created == 1)
      #expect(site.target.members("g") == ["ann", "new"])
      #expect(try await site.reasons() == ["ambiguousMatch", "privilegedMatch"])
      #expect(site.target.objects.count == 6)
    }
  }

  @Test(arguments: [true, false])
  func aPrivilegedAccountIsNeverTakenOver(isThereBefore: Bool) async throws {
    try await Site.with { site in
      if !isThereBefore { try await site.sync() }
      site.target.tamper { $0["admin"] = cloud("ann@corp.example", isPrivileged: true) }
      _ = site.directory.user("ann", in: site.people)
      _ = site.directory.user("bob", in: site.people)
      let report = try await site.sync()
      #expect(try await site.reasons() == ["privilegedMatch"])
      #expect(try await site.details().first?.contains("ann@corp.example (admin)") == true)
      #expect(site.target.objects["admin"]?.sourceAnchor == "")
      #expect(site.target["bob@corp.example"] != nil)
      #expect(report.quarantined == 1)
      // Nor by its anchor.
      let eve = site.directory.user("eve", in: site.people)
      let anchor = SourceAnchor.of(eve, kind: .user, attributes: .init())
      site.target.tamper { $0["other"] = cloud("other@corp.example", anchor: anchor, isPrivileged: true) }
      try await site.sync(full: true)
      #expect(site.target["eve@corp.example"] == nil)
      #expect(try await site.reasons() == ["privilegedMatch", "privilegedMatch"])
      // When the role is gone, the next look at the target ends it.
      site.target.tamper {
        $0["admin"]?.isPrivileged = false
        $0["other"]?.isPrivileged = false
      }
      let last = try await site.sync(full: true)
      #expect(last.quarantined == 0)
      #expect(site.target.id("ann@corp.example") == "admin")
      #expect(site.target.id("eve@corp.example") == "other")
    }
  }

  @Test func severalAccountsItCouldBeAreNamed() async throws {
    try await Site.with { site in
      site.target.tamper {
        $0["one"] = cloud("ann@corp.example")
        $0["two"] = cloud("a@corp.example", mail: "ann@corp.example")
      }
      _ = site.directory.user("ann", in: site.people, ["mail": ["ann@corp.example"]])
      try await site.sync()
      #expect(try await site.reasons() == ["ambiguousMatch"])
      let detail = try #require(try await site.details().first)
      #expect(detail.contains("(one)") && detail.contains("(two)"))
      site.target.tamper { $0["two"] = nil }
      let report = try await site.sync(full: true)
      #expect(report.quarantined == 0)
      #expect(site.target.id("ann@corp.example") == "one")
    }
  }

  @Test func oneAccountThatTwoObjectsCouldBeIsLeftAlone() async throws {
    try await Site.with { site in
      site.target.tamper { $0["one"] = cloud("ann@corp.example", mail: "bob@corp.example") }
      _ = site.directory.user("ann", in: site.people)
      _ = site.directory.user("bob", in: site.people, ["mail": ["bob@corp.example"]])
      try await site.sync()
      #expect(try await site.reasons() == ["ambiguousMatch", "ambiguousMatch"])
      #expect(site.target.objects["one"]?.sourceAnchor == "")
    }
  }

  @Test func anObjectOfAnotherDirectoryIsNotTakenOver() async throws {
    try await Site.with { site in
      site.target.tamper { $0["foreign"] = cloud("ann@corp.example", anchor: "somebody else's") }
      _ = site.directory.user("ann", in: site.people)
      let report = try await site.sync()
      #expect(try await site.reasons() == ["targetConflict"])
      #expect(report.pending == 1)
      #expect(site.target.objects["foreign"]?.attributes.text("displayName") == "cloud")
    }
  }

  @Test func whatWasOnlyGoingToBeTakenOverIsNotDeleted() async throws {
    try await Site.with { site in
      site.target.tamper { $0["cloud"] = cloud("ann@corp.example") }
      site.target.refuse(["ann@corp.example"])
      let ann = site.directory.user("ann", in: site.people, ["userprincipalname": ["ann@corp.example"]])
      // The account's name differs in case, so that a change is told and refused.
      site.target.tamper { $0["cloud"]?.attributes.set("userPrincipalName", texts: ["Ann@corp.example"]) }
      try await site.sync()
      #expect(site.target.objects["cloud"]?.sourceAnchor == "")
      site.directory.delete(ann)
      let report = try await site.sync()
      #expect(site.target.objects["cloud"] != nil)
      #expect(report.pending == 0)
      #expect(try await site.count("SELECT COUNT(*) FROM mv") == 0)
    }
  }

  @Test func anAnchorThatSomebodyTookAwayIsGivenBack() async throws {
    try await Site.with { site in
      _ = site.directory.user("ann", in: site.people)
      try await site.sync()
      let id = try #require(site.target.id("ann@corp.example"))
      let anchor = site.target.objects[id]?.sourceAnchor
      site.target.tamper { $0[id]?.sourceAnchor = "" }
      try await site.sync(full: true)
      #expect(site.target.objects[id]?.sourceAnchor == anchor)
    }
  }

  // MARK: What is deleted

  @Test func aDeletedObjectOfTheAnchorIsRestored() async throws {
    try await Site.with(MemoryTarget(restoresDeleted: true)) { site in
      let ann = site.directory.user("ann", in: site.people)
      let group = site.directory.group("g", in: site.people, members: [ann])
      try await site.sync()
      let id = site.target.id("ann@corp.example")
      site.directory.delete(ann)
      try await site.sync()
      #expect(site.target.deletedNames == ["ann"])
      site.directory.restore(
        ann, .user, "CN=ann", in: site.people,
        ["samaccountname": ["ann"], "userprincipalname": ["ann@corp.example"], "displayname": ["ann again"]])
      site.directory.link(group, "member", add: [ann])
      let report = try await site.sync()
      #expect(site.target.id("ann@corp.example") == id)
      #expect(site.target.members("g") == ["ann again"])
      #expect(site.target.creates.values.allSatisfy { $0 == 1 })
      #expect(report.pending == 0)
    }
  }

  /// Somebody deletes an account in the target, and its owner leaves a group in the directory: both come out right, however
  /// Connect comes to know of the deletion.
  @Test(arguments: [false, true], [false, true])
  func whoComesBackIsInThoseGroupsThatTheDirectoryHas(full: Bool, isLeavingBefore: Bool) async throws {
    try await Site.with(MemoryTarget(restoresDeleted: true)) { site in
      let ann = site.directory.user("ann", in: site.people)
      let bob = site.directory.user("bob", in: site.people)
      _ = site.directory.group("kept", in: site.people, members: [ann, bob])
      let left = site.directory.group("left", in: site.people, members: [ann, bob])
      try await site.sync()
      let id = try #require(site.target.id("ann@corp.example"))
      site.target.delete([(id, try #require(site.target["ann@corp.example"]))])
      if isLeavingBefore { site.directory.link(left, "member", remove: [ann]) }
      site.directory.modify(ann, ["givenname": ["Ann"]])
      if !isLeavingBefore { site.directory.link(left, "member", remove: [ann]) }
      let report = try await site.sync(full: full)
      #expect(site.target.id("ann@corp.example") == id && site.target.creates.values.allSatisfy { $0 == 1 })
      #expect(report.pending == 0 && report.exported(.user).adopted == 1)
      #expect(site.target.members("kept") == ["ann", "bob"] && site.target.members("left") == ["bob"])
      #expect(try await site.sync(full: true).requests == 0)
    }
  }

  @Test func aDeletedObjectIsFoundByALookAtTheTargetOrMadeAgainWhenItIsGone() async throws {
    try await Site.with(MemoryTarget(restoresDeleted: true)) { site in
      let ann = site.directory.user("ann", in: site.people)
      try await site.sync()
      let id = try #require(site.target.id("ann@corp.example"))
      site.directory.delete(ann)
      try await site.sync()
      // The database is lost: the target tells what it can restore.
      try await Site.with(site.target) { again in
        let same = again.directory.user("ann", in: again.people)
        #expect(same == ann)
        try await again.sync()
        #expect(again.target.id("ann@corp.example") == id)
        again.directory.delete(same)
        try await again.sync()
        again.target.purgeDeleted()
        again.directory.restore(
          same, .user, "CN=ann", in: again.people,
          ["samaccountname": ["ann"], "userprincipalname": ["ann@corp.example"], "displayname": ["ann"]])
        let report = try await again.sync()
        #expect(again.target["ann@corp.example"] != nil)
        #expect(again.target.id("ann@corp.example") != id)
        #expect(report.pending == 0)
      }
    }
  }

  /// Whoever may choose a source anchor would get the role back with the account.
  @Test func aDeletedPrivilegedObjectIsNotRestored() async throws {
    try await Site.with(MemoryTarget(restoresDeleted: true)) { site in
      let ann = site.directory.user("ann", in: site.people)
      let anchor = SourceAnchor.of(ann, kind: .user, attributes: .init())
      site.target.delete([("admin", cloud("old@corp.example", anchor: anchor, isPrivileged: true))])
      let report = try await site.sync()
      #expect(try await site.reasons() == ["privilegedMatch"])
      #expect(site.target.objects.isEmpty && site.target.creates.isEmpty && report.quarantined == 1)
      // An administrator brings it back and takes its role away.
      site.target.purgeDeleted()
      site.target.tamper { $0["admin"] = cloud("old@corp.example", anchor: anchor) }
      #expect(try await site.sync(full: true).quarantined == 0)
      #expect(site.target.id("ann@corp.example") == "admin")
    }
  }

  /// The role was given after the last look at the target, which then says so itself.
  @Test func whatBecamePrivilegedBeforeItsDeletionIsNotRestored() async throws {
    try await Site.with(MemoryTarget(restoresDeleted: true)) { site in
      let ann = site.directory.user("ann", in: site.people)
      try await site.sync()
      let id = try #require(site.target.id("ann@corp.example"))
      site.target.tamper { $0[id]?.isPrivileged = true }
      site.directory.delete(ann)
      try await site.sync()
      site.directory.restore(
        ann, .user, "CN=ann", in: site.people,
        ["samaccountname": ["ann"], "userprincipalname": ["ann@corp.example"], "displayname": ["ann"]])
      try await site.sync()
      #expect(try await site.reasons() == ["privilegedMatch"])
      #expect(site.target.objects.isEmpty)
      // An administrator brings it back; it is left alone until its role is gone, too.
      site.target.restore(id)
      for _ in 0..<2 { #expect(try await site.sync(full: true).quarantined == 1) }
      #expect(try await site.reasons() == ["privilegedMatch"] && site.target.creates.count == 1)
      site.target.tamper { $0[id]?.isPrivileged = false }
      #expect(try await site.sync(full: true).quarantined == 0)
      #expect(site.target.id("ann@corp.example") == id)
    }
  }

  @Test func ofSeveralDeletedObjectsTheLastOneIsRestored() async throws {
    try await Site.with(MemoryTarget(restoresDeleted: true)) { site in
      let ann = site.directory.user("ann", in: site.people)
      let anchor = SourceAnchor.of(ann, kind: .user, attributes: .init())
      site.target.delete([
        ("a", cloud("first@corp.example", anchor: anchor)), ("z", cloud("last@corp.example", anchor: anchor)),
        ("b", cloud("other@corp.example", anchor: "another")),
      ])
      try await site.sync()
      #expect(site.target.id("ann@corp.example") == "z" && site.target.objects.count == 1)
      // One that is deleted after the last look at the target is the later one.
      site.target.delete([("y", cloud("between@corp.example", anchor: anchor))])
      try await site.sync(full: true)
      site.directory.delete(ann)
      try await site.sync()
      site.directory.restore(
        ann, .user, "CN=ann", in: site.people,
        ["samaccountname": ["ann"], "userprincipalname": ["ann@corp.example"], "displayname": ["ann"]])
      try await site.sync()
      #expect(site.target.id("ann@corp.example") == "z")
    }
  }

  /// A create whose answer was lost is looked up by its anchor; what is found then is taken over by the same rules.
  @Test func aPrivilegedAccountIsNotTakenForWhatALostAnswerMade() async throws {
    try await Site.with { site in
      try await site.sync()
      let ann = site.directory.user("ann", in: site.people)
      let anchor = SourceAnchor.of(ann, kind: .user, attributes: .init())
      site.target.fail(request: 1, isDone: false)
      await #expect(throws: MemoryTarget.Broken.self) { try await site.sync() }
      site.target.tamper { $0["admin"] = cloud("other@corp.example", anchor: anchor, isPrivileged: true) }
      try await site.sync()
      #expect(try await site.reasons() == ["privilegedMatch"])
      #expect(site.target.objects["admin"]?.attributes.text("userPrincipalName") == "other@corp.example")
      #expect(site.target.objects.count == 1)
    }
  }
}
