// SPDX-License-Identifier: Apache-2.0

import Connect
import FoundationEssentials
import LDAP
import Logging
import SCIM
import Store
import SyncAPI
import Wire

/// Connect with everything it works with, made from the configuration.
struct ConnectRuntime: Closable {
  let service: ConnectService
  /// Nil where no password hashes are synchronised.
  let passwords: PasswordPass?
  /// Nil where no passwords are written back.
  let writeback: WritebackService?
  let isStaging: Bool
  let store: SQLiteStore
  /// The ways to the cloud directories.
  let clients: [SCIMClient]
  private let finder: ObjectFinder
  private let cloud: Cloud
  private let lock: RunLock
  private let work: StoreWork?

  /// - Parameter purpose: the command, for whoever is refused meanwhile.
  static func open(
    _ access: ConnectAccess, environment: [String: String], purpose: String = "connect sync", staging: Bool = false,
    isService: Bool = false
  ) async throws -> ConnectRuntime {
    let lock = try RunLock(access.section.database, purpose: purpose)
    var settings = try access.settings()
    settings.isStaging = settings.isStaging || staging
    settings.guard.remembers = isService
    let work = Self.logger.logLevel <= .debug ? StoreWork() : nil
    let store = try await access.store(work: work)
    do {
      let ledger = FlowLedger()
      let flows = FlowObserver(ledger: ledger)
      let names = try Names(access.configuration, flows: flows)
      let cloud = try Cloud(access.configuration, names: names, flows: flows, environment: environment)
      return try await cloud.closingOnFailure { cloud in
        let forests = try access.section.forests.map {
          try Forest($0, names: names, tls: cloud.tls, flows: flows, environment: environment)
        }
        cloud.directoryLists.use(forests)
        let ways = Ways(
          section: access.section, forests: forests, store: store, ledger: ledger, cloud: cloud,
          environment: environment)
        return try ConnectRuntime(ways, settings, access.finder(settings), lock, work)
      }
    } catch {
      try? await store.close()
      throw error
    }
  }

  /// What the parts are made from.
  struct Ways {
    let section: Configuration.ConnectSection
    let forests: [Forest]
    let store: SQLiteStore
    let ledger: FlowLedger
    let cloud: Cloud
    let environment: [String: String]
  }

  private static let logger = Logger(label: "bridgehead.connect")

  private init(
    _ ways: Ways, _ settings: ConnectConfiguration, _ finder: ObjectFinder, _ lock: RunLock, _ work: StoreWork?
  ) throws {
    let section = ways.section
    var clients: [SCIMClient] = []
    let syncClients = try Dictionary(
      uniqueKeysWithValues: section.allTargets.filter(\.isSyncAPI).map {
        ($0.key, try SyncAPIClient($0, ways.cloud, ways.environment))
      })
    let targets = try section.allTargets.map { target -> any ExportTarget in
      if let client = syncClients[target.key] { return SyncAPITarget(name: target.key, client: client) }
      let client = try ways.cloud.client(of: target, ways.environment)
      clients.append(client)
      return SCIMTarget(name: target.key, client: client)
    }
    service = ConnectService(
      configuration: settings, store: ways.store, sources: Self.sources(ways.forests, ImportSelection(settings)),
      targets: targets,
      anchorWriters: ways.forests.filter { $0.section.writeSourceAnchors ?? false }.map { forest in
        LDAPAnchorWriter(source: forest.section.name, locator: forest.locator) { try await forest.connect(to: $0) }
      },
      resolvers: ways.forests.filter { $0.section.globalCatalog ?? true }.map { forest in
        CatalogResolver(source: forest.section.name, locator: forest.locator, logger: Self.logger) {
          try await forest.connect(toCatalog: $0)
        }
      }, ledger: ways.ledger, logger: Self.logger, now: { Date.now })
    isStaging = settings.isStaging
    // A server in staging reads no passwords, as it sends none.
    passwords = try isStaging ? nil : Self.passwords(ways, syncClients)
    writeback = try isStaging ? nil : Self.writeback(ways)
    store = ways.store
    self.clients = clients
    self.finder = finder
    cloud = ways.cloud
    self.lock = lock
    self.work = work
  }

  private static func sources(_ forests: [Forest], _ selection: ImportSelection) -> [any ImportSource] {
    forests.map { forest in
      LDAPSource(
        name: forest.section.name, domains: forest.domains, locator: forest.locator, logger: logger,
        selection: selection
      ) { try await forest.connect(to: $0) }
    }
  }

  /// Finds objects in the database. The target is only asked for its name and vocabulary.
  func show(_ object: String) async throws -> [ObjectView] { try await finder.show(object, in: store) }

  func close() async {
    await cloud.close()
    try? await store.close()
    lock.release()
    if let work { report(work) }
  }

  /// Statements that are named by what they made the database do.
  private static let heaviestStatements = 12

  /// What the statements of the whole run made the database do: where that grows with the directory and not with the
  /// change, the heaviest statements say why.
  private func report(_ work: StoreWork) {
    let logger = Logger(label: "bridgehead.store")
    for share in work.heaviest(Self.heaviestStatements) {
      logger.debug(
        "statement", metadata: ["steps": "\(share.steps)", "uses": "\(share.uses)", "sql": "\(share.sql)"])
    }
    logger.debug("work of the store", metadata: ["steps": "\(work.steps)"])
  }

  private static func passwords(_ ways: Ways, _ syncClients: [String: SyncAPIClient]) throws -> PasswordPass? {
    let logger = Logger(label: "bridgehead.passwords")
    let sources = ways.forests.compactMap(\.passwordSource)
    let targets = try ways.section.allTargets.compactMap { target -> (any PasswordTarget)? in
      if let client = syncClients[target.key] {
        guard target.passwords ?? false else { return nil }
        return SyncAPIPasswordTarget(name: target.key, client: client, logger: logger)
      }
      guard let token = target.passwordToken else { return nil }
      let client = try ways.cloud.tenantClient(of: target, logger) { [environment = ways.environment] in
        try token.read(environment)
      }
      return TenantPasswordTarget(name: target.key, client: client)
    }
    guard !sources.isEmpty, !targets.isEmpty else { return nil }
    ProcessSecrecy.refuseCores()
    return PasswordPass(
      sources: sources, targets: targets, store: ways.store, ledger: ways.ledger, logger: logger, now: { Date.now },
      random: SystemRandom.bytes)
  }
}
