// SPDX-License-Identifier: Apache-2.0

import Connect
import FoundationEssentials
import HTTP
import LDAP
import Logging
import NIOCore
import SCIM
import Store
import SyncAPI
import SynchronisationRules
import Tenant
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

  static func open(
    _ configuration: Configuration, file: String, environment: [String: String], purpose: String = "connect sync",
    staging: Bool = false, isService: Bool = false
  ) async throws -> ConnectRuntime {
    let section = try connectSection(configuration, file)
    let lock = try RunLock(section.database, purpose: purpose)
    let logger = Logger(label: "bridgehead.connect")
    let work = logger.logLevel <= .debug ? StoreWork() : nil
    let store = try await store(configuration, file: file, work: work)
    let ledger = FlowLedger()
    let flows = FlowObserver(ledger: ledger)
    let names = try Names(configuration, flows: flows)
    let cloud = try Cloud(configuration, names: names, flows: flows, environment: environment)
    let forests = try section.forests.map {
      try Forest($0, names: names, tls: cloud.tls, flows: flows, environment: environment)
    }
    cloud.directoryLists.use(forests)
    var settings = try settings(configuration, file: file)
    settings.isStaging = settings.isStaging || staging
    settings.guard.remembers = isService
    let selection = ImportSelection(settings)
    let sources = forests.map { forest -> any ImportSource in
      LDAPSource(
        name: forest.section.name, domains: forest.domains, locator: forest.locator, logger: logger,
        selection: selection
      ) { try await forest.connect(to: $0) }
    }
    var clients: [SCIMClient] = []
    let syncClients = try Dictionary(
      uniqueKeysWithValues: section.allTargets.filter(\.isSyncAPI).map {
        ($0.key, try SyncAPIClient($0, cloud, environment))
      })
    let targets = try section.allTargets.map { target -> any ExportTarget in
      if let client = syncClients[target.key] { return SyncAPITarget(name: target.key, client: client) }
      let client = try scimClient(target, cloud, environment)
      clients.append(client)
      return SCIMTarget(name: target.key, client: client)
    }
    let service = ConnectService(
      configuration: settings, store: store, sources: sources, targets: targets,
      anchorWriters: forests.filter { $0.section.writeSourceAnchors ?? false }.map { forest in
        LDAPAnchorWriter(source: forest.section.name, locator: forest.locator) { try await forest.connect(to: $0) }
      },
      resolvers: forests.filter { $0.section.globalCatalog ?? true }.map { forest in
        CatalogResolver(source: forest.section.name, locator: forest.locator, logger: logger) {
          try await forest.connect(toCatalog: $0)
        }
      }, ledger: ledger, logger: logger,
      now: { Date.now })
    let passwords = try passwords(
      section, forests, store, ledger, cloud, syncClients, environment, isStaging: settings.isStaging)
    let writeback = try settings.isStaging ? nil : writeback(section, forests, store, cloud, environment)
    return ConnectRuntime(
      service: service, passwords: passwords, writeback: writeback, isStaging: settings.isStaging, store: store,
      clients: clients, finder: ObjectFinder(settings, section), cloud: cloud, lock: lock, work: work)
  }

  /// What `connect show` asks; it needs no connection and no secret.
  ///
  /// - Parameter rules: others than those in force.
  static func finder(
    _ configuration: Configuration, file: String, rules: RuleSet? = nil
  ) throws -> ObjectFinder {
    var settings = try settings(configuration, file: file)
    if let rules { settings.rules = rules }
    return ObjectFinder(settings, try connectSection(configuration, file))
  }

  /// What the engine is told, for commands that only look.
  static func settings(_ configuration: Configuration, file: String) throws -> ConnectConfiguration {
    var settings = ConnectConfiguration(try connectSection(configuration, file))
    settings.rules = try ConfigurationLoader.rules(of: configuration)
    return settings
  }

  /// The database alone, for commands that only look.
  ///
  /// - Parameter work: where the work of statements is counted.
  static func store(
    _ configuration: Configuration, file: String, work: StoreWork? = nil
  ) async throws -> SQLiteStore {
    try await SQLiteStore.open(
      path: try connectSection(configuration, file).database, migrations: ConnectSchema.migrations,
      options: .init(work: work))
  }

  /// Finds objects in the database. The target is only asked for its name and vocabulary.
  func show(_ object: String) async throws -> [ObjectView] { try await finder.show(object, in: store) }

  func close() async {
    await cloud.shutdown()
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

  static func connectSection(
    _ configuration: Configuration, _ file: String
  ) throws -> Configuration.ConnectSection {
    guard let section = configuration.connect else {
      throw CommandError(
        "configuration.connect", "\(file) has no connect section.",
        remedy: "add one; 'bridgehead config init' shows what it needs.", status: .configuration)
    }
    return section
  }

  /// A server in staging reads no passwords, as it sends none.
  private static func passwords(
    _ section: Configuration.ConnectSection, _ forests: [Forest], _ store: SQLiteStore, _ ledger: FlowLedger,
    _ cloud: Cloud, _ syncClients: [String: SyncAPIClient], _ environment: [String: String], isStaging: Bool
  ) throws -> PasswordPass? {
    let sources = forests.compactMap(\.passwordSource)
    let targets = try section.allTargets.compactMap { target -> (any PasswordTarget)? in
      if let client = syncClients[target.key] {
        guard target.passwords ?? false else { return nil }
        return SyncAPIPasswordTarget(
          name: target.key, client: client, logger: Logger(label: "bridgehead.passwords"))
      }
      guard let token = target.passwordToken else { return nil }
      _ = try token.read(environment)
      let url = try HTTPURL(target.url)
      let client = SCIMClient(
        SCIMClientConfiguration(baseURL: try HTTPURL("\(url.scheme)://\(url.endpoint)")), http: cloud.http,
        timing: SCIMClientTiming(now: { Date.now }), logger: Logger(label: "bridgehead.passwords")
      ) { try token.read(environment) }
      return TenantPasswordTarget(name: target.key, client: client)
    }
    guard !sources.isEmpty, !targets.isEmpty, !isStaging else { return nil }
    ProcessSecrecy.refuseCores()
    return PasswordPass(
      sources: sources, targets: targets, store: store, ledger: ledger, logger: Logger(label: "bridgehead.passwords"),
      now: { Date.now },
      random: SystemRandom.bytes)
  }

  private static func scimClient(
    _ target: Configuration.Target, _ cloud: Cloud, _ environment: [String: String]
  ) throws -> SCIMClient {
    var configuration = SCIMClientConfiguration(baseURL: try HTTPURL(target.url))
    configuration.concurrency = target.concurrency ?? configuration.concurrency
    if let timeout = target.requestTimeout.flatMap({ Duration(parsing: $0) }) {
      configuration.deadline = .seconds(timeout.components.seconds)
    }
    // Read now, so that a missing token is told before anything is done, and again for each use: it may be renewed.
    guard let token = target.token else {
      throw CommandError(
        "configuration.token", "The target \(target.key) has no token.", remedy: "add it.", status: .configuration)
    }
    _ = try token.read(environment)
    return SCIMClient(
      configuration, http: cloud.http, timing: SCIMClientTiming(now: { Date.now }),
      logger: Logger(label: "bridgehead.scim")
    ) { try token.read(environment) }
  }
}

