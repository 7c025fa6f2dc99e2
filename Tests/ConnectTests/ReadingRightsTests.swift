// SPDX-License-Identifier: Apache-2.0

import Foundation
import IdentityModel
import Logging
import Store
import Synchronization
import Testing
import Wire

@testable import Connect

/// Rights that a test takes away.
private final class Rights: ReadingRights {
  private let hiddenNames: Set<String>
  private let blind: Set<Anchor>
  private let kept: Set<Anchor>
  private let asked = Mutex<[Loss]>([])
  private let marks = Mutex<[Int64?]>([])

  /// - Parameters:
  ///   - names: what is hidden.
  ///   - blind: the entries at which it is.
  ///   - kept: those that are there unseen.
  init(_ names: Set<String> = [], at blind: [Anchor] = [], unseen kept: [Anchor] = []) {
    hiddenNames = names
    self.blind = Set(blind)
    self.kept = Set(kept)
  }

  var questions: [Loss] { asked.withLock { $0 } }
  var watermarks: [Int64?] { marks.withLock { $0 } }

  func hidden(_ losses: [Loss], since watermark: Watermark?) async throws -> [Anchor: Set<String>] {
    asked.withLock { $0 += losses }
    marks.withLock { $0.append(watermark?.sequence) }
    var result: [Anchor: Set<String>] = [:]
    for loss in losses where blind.contains(loss.anchor) {
      let names = loss.attributes.intersection(hiddenNames)
      if !names.isEmpty { result[loss.anchor] = names }
    }
    return result
  }

  func unseen(_ absentees: [Absentee]) async throws -> Set<Anchor> { kept.intersection(absentees.map(\.anchor)) }
}

/// What a reading does not show is not gone while the account may not see it.
@Suite struct ReadingRightsTests {
  // MARK: What an access list tells

