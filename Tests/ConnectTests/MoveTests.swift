// SPDX-License-Identifier: Apache-2.0

import Foundation
import IdentityModel
import Store
import Synchronization
import TestSupport
import Testing

@testable import Connect

/// Whoever moves from one domain of a forest to another stays who he is, down to the target.
@Suite("Moves across domains") struct MoveTests {
  enum Catalog: CaseIterable, Sendable { case up, down, off }

  /// Whether the reading of the new domain was over when the move began.
  enum Direction: CaseIterable, Sendable {
    /// From the domain that is read last to the one that was read already.
    case toTheFirst
    case toTheLast
  }

  /// A forest of two domains, whose answers a test writes, before a whole synchronisation server.
  private struct World {
    let site: Site
    let forest = Answers("a.example", "b.example")
    let catalog = ScriptedCatalog("forest.example")
    let mover = Anchor([7] + [UInt8](repeating: 0, count: 15))
    let group = Anchor([8] + [UInt8](repeating: 0, count: 15))
    let state: Catalog

    init(_ site: Site, _ state: Catalog) {
      self.site = site
      self.state = state
      catalog.beDown(state == .down)
    }

    func user(in domain: String) -> Change {
      Change(
        anchor: mover, kind: .user, name: "CN=ann,DC=\(domain),DC=example", isComplete: true,
        attributes: Attributes(texts: [
          "samaccountname": ["ann"], "userprincipalname": ["ann@corp.example"], "displayname": ["ann"], "cn": ["ann"],
          "useraccountcontrol": ["512"], "accountexpires": ["0"],
        ]))
    }

    /// Who stays in a domain, so that a full reading has something to bring.
    func rest(of domain: String) -> Change {
      if domain == "a" {
        return Change(
          anchor: group, kind: .group, name: "CN=g,DC=a,DC=example", isComplete: true,
          attributes: Attributes(texts: [
            "samaccountname": ["g"], "displayname": ["g"], "cn": ["g"], "grouptype": ["-2147483640"],
          ]), links: [LinkChange("member", .add, [mover])])
      }
      var change = user(in: domain)
      change.anchor = Anchor([9] + [UInt8](repeating: 0, count: 15))
      change.name = "CN=bob,DC=b,DC=example"
      change.attributes.set("userprincipalname", texts: ["bob@corp.example"])
      for name in ["samaccountname", "displayname", "cn"] { change.attributes.set(name, texts: ["bob"]) }
      return change
    }

    /// What the new domain tells of who came.
    func arrival(in domain: String) -> Change {
      forest.know(user(in: domain))
      var change = user(in: domain)
      change.isComplete = false
      return change
    }

    func begin(in domain: String) async throws {
      for name in ["a", "b"] {
        let here = name == domain ? [user(in: name)] : []
        forest.set("\(name).example", .init(mode: .full, batches: [[rest(of: name)] + here]))
      }
      try await sync()
      #expect(site.target.members("g") == ["ann"])
    }

    @discardableResult
    func sync(full: Bool = false) async throws -> CycleReport {
      var configuration = site.configuration()
      configuration.forests = [
        .init(name: forest.name, domains: ["a.example", "b.example"], asksCatalog: state != .off)
      ]
      return try await ConnectService(
        configuration: configuration, store: site.store, sources: [forest], targets: [site.target],
        resolvers: state == .off ? [] : [catalog], ledger: FlowLedger(), logger: .silent,
        now: { [site] in site.clock.withLock { $0 } }
      ).run(.init(full: full))
    }

