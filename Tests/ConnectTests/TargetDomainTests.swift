// SPDX-License-Identifier: Apache-2.0

import Foundation
import IdentityModel
import Store
import Synchronization
import Testing

@testable import Connect

/// Several targets, each with domains of its own: names are made, held and lost there.
@Suite struct TargetDomainTests {
  /// The first has verified corp.example, the second sales.example.
  private func sides(_ site: Site) -> ConnectConfiguration {
    site.twoTargets(verifying: ["sales.example"], initial: "second.example")
  }

  @Test func eachTargetGetsTheNameThatItsDomainsAllow() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let bob = site.directory.user("bob", in: site.people, ["userprincipalname": ["bob@sales.example"]])
      let eve = site.directory.user("eve", in: site.people, ["userprincipalname": ["eve@corp.local"]])
      _ = site.directory.group("g", in: site.people, members: [ann, bob, eve])
      let report = try await site.sync(sides(site))
      #expect(report.pending == 0 && report.quarantined == 0 && report.errors == [])
      #expect(site.target["ann@corp.example"] != nil && site.second["ann@second.example"] != nil)
      #expect(site.target["bob@corp.onbridgehead.example"] != nil && site.second["bob@sales.example"] != nil)
      #expect(site.target["eve@corp.onbridgehead.example"] != nil && site.second["eve@second.example"] != nil)
      #expect(site.target.objects.count == 4 && site.second.objects.count == 4)
      #expect(site.target.members("g") == ["ann", "bob", "eve"] && site.second.members("g") == ["ann", "bob", "eve"])

      // What a target holds is what it was told: nothing is told again.
      #expect(try await site.sync(sides(site)).requests == 0)
      #expect(try await site.sync(full: true, sides(site)).requests == 0)

