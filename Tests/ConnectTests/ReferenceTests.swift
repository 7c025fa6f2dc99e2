// SPDX-License-Identifier: Apache-2.0

import Foundation
import IdentityModel
import Synchronization
import Testing

@testable import Connect

/// References that point outside the imported partitions: the Global Catalog tells what they name, once.
@Suite struct ReferenceTests {
  /// What somebody else brought to the target, under a source anchor.
  private func bring(
    _ name: String, _ kind: ObjectKind = .user, of anchor: Anchor, to site: Site, privileged: Bool = false
  ) {
    site.target.tamper {
      $0["x-" + name] = .init(
        kind: kind, sourceAnchor: SourceAnchor.of(anchor, kind: kind, attributes: .init()),
        attributes: Attributes(texts: ["userPrincipalName": ["\(name)@child.corp.example"], "displayName": [name]]),
        isPrivileged: privileged)
    }
  }

  private func outside(_ object: String, _ site: Site) async throws -> [OutsideReference] {
    try await site.finder(site.catalogued()).show(object, in: site.store).flatMap(\.entries).flatMap(\.outside)
  }

  @Test func aMemberThatTheTargetHoldsIsTold() async throws {
    try await Site.with { site in
      let outsider = site.catalog.add(.user, "out", number: 1)
      bring("out", of: outsider, to: site)
      let ann = site.directory.user("ann", in: site.people, links: ["manager": [outsider]])
      let group = site.directory.group("g", in: site.people, members: [ann, outsider])
      var report = try await site.sync(site.catalogued())
      #expect(report.references?.map(\.resolved) == [1])
      #expect(report.pending == 0 && report.errors == [])
      #expect(site.target.members("g") == ["ann", "out"])
      #expect(site.target["ann@corp.example"]?.links["manager"] == ["x-out"])
      // It stays the target's own: nothing but references was said about it.
      #expect(site.target.objects.count == 3)
      #expect(site.target.creates[SourceAnchor.of(outsider, kind: .user, attributes: .init())] == nil)
      let told = try #require(try await outside("g", site).first)
      #expect(told.kind == .user && told.userPrincipalName == "out@child.corp.example")
      #expect(told.exportedTo == ["tenant"] && told.reason == nil)
      #expect(told.sourceAnchor == SourceAnchor.of(outsider, kind: .user, attributes: .init()))

      // Nothing is asked or told twice, in a full pass either.
      site.target.forgetOperations()
      report = try await site.sync(site.catalogued())
      #expect(site.catalog.questions == [outsider] && report.references == nil)
      report = try await site.sync(full: true, site.catalogued())
      #expect(site.target.operations.isEmpty && report.pending == 0)
      #expect(site.target.members("g") == ["ann", "out"])

      site.directory.link(group, "member", remove: [outsider])
      try await site.sync(site.catalogued())
      #expect(site.target.members("g") == ["ann"])
      site.directory.link(ann, "manager", remove: [outsider])
      try await site.sync(site.catalogued())
      try await site.sync(full: true, site.catalogued())
      #expect(try await site.count("SELECT COUNT(*) FROM entry WHERE partition = 0") == 0)
      #expect(try await site.count("SELECT COUNT(*) FROM mv WHERE outside = 1") == 0)
      #expect(try await site.count("SELECT COUNT(*) FROM unresolved") == 0)
      #expect(site.target.id("out") != nil)
    }
  }

