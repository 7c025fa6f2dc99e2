// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Testing

@testable import Connect
import Wire

/// Names that two objects want, names that the tenant does not know, and what the target refuses.
@Suite struct ConflictTests {
  @Test func secondHolderOfANameWaitsAndHeals() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let twin = site.directory.user("twin", in: site.people, ["userprincipalname": ["ANN@corp.example"]])
      let group = site.directory.group("g", in: site.people, members: [ann, twin])
      let report = try await site.sync()
      #expect(report.quarantined == 1)
      #expect(try await site.reasons() == ["duplicateUserName"])
      #expect(site.target.objects.count == 2)
      #expect(site.target.members("g") == ["ann"])
      site.directory.modify(ann, ["userprincipalname": ["ann.first@corp.example"]])
      let second = try await site.sync()
      #expect(second.quarantined == 0)
      #expect(site.target["ANN@corp.example"] != nil)
      #expect(site.target.members("g") == ["ann", "twin"])
      _ = group
    }
  }

  @Test func waitingObjectTakesOverFromADeletedOne() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      _ = site.directory.user("twin", in: site.people, ["userprincipalname": ["ann@corp.example"]])
      try await site.sync()
      site.directory.delete(ann)
      let report = try await site.sync()
      #expect(report.quarantined == 0)
      #expect(report.pending == 0)
      #expect(site.target["ann@corp.example"]?.attributes.text("displayName") == "twin")
      #expect(site.target.objects.count == 1)
    }
  }

  @Test func onlyTheAddressInConflictIsWithheld() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people, ["proxyaddresses": ["SMTP:info@corp.example"]])
      _ = site.directory.user(
        "bob", in: site.people, ["proxyaddresses": ["SMTP:bob@corp.example", "smtp:INFO@corp.example"]])
      try await site.sync()
      #expect(try await site.reasons() == ["duplicateAddress"])
      #expect(site.target["bob@corp.example"]?.attributes.texts("proxyAddresses") == ["SMTP:bob@corp.example"])
      site.directory.modify(ann, ["proxyaddresses": []])
      try await site.sync()
      #expect(try await site.reasons() == [])
      #expect(
        site.target["bob@corp.example"]?.attributes.texts("proxyAddresses")
          == ["SMTP:bob@corp.example", "smtp:INFO@corp.example"])
    }
  }

  @Test func unverifiedSuffixIsReplacedAndTheNicknameSticks() async throws {
    try await Site.with { site in
      let ann = site.directory.user(
        "ann", in: site.people,
        ["userprincipalname": ["ann@corp.local"], "mail": ["ann.mail@corp.example"], "mailnickname": ["annie"]])
      try await site.sync()
      #expect(site.target["annie@corp.onbridgehead.example"] != nil)
      site.directory.modify(ann, ["mailnickname": ["other"]])
      try await site.sync()
      #expect(site.target["annie@corp.onbridgehead.example"] != nil)
      site.directory.modify(ann, ["userprincipalname": ["ann@CORP.example"]])
      try await site.sync()
      #expect(site.target["ann@CORP.example"] != nil)
    }
  }

  @Test func aTargetThatRefusesEverybodyFillsNoRunHistory() async throws {
    try await Site.with { site in
      let names = (0..<130).map { "user\($0)" }
      for name in names { _ = site.directory.user(name, in: site.people) }
      site.target.refuse(Set(names.map { "\($0)@corp.example" }))
      let report = try await site.sync()
      #expect(report.errors.count == 100 && report.furtherErrors == 30 && report.quarantined == 130)
      #expect(try await RunHistory(store: site.store).last(1).first?.report?.furtherErrors == 30)
      #expect(try await HeldObject.read(site.store).count == 130)
    }
  }

  @Test func refusedObjectIsRetriedWithBackOff() async throws {
    try await Site.with { site in
      _ = site.directory.user("ann", in: site.people)
      _ = site.directory.user("bob", in: site.people)
      site.target.refuse(["ann@corp.example"])
      let report = try await site.sync()
      #expect(report.quarantined == 1)
      #expect(report.errors.count == 1)
      #expect(site.target.objects.count == 1)
      let requests = site.target.requests
      try await site.sync()
      #expect(site.target.requests == requests)
      site.advance(61)
      try await site.sync()
      #expect(site.target.requests == requests + 1)
      site.target.refuse([])
      site.advance(61)
      try await site.sync()
      #expect(site.target.requests == requests + 1)
      site.advance(60)
      let last = try await site.sync()
      #expect(site.target["ann@corp.example"] != nil)
      #expect(last.quarantined == 0)
    }
  }

  @Test func foreignObjectWithTheNameQuarantines() async throws {
    try await Site.with { site in
      site.target.tamper {
        $0["cloud"] = .init(
          kind: .user, sourceAnchor: "another",
          attributes: Attributes(texts: ["userPrincipalName": ["ann@corp.example"]]))
      }
      _ = site.directory.user("ann", in: site.people)
      let report = try await site.sync()
      #expect(try await site.reasons() == ["targetConflict"])
      #expect(report.pending == 1)
    }
  }

  @Test func existingObjectWithTheAnchorIsAdopted() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let anchor = SourceAnchor.of(ann, kind: .user, attributes: Attributes())
      site.target.tamper {
        $0["before"] = .init(
          kind: .user, sourceAnchor: anchor, attributes: Attributes(texts: ["userPrincipalName": ["old@corp.example"]]))
      }
      try await site.sync()
      #expect(site.target.id("ann@corp.example") == "before")
      #expect(site.target.creates.isEmpty)
    }
  }

  @Test func fullPassUndoesDrift() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people, ["department": ["Sales"]])
      let bob = site.directory.user("bob", in: site.people)
      let eve = site.directory.user("eve", in: site.people)
      _ = site.directory.group("g", in: site.people, members: [ann])
      try await site.sync()
      let picture = site.target.picture
      let (annID, bobID) = (
        try #require(site.target.id("ann@corp.example")), try #require(site.target.id("bob@corp.example"))
      )
      let eveID = try #require(site.target.id("eve@corp.example"))
      let groupID = try #require(site.target.id("g"))
      site.target.tamper {
        $0[annID]?.attributes.set("department", texts: ["Hacked"])
        $0[bobID] = nil
        $0[groupID]?.links["members"] = [eveID]
      }
      try await site.sync()
      #expect(site.target.picture != picture)
      try await site.sync(full: true)
      #expect(site.target.picture == picture)
      _ = (bob, eve)
    }
  }

  @Test func driftIsPutBackOnScheduleAndWhatIsForeignIsLeftAlone() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people, ["department": ["Sales"]])
      _ = site.directory.group("g", in: site.people, members: [ann])
      try await site.sync()
      let picture = site.target.picture
      let annID = try #require(site.target.id("ann@corp.example"))
      let foreign = MemoryTarget.Stored(
        kind: .user, sourceAnchor: "elsewhere", attributes: Attributes(texts: ["userPrincipalName": ["x@y.example"]]))
      site.target.tamper {
        $0[annID]?.attributes.set("department", texts: ["Hacked"])
        $0["foreign"] = foreign
      }
      try await site.sync()
      #expect(site.target.picture != picture)
      site.advance(24 * 3600)
      site.target.forgetOperations()
      try await site.sync()
      #expect(site.target.operations.count == 1)
      #expect(site.target["ann@corp.example"]?.attributes.text("department") == "Sales")
      #expect(site.target.objects["foreign"] == foreign)
    }
  }

  @Test func objectMissingAtTheTargetIsCreatedAgain() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      _ = site.directory.group("g", in: site.people, members: [ann])
      try await site.sync()
      let id = try #require(site.target.id("ann@corp.example"))
      site.target.tamper { $0[id] = nil }
      site.directory.modify(ann, ["department": ["x"]])
      let report = try await site.sync()
      #expect(report.pending == 0)
      #expect(site.target["ann@corp.example"]?.attributes.text("department") == "x")
      #expect(site.target.members("g") == ["ann"])
    }
  }

  @Test(arguments: [1, 3])
  func unavailableTargetStopsTheExportAtOnce(operationsPerRequest: Int) async throws {
    try await Site.with(MemoryTarget(operationsPerRequest: operationsPerRequest)) { site in
      for index in 0..<12 { _ = site.directory.user("u\(index)", in: site.people) }
      site.target.beUnavailable(afterOperations: 4)
      await #expect {
        try await site.sync()
      } throws: { ($0 as? ConnectError)?.code == .targetUnreachable }
      #expect(site.target.objects.count == 4)
      #expect(site.target.requests <= 5)
      site.target.beUnavailable(afterOperations: nil)
      let report = try await site.sync()
      #expect(report.pending == 0)
      #expect(site.target.objects.count == 12)
      #expect(site.target.creates.values.allSatisfy { $0 == 1 })
    }
  }
}
