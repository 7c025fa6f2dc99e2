// SPDX-License-Identifier: Apache-2.0

import DirectoryLocator
import Foundation
import IdentityModel
import Kerberos
import LDAP
import Logging
import NIOPosix
import Store
import Synchronization
import Testing
import Wire

@testable import Connect

/// The engine's source against a real domain controller: what it imports is what a search shows, and what changes there
/// arrives by the cookie.
@Suite("Import from a real domain", .enabled(if: Lab.current != nil, "needs BRIDGEHEAD_LAB"), .serialized)
struct DirectoryImportTests {
  private let forest: LabDescription.Forest
  private let ledger = FlowLedger()

  init() throws { forest = try #require(Lab.current?.forest) }

  private func kerberos(_ account: LabDescription.Account, _ locator: DirectoryLocator) throws -> KerberosProvider {
    try KerberosProvider(
      KerberosConfiguration(realm: forest.realm, principal: account.principal),
      credentials: .password(SecretBytes(Array(try account.password().utf8))),
      flow: Flow(row: "connect-ad/kerberos", recorder: ledger), now: { Date() }, logger: Logger(label: "test")
    ) { realm in try await locator.keyDistributionCenters(of: realm.lowercased()) }
  }

  /// A locator of the first controller alone, so that what a test writes it also reads; or of all.
  private func locator(ofAll: Bool = false) throws -> DirectoryLocator {
    var configuration = DirectoryLocator.Configuration()
    if !ofAll, let first = forest.controllers.first {
      configuration.allowedControllers[forest.name] = [Endpoint(host: first.host, port: first.ports["ldap"] ?? 389)]
    }
    let dns = Endpoint(
      host: try #require(forest.dnsServers.first), port: forest.controllers.first?.ports["dns"] ?? 53)
    return DirectoryLocator(
      configuration, resolver: DNSResolver(.init(servers: [dns]), flow: Flow(row: "connect-ad/dns", recorder: ledger)),
      group: MultiThreadedEventLoopGroup.singleton, pingFlow: Flow(row: "connect-ad/ldap", recorder: ledger),
      now: { Date() }, logger: Logger(label: "test"))
  }

  private func connection(_ account: LabDescription.Account) async throws -> LDAPConnection {
    let locator = try locator()
    return try await connect(try kerberos(account, locator))(try await locator.controller(of: forest.name))
  }

  private func connect(_ kerberos: KerberosProvider) -> @Sendable (DomainController) async throws -> LDAPConnection {
    { [ledger] controller in
      try await LDAPConnection.connect(
        to: ServerAddress(host: controller.hostName, address: controller.address, port: controller.port),
        security: .sealed(kerberos), flow: Flow(row: "connect-ad/ldap", recorder: ledger),
        logger: Logger(label: "test"))
    }
  }

  private func source(_ account: LabDescription.Account) throws -> LDAPSource {
    let locator = try locator()
    return LDAPSource(
      name: forest.name, domains: [forest.name], locator: locator, logger: Logger(label: "test"),
      connect: connect(try kerberos(account, locator)))
  }

  private func withStore(_ body: (SQLiteStore) async throws -> Void) async throws {
    let folder = NSTemporaryDirectory() + "bridgehead-import-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let store = try await SQLiteStore.open(path: folder + "/connect.db", migrations: ConnectSchema.migrations)
    try await body(store)
    try await store.close()
  }

  private func importer(_ source: LDAPSource, _ store: any Store) -> Importer {
    Importer(
      source: source, store: store, logger: Logger(label: "test"), now: { Date().timeIntervalSince1970 },
      progress: .none)
  }

  private func names(_ store: any Store, _ kind: ObjectKind) async throws -> Set<String> {
    try await store.read { transaction in
      Set(
        try transaction.query(
          "SELECT dn FROM entry WHERE kind = ? AND deleted = 0", [.text(kind.rawValue)], { try $0[0] as String }))
    }
  }

  @Test func anAnchorIsWrittenOnceAndKnownAgain() async throws {
    let (administrator, locator) = (try await connection(forest.administrator), try locator())
    let dn = "CN=anchored \(UUID().uuidString),CN=Users,\(forest.baseDN)"
    try await administrator.add(dn, [Attribute("objectClass", ["user"])])
    let entry = try await administrator.entry(dn, attributes: ["objectGUID"])
    let guid = try #require(entry?.guid("objectGUID")).bytes
    let writer = LDAPAnchorWriter(
      source: forest.name, locator: locator, connect: connect(try kerberos(forest.administrator, locator)))
    let write = AnchorWrite(entry: Anchor(guid), anchor: guid)
    // A pass that was killed after the first one makes the second.
    #expect(try await writer.write([write], in: forest.name) == [nil])
    #expect(try await writer.write([write, write], in: forest.name) == [nil, nil])
    var other = write
    other.anchor.reverse()
    #expect(try await writer.write([other], in: forest.name).first.flatMap { $0 } != nil)
    #expect(
      try await administrator.entry(dn, attributes: [SourceAnchor.attribute])?.bytes(SourceAnchor.attribute) == guid)
    try await administrator.delete(dn)
    await administrator.close()
  }

  @Test func fullImportAgreesWithASearch() async throws {
    try await withStore { store in
      let report = try #require(try await importer(source(forest.serviceAccount), store).run(full: true).first)
      #expect(report.mode == .full)
      #expect(report.isComplete)
      #expect(report.note == nil)
      let administrator = try await connection(forest.administrator)
      for (kind, filter) in [
        (ObjectKind.user, Filter.and([.equal("objectClass", "user"), .not(.equal("objectClass", "computer"))])),
        (.group, .equal("objectClass", "group")),
      ] {
        var expected: Set<String> = []
        var members = 0
        for try await entry in administrator.search(
          base: forest.baseDN, filter: filter, attributes: ["objectClass", "member"])
        {
          expected.insert(entry.dn)
          members += entry.strings("member").count
        }
        #expect(try await names(store, kind) == expected)
        if kind == .group {
          let links = try await store.read { transaction in
            try transaction.value("SELECT COUNT(*) FROM link WHERE attr = 'member'", as: Int.self)
          }
          #expect(links == members)
        }
      }
      // Every entry below the domain knows what is above it.
      let orphans = try await store.read { transaction in
        try transaction.value("SELECT COUNT(*) FROM entry WHERE parent IS NULL", as: Int.self)
      }
      #expect(orphans == 1)
      await administrator.close()
    }
  }

  @Test func changesArriveByTheCookie() async throws {
    try await withStore { store in
      let source = try source(forest.serviceAccount)
      _ = try await importer(source, store).run(full: false)
      let administrator = try await connection(forest.administrator)
      let container = "CN=Users,\(forest.baseDN)"
      let (user, group) = ("CN=import probe,\(container)", "CN=import group,\(container)")
      try await administrator.add(
        user, [Attribute("objectClass", ["user"]), Attribute("sAMAccountName", ["importprobe"])])
      try await administrator.add(
        group,
        [
          Attribute("objectClass", ["group"]), Attribute("sAMAccountName", ["importgroup"]),
          Attribute("member", [user]),
        ])
      var report = try #require(try await importer(source, store).run(full: false).first)
      #expect(report.mode == .delta)
      #expect(report.added == 2)
      #expect(report.links == 1)
      #expect(report.read < 10)

      try await administrator.modify(user, [.replace("displayName", ["Probe"])])
      try await administrator.modifyDN(user, newRDN: "CN=renamed probe")
      report = try #require(try await importer(source, store).run(full: false).first)
      #expect(report.changed == 1)
      #expect(try await names(store, .user).contains("CN=renamed probe,\(container)"))

      try await administrator.delete("CN=renamed probe,\(container)")
      report = try #require(try await importer(source, store).run(full: false).first)
      #expect(report.deleted == 1)
      let removed = try await store.read { transaction in
        try transaction.value("SELECT COUNT(*) FROM link WHERE change = -1", as: Int.self)
      }
      #expect(removed == 1)

      try await administrator.delete(group)
      report = try #require(try await importer(source, store).run(full: false).first)
      #expect(report.deleted == 1)
      report = try #require(try await importer(source, store).run(full: false).first)
      #expect(report.read == 0)
      await administrator.close()
    }
  }

  @Test func aRestoredUserIsReadWhole() async throws {
    try await withStore { store in
      let source = try source(forest.serviceAccount)
      let administrator = try await connection(forest.administrator)
      let user = "CN=restore probe,CN=Users,\(forest.baseDN)"
      try await administrator.add(
        user, [Attribute("objectClass", ["user"]), Attribute("sAMAccountName", ["restoreprobe"])])
      _ = try await importer(source, store).run(full: false)
      let guid = try #require(try await administrator.entry(user, attributes: ["objectGUID"])?.guid("objectGUID"))
      try await administrator.delete(user)
      _ = try await importer(source, store).run(full: false)
      #expect(try await !names(store, .user).contains(user))

      let deleted = Control(.showDeleted, isCritical: true)
      let tombstone = try #require(
        try await administrator.entry("<GUID=\(guid)>", attributes: ["objectGUID"], controls: [deleted]))
      try await administrator.modify(
        tombstone.dn, [.delete("isDeleted"), .replace("distinguishedName", [user])], controls: [deleted])
      let report = try #require(try await importer(source, store).run(full: false).first)
      #expect(report.changed == 1)
      let attributes = try await store.read { transaction in
        try transaction.value("SELECT attrs FROM entry WHERE dn = ? AND deleted = 0", [.text(user)], as: [UInt8].self)
      }
      #expect(try Attributes(stored: try #require(attributes)).text("samaccountname") == "restoreprobe")
      try await administrator.delete(user)
      await administrator.close()
    }
  }