  @Test func aMemberThatTheTargetDoesNotHoldWaitsForIt() async throws {
    try await Site.with { site in
      let outsider = site.catalog.add(.user, "out", number: 1)
      let contact = site.catalog.add(.contact, "someone", number: 2)
      let own = site.directory.user("own", in: site.people)
      _ = site.directory.group("g", in: site.people, members: [own, outsider, contact])
      let report = try await site.sync(site.catalogued())
      #expect(report.pending == 0 && report.errors == [] && site.target.members("g") == ["own"])
      let references = try await outside("g", site)
      #expect(references.map(\.kind) == [.user, .contact])
      #expect(references.allSatisfy { $0.exportedTo.isEmpty })
      #expect(references[0].reason?.contains("holds no object") == true)
      #expect(references[1].reason == "tenant has no place for objects of type contact")
      // Somebody brings it: the next full reading of the target finds it.
      bring("out", of: outsider, to: site)
      site.advance(25 * 3600)
      try await site.sync(site.catalogued())
      #expect(site.target.members("g") == ["out", "own"])
      // And takes it away.
      site.target.tamper { $0["x-out"] = nil }
      site.advance(25 * 3600)
      let last = try await site.sync(site.catalogued())
      #expect(last.pending == 0 && last.errors == [])
      #expect(site.target.members("g") == ["own"])
    }
  }

  /// It is out of scope, and so are nobody's groups: they name it still, and the catalog knows what they name.
  @Test(arguments: [false, true])
  func aMemberThatMovesToADomainThatIsNotImportedStaysInItsGroups(_ full: Bool) async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let bob = site.directory.user("bob", in: site.people)
      let group = site.directory.group("g", in: site.people, members: [ann, bob])
      try await site.sync(site.catalogued())
      #expect(site.target.members("g") == ["ann", "bob"])

      // The domain tells that it is gone; its groups are not told anything, and hold it as before.
      site.directory.leave(ann)
      site.catalog.add(.user, "ann", as: ann)
      var report = try await site.sync(full: full, site.catalogued())
      #expect(site.target.id("ann") == nil && site.target.members("g") == ["bob"])
      #expect(report.imports.map(\.deleted) == [1] && report.errors == [])
      report = try await site.sync(site.catalogued())
      #expect(report.references?.map(\.resolved) == [1] && report.pending == 0)
      let told = try #require(try await outside("g", site).first)
      #expect(told.userPrincipalName == "ann@child.corp.example" && told.exportedTo.isEmpty)

