// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Testing

@testable import Connect

/// Several targets side by side.
@Suite struct TargetTests {
  @Test func eachTargetGetsEverything() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let group = site.directory.group("g", in: site.people, members: [ann])
      let report = try await site.sync(site.twoTargets())
      #expect(site.target.picture == site.second.picture)
      #expect(site.target.picture.count == 2)
      #expect(report.exported(.user).created == 2)
      site.directory.link(group, "member", remove: [ann])
      site.directory.delete(ann)
      let last = try await site.sync(site.twoTargets())
      #expect(site.second.picture.count == 1)
      #expect(site.target.picture == site.second.picture)
      #expect(last.pending == 0)
      #expect(try await site.count("SELECT COUNT(*) FROM mv") == 1)
    }
  }

  @Test func oneObjectThatTheServiceStumblesOverDoesNotHoldUpTheOthers() async throws {
    let target = MemoryTarget(operationsPerRequest: 10)
    try await Site.with(target) { site in
      for name in ["ann", "bob", "cat"] { _ = site.directory.user(name, in: site.people) }
      target.stumble(over: ["bob"])
      let report = try await site.sync()
      #expect(report.exported(.user).created == 2)
      #expect(report.pending == 1)
      #expect(target["bob@corp.example"] == nil && target["cat@corp.example"] != nil)
      target.stumble(over: [])
      try await site.sync()
      #expect(target.creates.values.allSatisfy { $0 == 1 } && target.objects.count == 3)
    }
  }

  @Test func oneThatIsDownDoesNotHoldUpTheOthers() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let bob = site.directory.user("bob", in: site.people)
      try await site.sync(site.twoTargets())
      site.target.beDown(true)
      site.directory.modify(ann, ["department": ["Research"]])
      site.directory.delete(bob)
      await #expect(throws: MemoryTarget.Broken.self) { try await site.sync(site.twoTargets()) }
      #expect(site.second["ann@corp.example"]?.attributes.text("department") == "Research")
      #expect(site.second.objects.count == 1)
      #expect(site.target.objects.count == 2)
      // The deletion waits for the target that has not heard of it.
      #expect(try await site.count("SELECT COUNT(*) FROM mv WHERE gone = 1") == 1)
      site.target.beDown(false)
      let report = try await site.sync(site.twoTargets())
      #expect(site.target.picture == site.second.picture)
      #expect(report.pending == 0)
      #expect(try await site.count("SELECT COUNT(*) FROM mv") == 1)
      #expect(try await site.count("SELECT COUNT(*) FROM entry WHERE deleted = 1") == 0)
    }
  }

  @Test func aTargetThatIsAddedIsFilledAndOneThatIsRemovedIsLeftAlone() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      _ = site.directory.group("g", in: site.people, members: [ann])
      try await site.sync()
      try await site.sync(site.twoTargets())
      #expect(site.target.picture == site.second.picture)
      // Gone while it is not configured, and back again.
      site.directory.modify(ann, ["department": ["Research"]])
      try await site.sync()
      #expect(site.second["ann@corp.example"]?.attributes.text("department") == nil)
      #expect(try await site.count("SELECT COUNT(*) FROM remote WHERE target = 'second'") == 0)
      let report = try await site.sync(site.twoTargets())
      #expect(site.target.picture == site.second.picture)
      #expect(site.second.creates.values.allSatisfy { $0 == 1 })
      #expect(report.pending == 0)
    }
  }

  @Test func aTargetWithoutAPlaceForAKindLeavesItOutAndSaysSo() async throws {
    try await Site.with(MemoryTarget(vocabulary: [.user: ["userPrincipalName", "displayName", "mail"]])) { site in
      let ann = site.directory.user("ann", in: site.people)
      let contact = site.directory.add(
        .contact, "CN=partner", in: site.people, ["cn": ["partner"], "mail": ["partner@partner.example"]])
      _ = site.directory.group("g", in: site.people, members: [ann, contact])
      let report = try await site.sync()
      #expect(site.target.objects.count == 1)
      #expect(report.pending == 0)
      #expect(report.leftOut == ["tenant has no place for objects of type contact"])
      // What the target never sees holds no address back from others.
      site.directory.modify(ann, ["mail": ["partner@partner.example"]])
      #expect(try await site.sync().quarantined == 0)
      #expect(site.target["ann@corp.example"]?.attributes.text("mail") == "partner@partner.example")
      #expect(try await site.sync().pending == 0)
    }
  }

  /// A user, a contact whose manager it is, a computer, and a group of all three.
  private func everybody(_ site: Site) -> (user: Anchor, contact: Anchor, device: Anchor) {
    let ann = site.directory.user("ann", in: site.people)
    let contact = site.directory.add(
      .contact, "CN=partner", in: site.people, ["cn": ["partner"], "mail": ["partner@partner.example"]],
      links: ["manager": [ann]])
    let device = site.directory.add(
      .device, "CN=pc", in: site.people, ["cn": ["pc"], "usercertificate": ["x"], "useraccountcontrol": ["4096"]])
    _ = site.directory.group("g", in: site.people, members: [ann, contact, device])
    return (ann, contact, device)
  }

  @Test func contactsAndDevicesReachATargetThatTakesThem() async throws {
    try await Site.with(MemoryTarget(vocabulary: MemoryTarget.everything)) { site in
      let (ann, contact, _) = everybody(site)
      let report = try await site.sync()
      #expect(report.exported(.contact).created == 1 && report.exported(.device).created == 1)
      #expect(report.leftOut == nil && report.pending == 0)
      #expect(site.target.members("g") == ["ann", "partner", "pc"])
      #expect(site.target["partner"]?.links["manager"]?.first == site.target.id("ann@corp.example"))
      #expect(site.target["pc"]?.attributes.text("accountEnabled") == "true")
      // Now the contact holds its address.
      site.directory.modify(ann, ["mail": ["partner@partner.example"]])
      #expect(try await site.sync().quarantined == 1)
      site.directory.delete(contact)
      let last = try await site.sync()
      #expect(last.exported(.contact).deleted == 1 && last.quarantined == 0)
      #expect(site.target.members("g") == ["ann", "pc"])
    }
  }

  @Test func aTargetThatComesToTakeAKindIsGivenIt() async throws {
    try await Site.with(MemoryTarget(vocabulary: MemoryTarget.everything)) { site in
      site.target.offer([.user, .group])
      _ = everybody(site)
      let report = try await site.sync()
      #expect(
        report.leftOut == ["contact", "device"].map { "tenant has no place for objects of type \($0)" })
      #expect(report.pending == 0 && site.target.members("g") == ["ann"])
      // It is asked with each full reading of it, and no more often.
      site.target.offer(nil)
      #expect(try await site.sync().leftOut?.count == 2)
      #expect(site.target.asked == 1)
      site.advance(25 * 3600)
      let later = try await site.sync()
      #expect(later.leftOut == nil && later.exported(.contact).created == 1 && later.exported(.device).created == 1)
      #expect(site.target.members("g") == ["ann", "partner", "pc"])
      #expect(site.target.creates.values.allSatisfy { $0 == 1 })
      #expect(site.target.asked == 2)
    }
  }

  @Test func oneThatDoesNotAnswerIsTakenAtItsLastWord() async throws {
    try await Site.with(MemoryTarget(vocabulary: MemoryTarget.everything)) { site in
      let (_, contact, _) = everybody(site)
      try await site.sync()
      site.target.beDown(true)
      site.directory.modify(contact, ["displayname": ["Partner"]])
      await #expect(throws: MemoryTarget.Broken.self) { try await site.sync(full: true) }
      #expect(try await site.count("SELECT COUNT(*) FROM remote") == 4)
      site.target.beDown(false)
      let report = try await site.sync()
      #expect(report.exported(.contact).updated == 1 && report.pending == 0)
      #expect(site.target.members("g") == ["Partner", "ann", "pc"])
    }
  }

  @Test func whatATargetHoldsOfANewKindIsTakenOverAndNotMadeTwice() async throws {
    try await Site.with(MemoryTarget(vocabulary: MemoryTarget.everything)) { site in
      site.target.offer([.user, .group])
      _ = everybody(site)
      try await site.sync()
      site.target.tamper {
        $0["mine"] = .init(
          kind: .contact, sourceAnchor: "",
          attributes: Attributes(texts: [
            "displayName": ["Somebody"], "proxyAddresses": ["SMTP:partner@partner.example"],
          ]))
      }
      site.target.offer(nil)
      let report = try await site.sync(full: true)
      #expect(report.exported(.contact).adopted == 1 && report.exported(.contact).created == 0)
      #expect(site.target.id("partner") == "mine")
    }
  }

  @Test func aPreviewTellsOfThemBeforeTheFirstPass() async throws {
    try await Site.with(MemoryTarget(vocabulary: MemoryTarget.everything)) { site in
      _ = everybody(site)
      let report = try await site.service().preview { _ in }
      #expect(report.preview?.creates == 4 && report.preview?.linksAdded == 4)
      #expect(site.target.objects.isEmpty)
      _ = try await site.service().preview { _ in }
      #expect(site.target.asked == 1)
    }
  }
}
