// SPDX-License-Identifier: Apache-2.0

import Foundation
import IdentityModel
import Store
import Testing
import Wire

@testable import Connect

@Suite struct InspectTests {
  @Test func eachTargetIsJudgedByWhatItTakesItself() async throws {
    try await Site.with { site in
      var configuration = site.configuration()
      let first = configuration.targets[0].name
      configuration.targets.append(configuration.targets[0])
      configuration.targets[1].name = "sync"
      let finder = ObjectFinder(
        configuration: configuration, vocabularies: [first: .scim, "sync": .syncAPI], now: { .distantPast })
      let targets = try await site.store.read { try finder.targets($0) }
      // A SCIM service has to name the extension first that holds it.
      #expect(targets.map { $0.accepts("onPremisesSecurityIdentifier", of: .user) } == [false, true])
      #expect(targets.allSatisfy { $0.accepts("displayName", of: .user) })
    }
  }

  @Test func showsAnObjectInEverySpace() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people, ["department": ["Sales"], "mail": ["ann@corp.example"]])
      let anchor = SourceAnchor.of(ann, kind: .user, attributes: Attributes())
      _ = site.directory.group("g", in: site.people, members: [ann])
      try await site.sync()
      let finder = site.finder()
      let names = [
        "cn=ann, ou=people,dc=corp,dc=example", "ANN@corp.example", "ann", anchor,
        try #require(GUID(ann.bytes)).description,
      ]
      for name in names {
        let view = try #require(try await finder.show(name, in: site.store).first, "\(name)")
        #expect(view.entries.first?.name == "CN=ann,OU=People,DC=corp,DC=example")
        #expect(view.entries.first?.excluded == nil)
        #expect(view.metaverse?.sourceAnchor == anchor)
        #expect(
          view.metaverse?.attributes.first { $0.name == "department" }
            == .init(name: "department", values: ["Sales"], rule: "User common"))
        #expect(view.remotes.first?.id == site.target.id("ann@corp.example"))
        #expect(view.pending.isEmpty)
      }
      let group = try #require(try await finder.show("g", in: site.store).first)
      #expect(group.entries.first?.references == ["member": 1])
      #expect(group.remotes.first?.references == ["members": 1])
      await #expect(throws: ConnectError.self) { try await finder.show("nobody", in: site.store) }
    }
  }

  /// What one target has no place for is no difference there.
  @Test func eachTargetIsComparedInItsOwnVocabulary() async throws {
    try await Site.with(MemoryTarget(vocabulary: [.user: ["userPrincipalName", "displayName"]])) { site in
      let configuration = site.twoTargets()
      let ann = site.directory.user("ann", in: site.people)
      try await site.sync(configuration)
      site.directory.modify(ann, ["department": ["Sales"]])
      site.second.beDown(true)
      await #expect(throws: MemoryTarget.Broken.self) { try await site.sync(configuration) }
      let view = try #require(try await site.finder(configuration).show("ann", in: site.store).first)
      #expect(view.pending.map(\.target) == ["second"])
      #expect(view.pending.first?.attributes.map(\.name) == ["department"])
      #expect(view.remotes.map(\.target) == ["tenant", "second"])
    }
  }

  @Test func saysWhyAnObjectIsOut() async throws {
    try await Site.with { site in
      _ = site.directory.user("krbtgt", in: site.people, ["iscriticalsystemobject": ["TRUE"]])
      let twin = site.directory.user("twin", in: site.people)
      _ = site.directory.user("other", in: site.people, ["userprincipalname": ["twin@corp.example"]])
      try await site.sync()
      let finder = site.finder()
      #expect(
        try await finder.show("krbtgt", in: site.store).first?.entries.first?.excluded
          == "it is a critical system object")
      let view = try #require(try await finder.show("other", in: site.store).first)
      #expect(view.quarantine.map(\.reason) == ["duplicateUserName"])
      #expect(view.quarantine.first?.other == "twin@corp.example")
      #expect(view.pending.first?.isHeld == true)
      _ = twin
    }
  }

  @Test func statusAndHistory() async throws {
    try await Site.with { site in
      _ = site.directory.user("ann", in: site.people)
      try await site.sync()
      let ledger = FlowLedger()
      let use = FlowUse(
        row: "connect-ad/ldap", transport: .tcp, host: "dc1", address: "127.0.0.1", port: 389, protection: "none")
      ledger.record(use)
      ledger.record(use)
      try await ledger.flush(to: site.store, at: 1)
      ledger.record(use)
      try await ledger.flush(to: site.store, at: 2)
      let status = try await ConnectStatus.read(site.store)
      #expect(status.flows.map(\.count) == [3])
      #expect(status.flows.first?.lastAt == 2)
      #expect(status.runs.map(\.outcome) == [.succeeded])
      #expect(status.runs.first?.report?.exported(.user).created == 1)
      #expect(status.partitions.first?.server == "dc1")
      #expect(status.counts.first { $0.kind == "user" }?.remote == 1)
      #expect(status.pending.isEmpty)
    }
  }
}
