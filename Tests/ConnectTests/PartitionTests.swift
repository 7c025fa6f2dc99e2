// SPDX-License-Identifier: Apache-2.0

import Foundation
import IdentityModel
import Logging
import Store
import Testing

@testable import Connect
import Wire

@Suite("Partitions of a forest") struct PartitionTests {
  private let forest = Answers("a.example", "b.example")

  private static func anchor(_ number: Int) -> Anchor {
    Anchor((0..<16).map { UInt8(truncatingIfNeeded: $0 < 8 ? number >> ($0 * 8) : 0) })
  }

  private static func user(_ number: Int, in domain: String, _ attributes: [String: [String]] = [:]) -> Change {
    Change(
      anchor: anchor(number), kind: .user, name: "CN=u\(number),DC=\(domain)", isComplete: true,
      attributes: Attributes(texts: attributes.merging(["cn": ["u\(number)"]]) { $1 }))
  }

  private static func group(_ number: Int, in domain: String, _ members: [Int]) -> Change {
    Change(
      anchor: anchor(number), kind: .group, name: "CN=g\(number),DC=\(domain)", isComplete: true,
      links: [LinkChange("member", .add, members.map { anchor($0) })])
  }

  private func withStore(_ body: (SQLiteStore) async throws -> Void) async throws {
    let folder = NSTemporaryDirectory() + "bridgehead-partitions-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let store = try await SQLiteStore.open(path: folder + "/connect.db", migrations: ConnectSchema.migrations)
    try await body(store)
    try await store.close()
  }

  @discardableResult
  private func read(
    _ store: any Store, full: Bool = false, at time: Double = 0, asking catalog: ScriptedCatalog? = nil
  ) async throws -> [CycleReport.Import] {
    try await Importer(
      source: forest, resolver: catalog, store: store, logger: Logger(label: "test"), now: { time }, progress: .none
    ).run(full: full)
  }

  /// A catalog that has nobody of those who left.
  private var nobodyKnown: ScriptedCatalog { ScriptedCatalog("forest.example") }

  private func live(_ store: any Store) async throws -> [String] {
    try await store.read { transaction in
      try transaction.query("SELECT dn FROM entry WHERE deleted = 0 ORDER BY dn", []) { try $0[0] as String }
    }
  }

  private func count(_ store: any Store, _ condition: String) async throws -> Int? {
    try await store.read { try $0.value("SELECT COUNT(*) FROM \(condition)", as: Int.self) }
  }

  private func load(_ store: any Store) async throws {
    forest.set(
      "a.example",
      .init(mode: .full, batches: [[Self.user(1, in: "a"), Self.user(2, in: "a"), Self.group(3, in: "a", [1, 2])]]))
    forest.set("b.example", .init(mode: .full, batches: [[Self.user(4, in: "b")]]))
    try await read(store)
  }

  @Test func aMoveAcrossDomainsIsNoDeletion() async throws {
    try await withStore { store in
      try await load(store)
      // The old domain tells a deletion first, the new one what a changed object tells.
      forest.set("a.example", .init(batches: [[Change(anchor: Self.anchor(1), isDeleted: true)]]))
      var moved = Self.user(1, in: "b")
      forest.know(moved)
      moved.isComplete = false
      forest.set("b.example", .init(batches: [[moved]]))
      let reports = try await read(store)
      #expect(reports.map(\.deleted) == [0, 0])
      #expect(try await live(store) == ["CN=g3,DC=a", "CN=u1,DC=b", "CN=u2,DC=a", "CN=u4,DC=b"])
      #expect(try await count(store, "link WHERE change = -1") == 0)
      #expect(try await count(store, "departure") == 0)
      // Back again; this time the new domain is read before the old one tells.
      forest.set("a.example", .init(batches: [[Self.user(1, in: "a")]]))
      forest.set("b.example", .init(batches: [[Change(anchor: Self.anchor(1), isDeleted: true)]]))
      #expect(try await read(store).map(\.deleted) == [0, 0])
      #expect(try await live(store).contains("CN=u1,DC=a"))
    }
  }

