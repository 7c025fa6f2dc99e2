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
}
