// SPDX-License-Identifier: Apache-2.0

import Foundation
import IdentityModel
import Logging
import Store
import Synchronization

@testable import Connect
import TestSupport

/// A whole synchronisation server over a scripted directory and a target in memory, with a store in a directory of its own.
final class Site: Sendable {
  let directory: ScriptedDirectory
  /// Another forest; it is read where a configuration names it.
  let resources = ScriptedDirectory(name: "resources.example", space: 1)
  /// The first forest's Global Catalog; it is asked where a configuration says so.
  let catalog = ScriptedCatalog("corp.example")
  let target: MemoryTarget
  /// Written to where a configuration names it.
  let second = MemoryTarget("second")
  let store: SQLiteStore
  /// What statements of the store did.
  let work: StoreWork
  let clock = Mutex(Date(timeIntervalSince1970: 1_800_000_000))
  private let folder: String

  /// The domain and an organisational unit under it.
  let root: Anchor
  let people: Anchor
  let other: Anchor
  /// The other forest's domain.
  let resourcesRoot: Anchor

  private init(_ target: MemoryTarget, _ folder: String, _ store: SQLiteStore, _ work: StoreWork) {
    self.work = work
    directory = ScriptedDirectory()
    root = directory.add(.structure, "DC=corp,DC=example", in: nil)
    people = directory.add(.structure, "OU=People", in: root)
    other = directory.add(.structure, "OU=Other", in: root)
    resourcesRoot = resources.add(.structure, "DC=resources,DC=example", in: nil)
    self.target = target
    self.folder = folder
    self.store = store
  }

  static func with(_ target: MemoryTarget = MemoryTarget(), _ body: (Site) async throws -> Void) async throws {
    let folder = NSTemporaryDirectory() + "bridgehead-connect-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let work = StoreWork()
    let store = try await SQLiteStore.open(
      path: folder + "/connect.db", migrations: ConnectSchema.migrations, options: .init(work: work))
    try await body(Site(target, folder, store, work))
    try await store.close()
  }

  func configuration(
    include: [String] = [], exclude: [String] = [], guard: ConnectConfiguration.Guard = .init()
  ) -> ConnectConfiguration {
    ConnectConfiguration(
      forests: [
        .init(name: directory.name, domains: ["corp.example"], filter: .init(include: include, exclude: exclude))
      ],
      targets: [
        .init(
          name: "tenant", url: "https://tenant.example/scim/v2", verifiedDomains: ["corp.example"],
          initialDomain: "corp.onbridgehead.example")
      ], guard: `guard`)
  }

  /// Both forests in one metaverse.
  func twoForests(joinUsersBy: [String] = []) -> ConnectConfiguration {
    var configuration = configuration()
    configuration.forests.append(.init(name: resources.name, domains: ["resources.example"]))
    configuration.joinUsersBy = joinUsersBy
    return configuration
  }

  /// The first forest, whose references are resolved by its catalog.
  func catalogued() -> ConnectConfiguration {
    var configuration = configuration()
    configuration.forests[0].asksCatalog = true
    return configuration
  }

  /// Both targets side by side; the second one with domains of its own where some are given.
  func twoTargets(
    verifying domains: [String] = ["corp.example"], initial: String = "corp.onbridgehead.example"
  ) -> ConnectConfiguration {
    var configuration = configuration()
    configuration.targets.append(
      .init(
        name: second.name, url: "https://second.example/scim/v2", verifiedDomains: domains, initialDomain: initial))
    return configuration
  }

  func service(_ configuration: ConnectConfiguration? = nil, store: (any Store)? = nil) -> ConnectService {
    let configuration = configuration ?? self.configuration()
    return ConnectService(
      configuration: configuration, store: store ?? self.store,
      sources: [directory, resources].filter { source in configuration.forests.contains { $0.name == source.name } },
      targets: [target, second].filter { target in configuration.targets.contains { $0.name == target.name } },
      anchorWriters: configuration.forests.contains(where: \.writesAnchors) ? [directory] : [],
      resolvers: configuration.forests.contains(where: \.asksCatalog) ? [catalog] : [],
      ledger: FlowLedger(), logger: .silent,
      now: { [weak self] in self?.clock.withLock { $0 } ?? .distantPast })
  }

  @discardableResult
  func sync(
    full: Bool = false, _ configuration: ConnectConfiguration? = nil
  ) async throws -> CycleReport {
    try await service(configuration).run(.init(full: full))
  }

  func finder(_ configuration: ConnectConfiguration? = nil) -> ObjectFinder {
    ObjectFinder(
      configuration: configuration ?? self.configuration(),
      vocabularies: [target, second].reduce(into: [:]) { $0[$1.name] = TargetVocabulary($1.vocabulary) },
      now: { [weak self] in self?.clock.withLock { $0 } ?? .distantPast })
  }

  /// Lets through what stands before the guard.
  @discardableResult
  func approve(_ configuration: ConnectConfiguration? = nil) async throws -> StandingDifference {
    let configuration = configuration ?? self.configuration()
    let standing = try await StandingDifference.read(configuration, store, now: clock.withLock { $0 })
    return try await StandingDifference.approve(
      standing.first?.finding.fingerprint ?? "none", configuration, store, now: clock.withLock { $0 })
  }

  func advance(_ seconds: TimeInterval) { clock.withLock { $0 += seconds } }

  func count(_ sql: String) async throws -> Int {
    try await store.read { transaction in try transaction.value(sql) ?? -1 }
  }

  /// What is told about the objects that are held back.
  func details() async throws -> [String] {
    try await store.read { transaction in
      try transaction.query("SELECT detail FROM quarantine ORDER BY reason", []) { row in try row[0] as String }
    }
  }

  func reasons() async throws -> [String] {
    try await store.read { transaction in
      try transaction.query("SELECT reason FROM quarantine ORDER BY reason", []) { row in try row[0] as String }
    }
  }
}