  private static let everybody = try! SecurityIdentifier([1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
  private static let stranger = SecurityIdentifier("S-1-5-21-9-9-9-1103") ?? everybody
  private static let personal = GUID("77b5b886-944a-11d1-aebd-0000f80367c1") ?? .zero
  private static let title = HiddenValues.Property(
    identifier: GUID("bf967a55-0de6-11d0-a285-00aa003049e2") ?? .zero,
    set: GUID("e48d0154-bcf8-11d1-8702-00c04fb96050"))
  private static let phone = HiddenValues.Property(
    identifier: GUID("bf967a49-0de6-11d0-a285-00aa003049e2") ?? .zero, set: personal)
  private static let secret = HiddenValues.Property(
    identifier: GUID("bf967a4a-0de6-11d0-a285-00aa003049e2") ?? .zero, isConfidential: true)
  private static let member = HiddenValues.Property(
    identifier: GUID("bf9679c0-0de6-11d0-a285-00aa003049e2") ?? .zero, isCounted: false)

  private func judge(since last: Int64? = nil) -> HiddenValues {
    HiddenValues(
      token: [Self.everybody],
      properties: ["title": Self.title, "phone": Self.phone, "secret": Self.secret, "member": Self.member], last: last)
  }

  private func entry(
    _ mask: AccessMask, _ type: GUID? = nil, denying: Bool = false, to trustee: SecurityIdentifier? = nil
  ) -> AccessControlEntry {
    AccessControlEntry(isAllowing: !denying, mask: mask, objectType: type, trustee: trustee ?? Self.everybody)
  }

  @Test func readingIsDecidedByTheFirstEntry() {
    let all: Set<String> = ["title", "phone", "member"]
    let read = entry(.readProperty)
    let cases: [([AccessControlEntry]?, Set<String>)] = [
      (nil, []), ([], all), ([read], []), ([entry(.genericRead)], []), ([entry(.genericAll)], []),
      ([entry(.readProperty, to: Self.stranger)], all), ([entry(.writeProperty)], all),
      ([entry(.readProperty, denying: true), read], all), ([read, entry(.readProperty, denying: true)], []),
      ([entry(.readProperty, Self.personal, denying: true), read], ["phone"]),
      ([entry(.readProperty, Self.title.identifier, denying: true), read], ["title"]),
      ([entry(.readProperty, Self.personal)], ["title", "member"]),
    ]
    for (entries, expected) in cases {
      let object = HiddenValues.Object(sequence: 9, descriptor: SecurityDescriptor(entries: entries))
      #expect(judge().among(all, of: object) == expected, "\(entries ?? [])")
    }
    // One that the schema does not have is not hidden.
    #expect(judge().among(["other"], of: .init(sequence: 9, descriptor: SecurityDescriptor(entries: []))) == [])
  }

  @Test func aConfidentialValueTakesASecondRight() {
    func hidden(_ entries: [AccessControlEntry]) -> Set<String> {
      judge().among(["secret"], of: .init(sequence: 9, descriptor: SecurityDescriptor(entries: entries)))
    }
    #expect(hidden([entry(.readProperty)]) == ["secret"])
    #expect(hidden([entry(.readProperty), entry(.controlAccess, Self.secret.identifier)]) == [])
    #expect(hidden([entry(.controlAccess)]) == ["secret"])
  }

  @Test func anObjectThatDidNotChangeLostNothing() {
    let readable = SecurityDescriptor(entries: [entry(.readProperty)])
    func hidden(_ sequence: Int64?, since last: Int64?) -> Set<String> {
      judge(since: last).among(["title", "member"], of: .init(sequence: sequence, descriptor: readable))
    }
    // References go with the objects that they name, without a change here.
    #expect(hidden(40, since: 40) == ["title"])
    #expect(hidden(41, since: 40) == [])
    #expect(hidden(40, since: nil) == [])
    #expect(hidden(nil, since: 40) == [])
  }

  @Test func whatIsNotKnownIsKept() {
    let readable = SecurityDescriptor(entries: [entry(.genericAll)])
    #expect(judge().among(["title"], of: nil) == ["title"])
    #expect(judge().among(["title"], of: .init(sequence: 9, descriptor: nil)) == ["title"])
    // Nobody can clear it, and the access list lets it be read: whatever else is missing was not shown either.
    #expect(
      judge().among(["title", "samaccountname"], of: .init(sequence: 9, descriptor: readable)) == [
        "title", "samaccountname",
      ])
  }

  @Test func aContainerIsListedByARight() {
    func isListed(_ entries: [AccessControlEntry]?) -> Bool {
      judge().isListed(entries.map { .init(sequence: nil, descriptor: SecurityDescriptor(entries: $0)) })
    }
    #expect(isListed([entry(.listContents)]) && isListed([entry(.genericRead)]))
    #expect(!isListed([]) && !isListed(nil) && !isListed([entry(.readProperty)]))
    #expect(!isListed([entry(.listContents, denying: true), entry(.genericAll)]))
  }

  // MARK: What the import makes of it

  private static func anchor(_ number: UInt8) -> Anchor { Anchor([UInt8](repeating: 0, count: 15) + [number]) }

  private static func user(_ number: UInt8, _ attributes: [String: [String]] = [:], below unit: UInt8 = 1) -> Change {
    Change(
      anchor: anchor(number), kind: .user, name: "CN=u\(number),OU=unit,DC=a", parent: anchor(unit), isComplete: true,
      attributes: Attributes(texts: attributes.merging(["cn": ["u\(number)"]]) { $1 }))
  }

  private static func group(_ members: [UInt8], _ operation: LinkChange.Operation = .add) -> Change {
    Change(
      anchor: anchor(9), kind: .group, name: "CN=g,DC=a", parent: anchor(1), isComplete: true,
      links: [LinkChange("member", operation, members.map { anchor($0) })])
  }

  private static let unit = Change(
    anchor: anchor(1), kind: .structure, name: "OU=unit,DC=a", isComplete: true)

  private func withStore(_ body: (SQLiteStore, Answers) async throws -> Void) async throws {
    let folder = NSTemporaryDirectory() + "bridgehead-rights-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let store = try await SQLiteStore.open(path: folder + "/connect.db", migrations: ConnectSchema.migrations)
    try await body(store, Answers("a"))
    try await store.close()
  }

  private func read(_ forest: Answers, _ store: any Store, full: Bool = false) async throws -> CycleReport.Import {
    let reports = try await Importer(
      source: forest, store: store, logger: Logger(label: "test"), now: { 0 }, progress: .none
    ).run(full: full)
    return try #require(reports.first)
  }

  private func titles(_ store: any Store) async throws -> [String] {
    try await store.read { transaction in
      try transaction.query("SELECT attrs FROM entry WHERE kind = 'user' AND deleted = 0 ORDER BY dn", []) { row in
        try Attributes(stored: try row[0]).text("title") ?? "-"
      }
    }
  }

  private func links(_ store: any Store) async throws -> Int? {
    try await store.read { try $0.value("SELECT COUNT(*) FROM link WHERE change IS NOT -1", as: Int.self) }
  }

  /// Two users with titles, and a group of both.
  private func load(_ forest: Answers, _ store: any Store) async throws {
    let changes = [
      Self.unit, Self.user(2, ["title": ["chief"]]), Self.user(3, ["title": ["clerk"]]), Self.group([2, 3]),
    ]
    forest.set("a", .init(mode: .full, batches: [changes], cookie: []))
    _ = try await read(forest, store)
  }

  @Test(arguments: [ImportReading.Mode.full, .delta])
  func aValueThatIsHiddenStays(_ mode: ImportReading.Mode) async throws {
    try await withStore { store, forest in
      try await load(forest, store)
      let rights = Rights(["title", "member"], at: [Self.anchor(2), Self.anchor(9)])
      let changes = [
        Self.unit, Self.user(2, ["mail": ["new"]]), Self.user(3), Self.group([], mode == .full ? .add : .replace),
      ]
      forest.set("a", .init(mode: mode, batches: [changes], cookie: [], rights: rights))
      let report = try await read(forest, store, full: mode == .full)
      // Of what is shown nothing is held up.
      #expect(try await titles(store) == ["chief", "-"])
      #expect(try await links(store) == 2)
      let mails = try await store.read { transaction in
        try transaction.value(
          "SELECT attrs FROM entry WHERE anchor = ?", [.blob(Self.anchor(2).bytes)], as: [UInt8].self
        )
        .map { try Attributes(stored: $0).text("mail") }
      }
      #expect(mails == "new")
      #expect(report.read == 4)
      #expect(
        report.hidden
          == .init(objects: 2, attributes: ["title", "member"], unseen: 0, units: ["OU=unit,DC=a"]))
      #expect(report.hidden?.message.contains("member, title of 2 objects, which") == true)
      #expect(report.hidden?.message.contains("below OU=unit,DC=a,") == true)
      #expect(
        rights.questions == [
          Loss(Self.anchor(2), ["title"]), Loss(Self.anchor(3), ["title"]), Loss(Self.anchor(9), ["member"]),
        ])
      // A full reading makes up for what nobody was shown.
      #expect(rights.watermarks == (mode == .full ? [nil] : [1]))

      // Shown again, with another value; and a group that has really nobody any more.
      forest.set(
        "a",
        .init(
          mode: .full, batches: [[Self.unit, Self.user(2, ["title": ["boss"]]), Self.user(3), Self.group([])]],
          cookie: [], rights: Rights()))
      #expect(try await read(forest, store, full: true).hidden == nil)
      #expect(try await titles(store) == ["boss", "-"])
      #expect(try await links(store) == 0)
    }
  }

  /// Many that are hidden and as many that are not: what is hidden stays also where others still have the attribute.
  @Test func aUnitThatIsHiddenIsNotMixedUpWithTheOthers() async throws {
    try await withStore { store, forest in
      let numbers = (10..<10 + UInt8(AttributeWatch.many)).map { $0 }
      let hidden = numbers.prefix(numbers.count / 2).map { Self.anchor($0) }
      func answer(_ title: (UInt8) -> [String], _ rights: Rights? = nil) -> Answers.Answer {
        .init(
          mode: .full, batches: [[Self.unit] + numbers.map { Self.user($0, ["title": title($0)]) }], cookie: [],
          requested: ["cn", "title"], rights: rights)
      }
      forest.set("a", answer { _ in ["x"] })
      _ = try await read(forest, store)
      // The last one of all still has it: the others that may be read lost it in truth.
      forest.set("a", answer({ $0 == numbers.last ? ["x"] : [] }, Rights(["title"], at: hidden)))
      _ = try await read(forest, store, full: true)
      #expect(try await titles(store).filter { $0 == "x" }.count == hidden.count + 1)
      // Hidden everywhere it is a fault of the whole reading, as ever.
      forest.set("a", answer({ _ in ["y"] }))
      _ = try await read(forest, store, full: true)
      forest.set("a", answer({ _ in [] }, Rights(["title"], at: numbers.map { Self.anchor($0) })))
      let error = await #expect(throws: ConnectError.self) { try await read(forest, store, full: true) }
      #expect(error?.code == .attributesLost)
      #expect(try await titles(store).allSatisfy { $0 == "y" })
    }
  }

  /// Nobody knows whether such a user may sign in.
  @Test(arguments: [true, false])
  func aNewUserWithoutItsStateIsLeftOut(_ isFirst: Bool) async throws {
    try await withStore { store, forest in
      if !isFirst { try await load(forest, store) }
      let whole = ["samaccountname": ["x"], "useraccountcontrol": ["514"]]
      let changes = [
        Self.unit, Self.user(4, whole), Self.user(5, ["samaccountname": ["y"]]),
        Self.user(6, ["useraccountcontrol": ["512"]]),
      ]
      let requested: Set<String> = ["cn", "samaccountname", "useraccountcontrol"]
      forest.set(
        "a",
        .init(mode: isFirst ? .full : .delta, batches: [changes], cookie: [], requested: requested, rights: Rights()))
      let report = try await read(forest, store)
      #expect(try await titles(store).count == (isFirst ? 1 : 3))
      #expect(report.hidden?.newcomers == 2)
      #expect(
        report.hidden?.message.contains(
          "2 new users are left out, of whom it is not shown samaccountname or useraccount")
          == true)
      // Shown as a whole, they come.
      forest.set(
        "a",
        .init(
          mode: .delta, batches: [[Self.user(5, whole), Self.user(6, whole)]], cookie: [], requested: requested,
          rights: Rights()))
      #expect(try await read(forest, store).hidden == nil)
      #expect(try await titles(store).count == (isFirst ? 3 : 5))
      // What rules do not ask for is not missed.
      forest.set(
        "a", .init(mode: .delta, batches: [[Self.user(7)]], cookie: [], requested: ["cn"], rights: Rights()))
      #expect(try await read(forest, store).hidden == nil)
    }
  }

  /// Also where changes tell everything: who comes back is read again by a search.
  @Test func whoIsReadAgainIsNotTakenForWhole() async throws {
    try await withStore { store, forest in
      let whole = ["samaccountname": ["x"], "useraccountcontrol": ["514"], "title": ["chief"]]
      let requested: Set<String> = ["cn", "title", "samaccountname", "useraccountcontrol"]
      forest.set("a", .init(mode: .full, batches: [[Self.unit, Self.user(2, whole)]], requested: requested))
      _ = try await read(forest, store)
      forest.set("a", .init(batches: [[Change(anchor: Self.anchor(2), isDeleted: true)]], requested: requested))
      #expect(try await read(forest, store).deleted == 1)
      // One comes back, another one from elsewhere; the account may not read whether they are disabled.
      for number in [2, 3] as [UInt8] { forest.know(Self.user(number, ["samaccountname": ["x"]])) }
      let partial = [2, 3].map {
        Change(anchor: Self.anchor($0), name: "CN=u\($0),OU=unit,DC=a", parent: Self.anchor(1))
      }
      let rights = Rights(["useraccountcontrol"], at: [Self.anchor(2)])
      forest.set("a", .init(batches: [partial], requested: requested, isFiltered: false, rights: rights))
      let report = try await read(forest, store)
      #expect(report.hidden?.objects == 1 && report.hidden?.newcomers == 1)
      #expect(rights.questions == [Loss(Self.anchor(2), ["title", "useraccountcontrol"])])
      let states = try await store.read { transaction in
        try transaction.query("SELECT attrs FROM entry WHERE kind = 'user' AND deleted = 0", []) { row in
          try Attributes(stored: try row[0])
        }
      }
      #expect(states.map { $0.text("useraccountcontrol") } == ["514"] && states.map { $0.text("title") } == [nil])
      // What changes tell is believed.
      let cleared = Change(anchor: Self.anchor(2), attributes: Attributes(["useraccountcontrol": []]))
      forest.set("a", .init(batches: [[cleared]], requested: requested, isFiltered: false, rights: rights))
      #expect(try await read(forest, store).hidden == nil)
      #expect(rights.questions.count == 1)
    }
  }

  @Test func anObjectThatIsHiddenIsNotDeleted() async throws {
    try await withStore { store, forest in
      try await load(forest, store)
      let rights = Rights(unseen: [Self.anchor(2), Self.anchor(9)])
      forest.set("a", .init(mode: .full, batches: [[Self.unit]], cookie: [], rights: rights))
      let report = try await read(forest, store, full: true)
      #expect(report.deleted == 1)
      #expect(try await titles(store) == ["chief"])
      // The group keeps whom it has, less the one that is gone.
      #expect(try await links(store) == 1)
      #expect(report.hidden?.unseen == 2)
      #expect(report.hidden?.message.contains("2 objects themselves, which") == true)
      forest.set("a", .init(mode: .full, batches: [[Self.unit]], cookie: [], rights: Rights()))
      #expect(try await read(forest, store, full: true).deleted == 2)
    }
  }
}