  /// Deleted and brought back between two readings: the change tells nothing of who refers to it, and references that the
  /// forest did not bring back go.
  @Test func whoRefersToARestoredUserIsReadAnew() async throws {
    try await withStore { store in
      let source = try source(forest.serviceAccount)
      let administrator = try await connection(forest.administrator)
      let container = "CN=Users,\(forest.baseDN)"
      let (user, report, group) = ("CN=back,\(container)", "CN=report of back,\(container)", "CN=of back,\(container)")
      for (name, account) in [(user, "backprobe"), (report, "backreport")] {
        try await administrator.add(
          name, [Attribute("objectClass", ["user"]), Attribute("sAMAccountName", [account])])
      }
      try await administrator.modify(report, [.replace("manager", [user])])
      try await administrator.add(
        group,
        [
          Attribute("objectClass", ["group"]), Attribute("sAMAccountName", ["ofback"]), Attribute("member", [user]),
          Attribute("managedBy", [user]),
        ])
      _ = try await importer(source, store).run(full: false)
      let guid = try #require(try await administrator.entry(user, attributes: ["objectGUID"])?.guid("objectGUID"))
      let anchor = Anchor(guid.bytes)
      func references() async throws -> [String] {
        try await store.read { transaction in
          try transaction.query(
            "SELECT attr FROM link WHERE target_guid = ? AND change IS NOT -1 ORDER BY attr", [.blob(anchor.bytes)]
          ) { try $0[0] as String }
        }
      }
      #expect(try await references() == ["managedBy", "manager", "member"])
      // Another domain would be asked in this way.
      let found = try await source.referrers(to: [anchor], in: forest.name)
      #expect(found.map(\.anchor) == [anchor])
      #expect(Set(found.flatMap(\.referrers).map(\.attribute)) == ["managedBy", "manager", "member"])
      #expect(found.flatMap(\.referrers).allSatisfy { $0.operation == .add && $0.targets.count == 1 })

      try await administrator.delete(user)
      let deleted = Control(.showDeleted, isCritical: true)
      let tombstone = try #require(
        try await administrator.entry("<GUID=\(guid)>", attributes: ["objectGUID"], controls: [deleted]))
      try await administrator.modify(
        tombstone.dn, [.delete("isDeleted"), .replace("distinguishedName", [user])], controls: [deleted])
      let held = try #require(
        try await administrator.entry(user, attributes: ["memberOf", "directReports", "managedObjects"]))
      let expected = [("managedObjects", "managedBy"), ("directReports", "manager"), ("memberOf", "member")]
        .filter { held[$0.0] != nil }.map(\.1)
      _ = try await importer(source, store).run(full: false)
      #expect(try await references() == expected)
      // One that is back by hand is there again.
      try await administrator.modify(group, [.add("member", [user])])
      _ = try await importer(source, store).run(full: false)
      #expect(try await references() == (expected + ["member"]).sorted())
      for name in [group, report, user] { try await administrator.delete(name) }
      await administrator.close()
    }
  }

  @Test func aDamagedCookieLeadsToAFullImport() async throws {
    try await withStore { store in
      let source = try source(forest.serviceAccount)
      _ = try await importer(source, store).run(full: false)
      _ = try await store.write { transaction in
        try transaction.run("UPDATE watermark SET cookie = ?", [.blob([1, 2, 3])])
      }
      var report = try #require(try await importer(source, store).run(full: false).first)
      #expect(report.mode == .full)
      #expect(report.deleted == 0)
      #expect(report.note != nil)
      // A server that is behind what was read from it was restored.
      _ = try await store.write { transaction in try transaction.run("UPDATE watermark SET usn = usn + 1000000") }
      report = try #require(try await importer(source, store).run(full: false).first)
      #expect(report.mode == .full)
      #expect(report.deleted == 0)
    }
  }

  @Test func withoutTheRightItReadsBySequence() async throws {
    try await withStore { store in
      let source = try source(forest.plainAccount)
      var report = try #require(try await importer(source, store).run(full: false).first)
      #expect(report.mode == .full)
      #expect(report.note?.contains("Replicating Directory Changes") == true)
      #expect(report.added > 10)
      report = try #require(try await importer(source, store).run(full: false).first)
      #expect(report.mode == .delta)
      #expect(report.added == 0)
    }
  }

  /// Ends the first connection when the reading has begun, as a domain controller does that dies.
  private struct DyingController: ImportSource {
    let source: LDAPSource
    let connections: Connections
    var name: String { source.name }

    func partitions() async throws -> [String] { try await source.partitions() }
    func referrers(to anchors: [Anchor], in partition: String) async throws -> [Change] {
      try await source.referrers(to: anchors, in: partition)
    }
    func read(_ partition: String, since watermark: Watermark?) async throws -> ImportReading {
      let reading = try await source.read(partition, since: watermark)
      if let first = connections.first { await first.close() }
      return reading
    }
  }

  private final class Connections: Sendable {
    private let all = Mutex<[LDAPConnection]>([])
    func add(_ connection: LDAPConnection) { all.withLock { $0.append(connection) } }
    var first: LDAPConnection? { all.withLock { $0.first } }
  }

  @Test(.enabled(if: (Lab.current?.forest.controllers.count ?? 0) > 1, "needs two domain controllers"))
  func anotherControllerTakesOver() async throws {
    try await withStore { store in
      let locator = try locator(ofAll: true)
      let connect = connect(try kerberos(forest.serviceAccount, locator))
      let connections = Connections()
      let source = LDAPSource(
        name: forest.name, domains: [forest.name], locator: locator, logger: Logger(label: "test")
      ) { controller in
        let connection = try await connect(controller)
        connections.add(connection)
        return connection
      }
      let dying = DyingController(source: source, connections: connections)
      let importer = Importer(
        source: dying, store: store, logger: Logger(label: "test"), now: { Date().timeIntervalSince1970 },
        progress: .none)
      let first = try #require(try await importer.run(full: false).first)
      #expect(first.server != connections.first?.server.host)
      #expect(first.isComplete)
      #expect(first.deleted == 0)
      let users = try await names(store, .user)
      // The watermark of the second controller is taken to the first one, when that is back.
      let back = try #require(
        try await self.importer(self.source(forest.serviceAccount), store).run(full: false).first)
      #expect(back.deleted == 0)
      #expect(try await names(store, .user) == users)
    }
  }
}