extension ConnectConfiguration {
  fileprivate init(_ section: Configuration.ConnectSection) {
    var limits = Guard()
    limits.maximumDeletions = section.guard?.deletions ?? limits.maximumDeletions
    limits.maximumPercent = section.guard?.deletionPercent ?? limits.maximumPercent
    if let window = section.guard?.window.flatMap({ Duration(parsing: $0) }) {
      limits.window = Double(window.components.seconds)
    }
    limits.maximumRemovals = section.guard?.memberRemovals ?? limits.maximumRemovals
    limits.maximumRemovalPercent = section.guard?.memberRemovalPercent ?? limits.maximumRemovalPercent
    limits.maximumGroupPercent = section.guard?.groupRemovalPercent ?? limits.maximumGroupPercent
    limits.floor = section.guard?.deletionFloor ?? limits.floor
    limits.removalFloor = section.guard?.memberRemovalFloor ?? limits.removalFloor
    limits.groupRemovalFloor = section.guard?.groupRemovalFloor ?? limits.groupRemovalFloor
    limits.smallGroup = section.guard?.smallGroup ?? limits.smallGroup
    limits.clearedValues = section.guard?.clearedValues ?? limits.clearedValues
    self.init(
      forests: section.forests.map { forest in
        Forest(
          name: forest.name, domains: forest.domains ?? [forest.name],
          filter: OrganizationalUnitFilter(
            include: forest.organizationalUnits?.include ?? [], exclude: forest.organizationalUnits?.exclude ?? []),
          writesAnchors: forest.writeSourceAnchors ?? false, asksCatalog: forest.globalCatalog ?? true)
      },
      targets: section.allTargets.map {
        Target(name: $0.key, url: $0.url, verifiedDomains: $0.verifiedDomains, initialDomain: $0.initialDomain)
      }, guard: limits, joinUsersBy: section.joinUsersBy ?? [], includesDevices: section.devices ?? false,
      isStaging: section.mode == "staging")
    if let interval = section.readTargetsEvery.flatMap({ Duration(parsing: $0) }) {
      targetReadingInterval = Double(interval.components.seconds)
    }
  }
}

extension ObjectFinder {
  fileprivate init(_ configuration: ConnectConfiguration, _ section: Configuration.ConnectSection) {
    self.init(
      configuration: configuration,
      vocabularies: Dictionary(
        section.allTargets.map { ($0.key, $0.isSyncAPI ? TargetVocabulary.syncAPI : .scim) }, uniquingKeysWith: { $1 }),
      now: { Date.now })
  }
}