  @Test func deletionsWaitForEveryPartition() async throws {
    try await withStore { store in
      try await load(store)
      forest.set("a.example", .init(batches: [[Change(anchor: Self.anchor(1), isDeleted: true)]]))
      forest.set("b.example", nil)
      await #expect(throws: ConnectError.self) { try await read(store) }
      #expect(try await live(store).contains("CN=u1,DC=a"))
      forest.set("a.example", .init())
      forest.set("b.example", .init())
      #expect(try await read(store, asking: nobodyKnown).map(\.deleted) == [1, 0])
      #expect(try await !live(store).contains("CN=u1,DC=a"))
      #expect(try await count(store, "link WHERE change = -1") == 1)
    }
  }

  /// The catalog has it in the other domain, whose controller has not heard of it yet.
  @Test(arguments: [ImportReading.Mode.delta, .full])
  func whatIsOnItsWayIsNotDeleted(_ mode: ImportReading.Mode) async throws {
    try await withStore { store in
      try await load(store)
      let catalog = ScriptedCatalog("forest.example")
      catalog.add(.user, "u1", as: Self.anchor(1), below: "DC=b,DC=example")
      // The catalog hears late: what it still has where it left is deleted.
      catalog.add(.user, "u2", as: Self.anchor(2), below: "DC=a,DC=example")
      let gone = [1, 2].map { Change(anchor: Self.anchor($0), isDeleted: true) }
      let group = Self.group(3, in: "a", [1])
      forest.set("a.example", .init(mode: mode, batches: [mode == .full ? [group] : gone]))
      forest.set("b.example", .init())
      #expect(try await read(store, full: mode == .full, asking: catalog).map(\.deleted) == [1, 0])
      #expect(try await live(store) == ["CN=g3,DC=a", "CN=u1,DC=a", "CN=u4,DC=b"])
      #expect(
        try await count(store, "link WHERE target_guid = x'01000000000000000000000000000000' AND change IS NOT -1") == 1
      )
      // It waits as long as it takes, and is asked for from time to time.
      forest.set("a.example", .init())
      var questions: [Int] = []
      for time in [1, 2, 200, 201] as [Double] {
        catalog.forgetQuestions()
        #expect(try await read(store, at: time, asking: catalog).map(\.deleted) == [0, 0])
        questions.append(catalog.questions.count)
      }
      #expect(questions == [0, 0, 1, 0])
      var moved = Self.user(1, in: "b")
      forest.know(moved)
      moved.isComplete = false
      forest.set("b.example", .init(batches: [[moved]]))
      #expect(try await read(store, asking: catalog).map(\.deleted) == [0, 0])
      #expect(try await live(store) == ["CN=g3,DC=a", "CN=u1,DC=b", "CN=u4,DC=b"])
      #expect(try await count(store, "departure") == 0)
    }
  }

  /// Whoever names an object does not choose its domain.
  @Test(arguments: [
    ("CN=a,OU=b,DC=Child,dc=corp,DC=example", "child.corp.example"), ("DC=corp,DC=example", "corp.example"),
    (#"CN=a\,DC=evil,DC=corp,DC=example"#, "corp.example"), (#"CN=a\2CDC=evil,DC=corp,DC=example"#, "corp.example"),
    (#"CN=a\\,DC=corp,DC=example"#, "corp.example"), ("CN=a, DC = corp , DC=example", "corp.example"), ("CN=a", ""),
    ("", ""),
  ])
  func aNameSaysItsDomain(_ name: String, _ domain: String) { #expect(DistinguishedName.domain(of: name) == domain) }

  @Test func whatTheCatalogDoesNotKnowIsDeleted() async throws {
    try await withStore { store in
      try await load(store)
      let catalog = nobodyKnown
      forest.set("a.example", .init(batches: [[Change(anchor: Self.anchor(1), isDeleted: true)]]))
      forest.set("b.example", .init())
      #expect(try await read(store, asking: catalog).map(\.deleted) == [1, 0])
      #expect(catalog.questions == [Self.anchor(1)])
      #expect(try await count(store, "link WHERE change = -1") == 1)
      // Nothing left, nobody is asked.
      try await read(store, asking: catalog)
      #expect(catalog.questions.count == 1)
    }
  }

  /// Whom nobody could be asked for may be on the way: all partitions are read once more, after a while.
  @Test(arguments: [ImportReading.Mode.delta, .full], [false, true])
  func whomNobodyIsAskedForWaits(_ mode: ImportReading.Mode, hasCatalog: Bool) async throws {
    try await withStore { store in
      try await load(store)
      let catalog = hasCatalog ? nobodyKnown : nil
      catalog?.beDown(true)
      let rest = [Self.user(2, in: "a"), Self.group(3, in: "a", [2])]
      let gone = [Change(anchor: Self.anchor(1), isDeleted: true)]
      forest.set("a.example", .init(mode: mode, batches: [mode == .full ? rest : gone]))
      forest.set("b.example", .init())
      for time in [0, 1, Whereabouts.interval - 1] {
        #expect(
          try await read(store, full: mode == .full && time == 0, at: time, asking: catalog).map(\.deleted) == [0, 0])
      }
      #expect(try await live(store).contains("CN=u1,DC=a"))
      #expect(try await read(store, at: Whereabouts.interval, asking: catalog).map(\.deleted) == [1, 0])
      #expect(try await !live(store).contains("CN=u1,DC=a"))
      #expect(try await count(store, "departure") == 0)
    }
  }

  /// Whom the catalog has seen elsewhere is waited for also when it falls silent.
  @Test func aSilentCatalogForgetsNobody() async throws {
    try await withStore { store in
      try await load(store)
      let catalog = ScriptedCatalog("forest.example")
      catalog.add(.user, "u1", as: Self.anchor(1), below: "DC=b,DC=example")
      forest.set("a.example", .init(batches: [[Change(anchor: Self.anchor(1), isDeleted: true)]]))
      forest.set("b.example", .init())
      try await read(store, asking: catalog)
      catalog.beDown(true)
      for time in [100, 200, 300] as [Double] {
        #expect(try await read(store, at: time, asking: catalog).map(\.deleted) == [0, 0])
      }
      catalog.beDown(false)
      catalog.remove(Self.anchor(1))
      #expect(try await read(store, at: 400, asking: catalog).map(\.deleted) == [1, 0])
    }
  }

  /// In a forest that is read as one partition there is nowhere to go.
  @Test func inOnePartitionNobodyWaits() async throws {
    try await withStore { store in
      let forest = Answers("a.example")
      func read(full: Bool = false) async throws -> [Int] {
        try await Importer(
          source: forest, store: store, logger: Logger(label: "test"), now: { 0 }, progress: .none
        ).run(full: full).map(\.deleted)
      }
      forest.set("a.example", .init(mode: .full, batches: [[Self.user(1, in: "a"), Self.user(2, in: "a")]]))
      _ = try await read()
      forest.set("a.example", .init(batches: [[Change(anchor: Self.anchor(1), isDeleted: true)]]))
      #expect(try await read() == [1])
      forest.set("a.example", .init(mode: .full))
      #expect(try await read(full: true) == [1])
    }
  }

  /// A reading that was cut off says of nobody that he is absent, whatever the one before it left to be done.
  @Test(arguments: [false, true])
  func twoReadingsThatWereCutOffDeleteNobody(isOneAbsent: Bool) async throws {
    try await withStore { store in
      try await load(store)
      // Complete for this partition, and cut off before anything is concluded from it.
      var everybody = [Self.user(1, in: "a"), Self.user(2, in: "a"), Self.group(3, in: "a", [1, 2])]
      if isOneAbsent { everybody = [Self.user(2, in: "a"), Self.group(3, in: "a", [2])] }
      forest.set("a.example", .init(mode: .full, batches: [everybody]))
      forest.set("b.example", nil)
      await #expect(throws: ConnectError.self) { try await read(store, full: true) }
      // Cut off half way.
      forest.set("a.example", .init(mode: .full, batches: [[Self.user(5, in: "a")], everybody], breaksAfter: 1))
      let error = await #expect(throws: ConnectError.self) { try await read(store, full: true) }
      #expect(error?.code == .importIncomplete)
      forest.set("a.example", .init())
      forest.set("b.example", .init())
      #expect(try await read(store, asking: nobodyKnown).map(\.deleted) == [isOneAbsent ? 1 : 0, 0])
      // What came before the break was not yet written.
      let expected = ["CN=g3,DC=a", "CN=u1,DC=a", "CN=u2,DC=a", "CN=u4,DC=b"]
      let alive = try await live(store)
      #expect(alive == expected.filter { !isOneAbsent || $0 != "CN=u1,DC=a" })
      #expect(try await count(store, "link WHERE change = -1") == (isOneAbsent ? 1 : 0))
    }
  }

  /// The partition of what comes back tells who refers to it there; the others are asked.
  @Test func referencesFromOtherPartitionsComeBack() async throws {
    try await withStore { store in
      try await load(store)
      let member = Change(
        anchor: Self.anchor(3), name: "CN=g3,DC=a", links: [LinkChange("member", .add, [Self.anchor(4)])])
      forest.set("a.example", .init(batches: [[member]]))
      forest.set("b.example", .init(batches: [[Self.group(6, in: "b", [4])]]))
      try await read(store)
      func references() async throws -> Int? {
        try await count(store, "link WHERE target_guid = x'04000000000000000000000000000000' AND change IS NOT -1")
      }
      #expect(try await references() == 2)
      forest.set("b.example", .init(batches: [[Change(anchor: Self.anchor(4), isDeleted: true)]]))
      #expect(try await read(store, asking: nobodyKnown).map(\.deleted) == [0, 1])
      #expect(try await references() == 0)

      var whole = Self.user(4, in: "b")
      whole.referrers = [LinkChange("member", .replace, [Self.anchor(6)])]
      forest.know(whole)
      var elsewhere = Change(anchor: Self.anchor(4))
      // An owner that is unknown, and one of a partition that was not asked.
      elsewhere.referrers = [LinkChange("member", .add, [Self.anchor(3), Self.anchor(99), Self.anchor(6)])]
      forest.refer(to: elsewhere, in: "a.example")
      var back = Change(anchor: Self.anchor(4), name: "CN=u4,DC=b")
      back.isRestored = true
      forest.set("b.example", .init(batches: [[back]]))
      try await read(store)
      #expect(try await live(store).contains("CN=u4,DC=b"))
      #expect(forest.questions(to: "a.example") == [Self.anchor(4)] && forest.questions(to: "b.example") == [])
      #expect(try await references() == 2)
      #expect(try await count(store, "returned") == 0)
      try await read(store)
      #expect(forest.questions(to: "a.example").count == 1)
    }
  }

  @Test func absenceWaitsForEveryPartition() async throws {
    try await withStore { store in
      try await load(store)
      forest.set("a.example", .init(mode: .full, batches: [[Self.user(2, in: "a"), Self.group(3, in: "a", [2])]]))
      forest.set("b.example", nil)
      await #expect(throws: ConnectError.self) { try await read(store, full: true) }
      #expect(try await live(store).contains("CN=u1,DC=a"))
      // The enumeration was complete and is remembered.
      forest.set("a.example", .init())
      forest.set("b.example", .init(batches: [[Self.user(5, in: "b")]]))
      #expect(try await read(store, asking: nobodyKnown).map(\.deleted) == [1, 0])
      #expect(try await live(store) == ["CN=g3,DC=a", "CN=u2,DC=a", "CN=u4,DC=b", "CN=u5,DC=b"])
    }
  }

  @Test func fewerRightsDeleteNothing() async throws {
    try await withStore { store in
      try await load(store)
      // Read by sequence number, with the rights of anybody, twice.
      for _ in 0..<2 {
        forest.set("a.example", .init(mode: .full, batches: [[Self.user(2, in: "a")]], cookie: []))
        let reports = try await read(store, full: true)
        #expect(reports.map(\.isComplete) == [false, true])
        #expect(try await live(store).count == 4)
      }
      forest.set("a.example", .init(mode: .full, batches: [[Self.user(2, in: "a"), Self.group(3, in: "a", [2])]]))
      #expect(try await read(store, full: true, asking: nobodyKnown).map(\.deleted) == [1, 0])
    }
  }

  @Test func attributesThatVanishEverywhereAreAFault() async throws {
    try await withStore { store in
      let numbers = 10..<10 + AttributeWatch.many
      let requested: Set<String> = ["cn", "title"]
      func answer(_ title: (Int) -> [String]) -> Answers.Answer {
        .init(
          mode: .full, batches: numbers.map { [Self.user($0, in: "a", ["title": title($0)])] }, requested: requested)
      }
      func titles() async throws -> Int {
        try await store.read { transaction in
          try transaction.query("SELECT attrs FROM entry WHERE kind = 'user'", []) { row in
            try Attributes(stored: try row[0]).texts("title").count
          }.reduce(0, +)
        }
      }
      forest.set("a.example", answer { _ in ["chief"] })
      forest.set("b.example", .init(mode: .full))
      try await read(store)
      #expect(try await titles() == numbers.count)

      forest.set("a.example", answer { _ in [] })
      let error = await #expect(throws: ConnectError.self) { try await read(store, full: true, at: 5) }
      #expect(error?.code == .attributesLost)
      #expect(error?.message.contains("title") == true)
      #expect(try await titles() == numbers.count)
      #expect(try await count(store, "watermark WHERE read_at = 5") == 0)

      // One that still has it, the last of all, tells that the others lost it in truth.
      forest.set("a.example", answer { $0 == numbers.last ? ["chief"] : [] })
      try await read(store, full: true)
      #expect(try await titles() == 1)
      // What is not asked for any more is no loss.
      forest.set("a.example", .init(mode: .full, batches: [numbers.map { Self.user($0, in: "a") }], requested: ["cn"]))
      try await read(store, full: true)
      #expect(try await titles() == 0)
    }
  }

  @Test func linksThatVanishEverywhereAreAFault() async throws {
    try await withStore { store in
      let members = Array(10..<10 + AttributeWatch.many)
      let users = members.map { Self.user($0, in: "a") }
      forest.set(
        "a.example", .init(mode: .full, batches: [users + [Self.group(3, in: "a", members)]], requested: ["cn"]))
      forest.set("b.example", .init(mode: .full))
      try await read(store)
      forest.set("a.example", .init(mode: .full, batches: [users + [Self.group(3, in: "a", [])]], requested: ["cn"]))
      let error = await #expect(throws: ConnectError.self) { try await read(store, full: true) }
      #expect(error?.message.contains("member") == true)
      #expect(try await count(store, "link WHERE change IS NOT -1") == members.count)
    }
  }

  @Test func aNewMemberCostsTheSameInAnyGroup() async throws {
    var costs: [[Int?]] = []
    for size in [500, 50_000] {
      try await withStore { store in
        forest.set(
          "a.example",
          .init(mode: .full, batches: [[Self.group(3, in: "a", Array(10..<10 + size)), Self.user(9, in: "a")]]))
        forest.set("b.example", .init(mode: .full))
        try await read(store)
        let change = Change(anchor: Self.anchor(3), links: [LinkChange("member", .add, [Self.anchor(9)])])
        forest.set("a.example", .init(batches: [[change]]))
        forest.set("b.example", .init(isUnchanged: true))
        let reports = try await read(store)
        costs.append(reports.flatMap { [$0.read, $0.links, $0.rows] })
      }
    }
    #expect(costs[0] == costs[1])
    #expect(costs[0] == [1, 1, 2, 0, 0, 0])
  }

  @Test func anEmptyDeltaWritesNothing() async throws {
    try await withStore { store in
      try await load(store)
      for partition in ["a.example", "b.example"] { forest.set(partition, .init(isUnchanged: true)) }
      func written() async throws -> Int { try await store.write { $0.rowsWritten } }
      let before = try await written()
      try await read(store, at: 60)
      #expect(try await written() == before)
      // From time to time the watermark is kept anew: it is not forgotten, only idle.
      try await read(store, at: Importer.refreshInterval)
      #expect(try await written() == before + 2)
    }
  }

  @Test func anUnreachableForestDoesNotHoldUpTheOthers() async throws {
    try await Site.with { site in
      let configuration = site.twoForests()
      _ = site.directory.user("ann", in: site.people)
      _ = site.resources.user("bob", in: site.resourcesRoot)
      _ = try await site.service(configuration).run()
      #expect(site.target.objects.count == 2)
      site.resources.beUnreachable(true)
      _ = site.directory.user("cem", in: site.people)
      let report = try await site.service(configuration).run()
      #expect(report.leftBehind == [site.resources.name])
      #expect(report.errors.count == 1)
      #expect(site.target.objects.count == 3)
      let outcome = try await site.store.read { transaction in
        try transaction.value("SELECT outcome FROM run ORDER BY id DESC LIMIT 1", as: String.self)
      }
      #expect(outcome == "partial")
      site.resources.beUnreachable(false)
      #expect(try await site.service(configuration).run().leftBehind == nil)
    }
  }
}