      // Other values reach both; a name changes where it is another one.
      site.directory.modify(bob, ["department": ["Research"], "userprincipalname": ["bob@corp.example"]])
      try await site.sync(sides(site))
      #expect(site.target["bob@corp.example"]?.attributes.text("department") == "Research")
      #expect(site.second["bob@second.example"]?.attributes.text("department") == "Research")
      site.directory.delete(ann)
      let last = try await site.sync(sides(site))
      #expect(last.pending == 0 && site.target.objects.count == 3 && site.second.objects.count == 3)
      #expect(try await site.count("SELECT COUNT(*) FROM form WHERE mv NOT IN (SELECT id FROM mv)") == 0)
    }
  }

  @Test func aNameThatIsTakenAtOneTargetIsFreeAtTheOther() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people, ["userprincipalname": ["ann@sales.example"]])
      let twin = site.directory.user(
        "twin", in: site.people, ["userprincipalname": ["ann@corp.onbridgehead.example"], "mailnickname": ["twin"]])
      let report = try await site.sync(sides(site))
      // Both are ann@corp.onbridgehead.example at the first target; the second knows them by different names.
      #expect(report.quarantined == 1 && report.pending == 1)
      #expect(site.target["ann@corp.onbridgehead.example"]?.attributes.text("displayName") == "ann")
      #expect(site.target.objects.count == 1)
      #expect(site.second["ann@sales.example"] != nil && site.second["twin@second.example"] != nil)
      let view = try #require(try await site.finder(sides(site)).show("twin", in: site.store).first)
      #expect(view.quarantine.map(\.target) == ["tenant"] && view.quarantine.map(\.reason) == ["duplicateUserName"])
      #expect(view.metaverse?.forms?.map(\.target) == ["second"])
      #expect(
        view.metaverse?.forms?.first?.attributes
          == [.init(name: "userPrincipalName", values: ["twin@second.example"])])

      // The one who waits goes on at the other target, and gets the name when it is given up.
      site.directory.modify(twin, ["department": ["Research"]])
      try await site.sync(sides(site))
      #expect(site.second["twin@second.example"]?.attributes.text("department") == "Research")
      site.directory.delete(ann)
      let last = try await site.sync(sides(site))
      #expect(last.quarantined == 0 && last.pending == 0)
      #expect(site.target["ann@corp.onbridgehead.example"]?.attributes.text("displayName") == "twin")
      #expect(try await site.count("SELECT COUNT(*) FROM quarantine") == 0)
    }
  }

  @Test func aConflictAtEveryTargetIsToldOnce() async throws {
    try await Site.with { site in
      _ = site.directory.user("ann", in: site.people)
      _ = site.directory.user(
        "twin", in: site.people, ["userprincipalname": ["ann@corp.example"], "mailnickname": ["twin"]])
      let report = try await site.sync(site.twoTargets())
      #expect(report.quarantined == 1 && report.pending == 2)
      #expect(try await site.count("SELECT COUNT(*) FROM quarantine WHERE target = ''") == 1)
      // Where one target's domains part the two, it is that of the other alone.
      let parted = site.twoTargets(verifying: ["second.example"], initial: "second.example")
      let second = try await site.sync(parted)
      #expect(try await site.count("SELECT COUNT(*) FROM quarantine WHERE target = 'tenant'") == 1)
      #expect(second.quarantined == 1)
      #expect(site.second["twin@second.example"] != nil && site.second["ann@second.example"] != nil)
    }
  }

  @Test func aDomainThatOneTargetVerifiesChangesNamesThereOnly() async throws {
    try await Site.with { site in
      _ = site.directory.user("bob", in: site.people, ["userprincipalname": ["bob@sales.example"]])
      try await site.sync(site.twoTargets())
      #expect(site.target.picture == site.second.picture)
      site.target.forgetOperations()
      let report = try await site.sync(
        site.twoTargets(verifying: ["corp.example", "sales.example"]))
      #expect(report.pending == 0 && site.target.operations.isEmpty)
      #expect(site.target["bob@corp.onbridgehead.example"] != nil && site.second["bob@sales.example"] != nil)
      #expect(site.second.creates.values.allSatisfy { $0 == 1 })
      // And back.
      try await site.sync(site.twoTargets())
      #expect(site.target.picture == site.second.picture)
      #expect(try await site.count("SELECT COUNT(*) FROM form") == 0)
    }
  }

  @Test func whatATargetHeldBeforeIsFoundByItsNameThere() async throws {
    try await Site.with { site in
      site.second.tamper {
        $0["mine"] = .init(
          kind: .user, sourceAnchor: "", attributes: Attributes(texts: ["userPrincipalName": ["bob@sales.example"]]))
      }
      _ = site.directory.user("bob", in: site.people, ["userprincipalname": ["bob@sales.example"]])
      let report = try await site.sync(sides(site))
      #expect(report.exported(.user).adopted == 1 && report.exported(.user).created == 1)
      #expect(site.second.id("bob@sales.example") == "mine")
    }
  }

  @Test func aPreviewAndTheRulesTellEachTargetsNames() async throws {
    try await Site.with { site in
      _ = site.directory.user("bob", in: site.people, ["userprincipalname": ["bob@sales.example"]])
      let names = Mutex<[String]>([])
      let report = try await site.service(sides(site)).preview { difference in
        names.withLock { $0.append("\(difference.target) \(difference.name)") }
      }
      #expect(report.preview?.creates == 2)
      #expect(names.withLock { $0.sorted() } == ["second bob@sales.example", "tenant bob@corp.onbridgehead.example"])
      try await site.sync(sides(site))
      let explanation = try #require(try await site.finder(sides(site)).explain("bob", in: site.store).first)
      #expect(
        explanation.forms == [
          .init(target: "second", attributes: [.init(name: "userPrincipalName", values: ["bob@sales.example"])])
        ])
    }
  }

  @Test func theFirstNicknameIsKeptWhicheverTargetNeedsIt() async throws {
    try await Site.with { site in
      let bob = site.directory.user("bob", in: site.people, ["mailnickname": ["bobby"]])
      try await site.sync(sides(site))
      #expect(site.second["bobby@second.example"] != nil)
      site.directory.modify(bob, ["mailnickname": ["robert"], "userprincipalname": ["bob@corp.local"]])
      try await site.sync(sides(site))
      #expect(site.second["bobby@second.example"] != nil && site.target["bobby@corp.onbridgehead.example"] != nil)
    }
  }
}