      // Whoever synchronises the other domain brings it to the target: it is a member again.
      bring("ann", of: ann, to: site)
      site.advance(25 * 3600)
      try await site.sync(site.catalogued())
      #expect(site.target.members("g") == ["ann", "bob"])
      // And when it leaves the group there, it leaves it here.
      site.directory.link(group, "member", remove: [ann])
      try await site.sync(site.catalogued())
      #expect(site.target.members("g") == ["bob"])
    }
  }

  @Test func aPrivilegedAccountIsNotReferredTo() async throws {
    try await Site.with { site in
      let outsider = site.catalog.add(.user, "admin", number: 1)
      bring("admin", of: outsider, to: site, privileged: true)
      _ = site.directory.group("g", in: site.people, members: [outsider])
      try await site.sync(site.catalogued())
      #expect(site.target.members("g") == [])
    }
  }

  @Test func anOutsideGroupKeepsItsOwnMembers() async throws {
    try await Site.with { site in
      let nested = site.catalog.add(.group, "nested", number: 1)
      bring("nested", .group, of: nested, to: site)
      let ann = site.directory.user("ann", in: site.people)
      _ = site.directory.group("g", in: site.people, members: [nested, ann])
      try await site.sync(site.catalogued())
      let id = try #require(site.target.id("ann@corp.example"))
      site.target.tamper { $0["x-nested"]?.links["members"] = [id] }
      try await site.sync(full: true, site.catalogued())
      #expect(site.target.objects["x-nested"]?.links["members"] == [id])
      #expect(site.target.members("g") == ["ann", "nested"])
    }
  }

  @Test func aSilentCatalogHoldsUpNothingElseAndIsAskedAgain() async throws {
    try await Site.with { site in
      let outsider = site.catalog.add(.user, "out", number: 1)
      bring("out", of: outsider, to: site)
      let ann = site.directory.user("ann", in: site.people)
      _ = site.directory.group("g", in: site.people, members: [ann, outsider])
      site.catalog.beDown(true)
      var report = try await site.sync(site.catalogued())
      #expect(report.errors.count == 1 && report.references?.first?.waiting == 1)
      #expect(site.target.members("g") == ["ann"])
      let status = try await ConnectStatus.read(site.store).references
      #expect(status.map(\.unresolved) == [1] && status.map(\.resolved) == [0])
      #expect(status.first?.detail?.contains("dc1:3268 is silent") == true)
      let waiting = try #require(try await outside("g", site).first)
      #expect(waiting.kind == nil && waiting.nextTry == status.first?.nextTry)
      // Not before its time, and later after each failure.
      report = try await site.service(site.catalogued()).poll()
      #expect(report.references == nil)
      site.advance(61)
      report = try await site.sync(site.catalogued())
      #expect(report.references?.first?.waiting == 1)
      site.catalog.beDown(false)
      site.advance(61)
      #expect(try await site.sync(site.catalogued()).references == nil)
      site.advance(60)
      // A service that finds nothing else to do asks as well.
      report = try await site.service(site.catalogued()).poll()
      #expect(report.references?.first?.resolved == 1)
      #expect(site.target.members("g") == ["ann", "out"])
      #expect(try await ConnectStatus.read(site.store).references.map(\.unresolved) == [0])
    }
  }

  /// What a preview may not leave behind.
  private func traces(_ site: Site) async throws -> [Int] {
    var counts: [Int] = []
    for table in [
      "unresolved", "entry WHERE partition = 0", "mv", "pending", "pending_link", "remote", "link WHERE change = 1",
    ] {
      counts.append(try await site.count("SELECT COUNT(*) FROM \(table)"))
    }
    return counts
  }

  @Test(arguments: [false, true])
  func aPreviewResolvesAsAPassWould(full: Bool) async throws {
    try await Site.with { site in
      let outsider = site.catalog.add(.user, "out", number: 1)
      bring("out", of: outsider, to: site)
      let ann = site.directory.user("ann", in: site.people)
      let group = site.directory.group("g", in: site.people, members: [ann])
      try await site.sync(site.catalogued())
      site.directory.link(group, "member", add: [outsider, ScriptedCatalog.anchor(7)])
      // The import is a run's and stays; what the preview finds out does not.
      _ = try await site.service(site.catalogued()).preview { _ in }
      let before = try await traces(site)
      site.catalog.forgetQuestions()
      let links = Mutex<[String]>([])
      let report = try await site.service(site.catalogued()).preview(.init(full: full)) { difference in
        links.withLock { $0 += difference.links.flatMap(\.added) }
      }
      #expect(report.preview?.linksAdded == 1 && links.withLock { $0 } == ["out@child.corp.example"])
      #expect(report.references?.map(\.resolved) == [1] && report.references?.map(\.unknown) == [1])
      #expect(site.catalog.questions.count == 2)
      #expect(try await traces(site) == before)

      // A pass does what was foretold, and asks for itself.
      #expect(try await site.sync(site.catalogued()).references?.first?.resolved == 1)
      #expect(site.target.members("g") == ["ann", "out"])
      // Nothing is left to ask.
      site.catalog.forgetQuestions()
      #expect(try await site.service(site.catalogued()).preview { _ in }.preview?.isEmpty == true)
      #expect(site.catalog.questions.isEmpty)
    }
  }

  @Test func aPreviewSaysThatTheCatalogIsSilent() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      _ = site.directory.group("g", in: site.people, members: [ann, site.catalog.add(.user, "out", number: 1)])
      site.catalog.beDown(true)
      let report = try await site.service(site.catalogued()).preview { _ in }
      #expect(report.preview?.creates == 2 && report.preview?.linksAdded == 1)
      #expect(report.errors.count == 1 && report.errors.first?.contains("dc1:3268 is silent") == true)
      #expect(report.references?.first?.waiting == 1)
      // The time of the next try is a pass's to choose.
      #expect(try await site.count("SELECT COUNT(*) FROM unresolved") == 0)
    }
  }

  @Test func whatTheCatalogDoesNotKnowIsAskedForAgainTheNextDay() async throws {
    try await Site.with { site in
      let outsider = ScriptedCatalog.anchor(1)
      bring("out", of: outsider, to: site)
      _ = site.directory.group("g", in: site.people, members: [outsider])
      var report = try await site.sync(site.catalogued())
      #expect(report.references?.first?.unknown == 1 && report.errors == [])
      site.catalog.add(.user, "out", number: 1)
      site.advance(3600)
      #expect(try await site.sync(site.catalogued()).references == nil)
      site.advance(24 * 3600)
      report = try await site.sync(site.catalogued())
      #expect(report.references?.first?.resolved == 1)
      #expect(site.target.members("g") == ["out"])
    }
  }

  @Test func onlyReferencesOfExportedObjectsAreAskedFor() async throws {
    try await Site.with { site in
      let outsider = site.catalog.add(.user, "out", number: 1)
      var configuration = site.catalogued()
      configuration.forests[0].filter.include = ["OU=People,DC=corp,DC=example"]
      let hidden = site.directory.user("hidden", in: site.other)
      let group = site.directory.group("g", in: site.other, members: [outsider])
      _ = site.directory.group("seen", in: site.people, members: [hidden])
      try await site.sync(configuration)
      #expect(site.catalog.questions.isEmpty)
      site.directory.move(group, to: site.people)
      try await site.sync(configuration)
      #expect(site.catalog.questions == [outsider])
    }
  }

  @Test func aDomainThatIsImportedLaterTakesItsObjectsOver() async throws {
    try await Site.with { site in
      // The GUID of the object that the directory makes next.
      let configuration = site.catalogued()
      let late = Anchor([0] + [UInt8](repeating: 0, count: 14) + [6])
      let group = site.directory.group("g", in: site.people)
      let ann = site.directory.user("ann", in: site.people)
      site.catalog.add(.user, "late", as: late)
      site.directory.link(group, "member", add: [ann, late])
      bring("late", of: late, to: site)
      try await site.sync(configuration)
      #expect(site.target.members("g") == ["ann", "late"])
      let made = site.directory.user("late", in: site.people, ["displayname": ["late, imported"]])
      #expect(made == late)
      let report = try await site.sync(configuration)
      #expect(report.exported(.user).updated == 1 && report.exported(.user).created == 0)
      #expect(site.target.id("late@corp.example") == "x-late")
      #expect(site.target.members("g") == ["ann", "late, imported"])
      #expect(try await site.count("SELECT COUNT(*) FROM mv WHERE outside = 1") == 0)
      #expect(try await site.count("SELECT COUNT(*) FROM entry WHERE partition = 0") == 0)
      // Out of scope it is no member any more.
      var narrow = configuration
      narrow.forests[0].filter.exclude = ["OU=Other,DC=corp,DC=example"]
      site.directory.move(late, to: site.other)
      narrow.guard.maximumPercent = 100
      try await site.sync(narrow)
      #expect(site.target.members("g") == ["ann"])
    }
  }

  @Test func whatIsImportedOutOfScopeIsTakenBack() async throws {
    try await Site.with { site in
      var configuration = site.catalogued()
      configuration.forests[0].filter.exclude = ["OU=Other,DC=corp,DC=example"]
      let late = Anchor([0] + [UInt8](repeating: 0, count: 14) + [6])
      let group = site.directory.group("g", in: site.people)
      let ann = site.directory.user("ann", in: site.people)
      site.catalog.add(.user, "late", as: late)
      site.directory.link(group, "member", add: [ann, late])
      bring("late", of: late, to: site)
      try await site.sync(configuration)
      #expect(site.target.members("g") == ["ann", "late"])
      #expect(site.directory.user("late", in: site.other) == late)
      try await site.sync(configuration)
      #expect(site.target.members("g") == ["ann"])
      #expect(site.target.id("late") == "x-late", "it is not ours to delete")
      try await site.sync(full: true, configuration)
      #expect(try await site.count("SELECT COUNT(*) FROM mv WHERE outside = 1") == 0)
      site.directory.move(late, to: site.people)
      try await site.sync(configuration)
      #expect(site.target.members("g") == ["ann", "late"])
    }
  }
}