    /// The same account, which was never away, and nothing is left to be done.
    func check(_ id: String?, in domain: String) async throws {
      let name = try await site.store.read { [mover] transaction in
        try transaction.value(
          "SELECT dn FROM entry WHERE anchor = ? AND deleted = 0", [.blob(mover.bytes)], as: String.self)
      }
      #expect(name == "CN=ann,DC=\(domain),DC=example")
      #expect(id != nil && site.target.id("ann@corp.example") == id)
      #expect(site.target.creates.values.allSatisfy { $0 == 1 } && site.target.creates.count == 3)
      #expect(!site.target.operations.contains { if case .delete = $0 { true } else { false } })
      #expect(site.target.members("g") == ["ann"])
      for table in ["departure", "pending", "pending_link", "quarantine"] {
        #expect(try await site.count("SELECT COUNT(*) FROM \(table)") == 0)
      }
      let requests = site.target.requests
      try await sync()
      #expect(site.target.requests == requests)
    }
  }

  @Test(arguments: Catalog.allCases, Direction.allCases)
  func whileChangesAreRead(_ catalog: Catalog, _ direction: Direction) async throws {
    try await Site.with { site in
      let world = World(site, catalog)
      let (old, new) = direction == .toTheFirst ? ("b", "a") : ("a", "b")
      try await world.begin(in: old)
      let id = site.target.id("ann@corp.example")
      // After the first domain was read.
      world.forest.set("a.example", .init())
      world.forest.set("b.example", .init())
      world.forest.after("a.example") {
        world.forest.set("\(old).example", .init(batches: [[Change(anchor: world.mover, isDeleted: true)]]))
        world.forest.set("\(new).example", .init(batches: [[world.arrival(in: new)]]))
      }
      try await world.sync()
      if direction == .toTheLast { try await world.sync() }
      try await world.check(id, in: new)
    }
  }

  /// Neither enumeration has who goes to a domain that was read already.
  @Test(arguments: Catalog.allCases, Direction.allCases)
  func whileEverythingIsRead(_ catalog: Catalog, _ direction: Direction) async throws {
    try await Site.with { site in
      let world = World(site, catalog)
      let (old, new) = direction == .toTheFirst ? ("b", "a") : ("a", "b")
      try await world.begin(in: old)
      let id = site.target.id("ann@corp.example")
      for name in ["a", "b"] {
        let here = name == old ? [world.user(in: name)] : []
        world.forest.set("\(name).example", .init(mode: .full, batches: [[world.rest(of: name)] + here]))
      }
      world.forest.after("a.example") {
        if direction == .toTheFirst {
          world.forest.set("b.example", .init(mode: .full, batches: [[world.rest(of: "b")]]))
          world.forest.set("a.example", .init(batches: [[world.arrival(in: "a")]]))
        } else {
          world.forest.set("b.example", .init(mode: .full, batches: [[world.rest(of: "b"), world.user(in: "b")]]))
          world.forest.set("a.example", .init(batches: [[Change(anchor: world.mover, isDeleted: true)]]))
        }
      }
      let report = try await world.sync(full: true)
      #expect(report.imports.map(\.mode) == [.full, .full])
      if direction == .toTheLast { try await world.sync() }
      try await world.check(id, in: new)
    }
  }

  /// The new domain's controller hears of it later than the pass lasts.
  @Test(arguments: Catalog.allCases)
  func whenTheNewDomainHearsLate(_ catalog: Catalog) async throws {
    try await Site.with { site in
      let world = World(site, catalog)
      try await world.begin(in: "b")
      let id = site.target.id("ann@corp.example")
      world.catalog.add(.user, "ann", as: world.mover, below: "DC=a,DC=example")
      world.forest.set("a.example", .init(mode: .full, batches: [[world.rest(of: "a")]]))
      world.forest.set("b.example", .init(mode: .full, batches: [[world.rest(of: "b")]]))
      try await world.sync(full: true)
      #expect(site.target.id("ann@corp.example") == id && site.target.members("g") == ["ann"])
      site.advance(30)
      try await world.sync()
      world.forest.set("a.example", .init(batches: [[world.arrival(in: "a")]]))
      site.advance(60)
      try await world.sync()
      try await world.check(id, in: "a")
    }
  }
}
