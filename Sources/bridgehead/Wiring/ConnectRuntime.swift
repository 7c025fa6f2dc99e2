// SPDX-License-Identifier: Apache-2.0

import Connect
import FoundationEssentials
import HTTP
import LDAP
import Logging
import NIOCore
import SCIM
import Store
import SynchronisationRules
import Wire

/// Connect with everything it works with, made from the configuration.
struct ConnectRuntime {
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

  static func open(
    _ configuration: Configuration, file: String, environment: [String: String], purpose: String = "connect sync",
    staging: Bool = false, isService: Bool = false
  ) async throws -> ConnectRuntime {
    let section = try connectSection(configuration, file)
    let lock = try RunLock(section.database, purpose: purpose)
    let store = try await store(configuration, file: file)
    let ledger = FlowLedger()
    let flows = FlowObserver(ledger: ledger)
    let names = try Names(configuration, flows: flows)
    let cloud = try Cloud(configuration, names: names, flows: flows, environment: environment)
    let logger = Logger(label: "bridgehead.connect")
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
    let clients = try section.allTargets.map { ($0.key, try scimClient($0, cloud, environment)) }
    let targets = clients.map { SCIMTarget(name: $0, client: $1) }
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
      section, forests, store, ledger, cloud, environment, isStaging: settings.isStaging)
    let writeback = try settings.isStaging ? nil : writeback(section, forests, store, cloud, environment)
    return ConnectRuntime(
      service: service, passwords: passwords, writeback: writeback, isStaging: settings.isStaging, store: store,
      clients: clients.map(\.1),
      finder: ObjectFinder(settings), cloud: cloud, lock: lock)
  }

  /// What `connect show` asks; it needs no connection and no secret.
  ///
  /// - Parameter rules: others than those in force.
  static func finder(
    _ configuration: Configuration, file: String, rules: RuleSet? = nil
  ) throws -> ObjectFinder {
    var settings = try settings(configuration, file: file)
    if let rules { settings.rules = rules }
    return ObjectFinder(settings)
  }

  /// What the engine is told, for commands that only look.
  static func settings(_ configuration: Configuration, file: String) throws -> ConnectConfiguration {
    var settings = ConnectConfiguration(try connectSection(configuration, file))
    settings.rules = try ConfigurationLoader.rules(of: configuration)
    return settings
  }

  /// The database alone, for commands that only look.
  static func store(_ configuration: Configuration, file: String) async throws -> SQLiteStore {
    try await SQLiteStore.open(
      path: try connectSection(configuration, file).database, migrations: ConnectSchema.migrations)
  }

  /// Finds objects in the database. The target is only asked for its name and vocabulary.
  func show(_ object: String) async throws -> [ObjectView] { try await finder.show(object, in: store) }

  func close() async {
    await cloud.shutdown()
    try? await store.close()
    lock.release()
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
    _ cloud: Cloud, _ environment: [String: String], isStaging: Bool
  ) throws -> PasswordPass? {
    let sources = forests.compactMap(\.passwordSource)
    let targets = try section.allTargets.compactMap { target -> TenantPasswordTarget? in
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
      random: { count in
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
      })
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
    _ = try target.token.read(environment)
    return SCIMClient(
      configuration, http: cloud.http, timing: SCIMClientTiming(now: { Date.now }),
      logger: Logger(label: "bridgehead.scim")
    ) { try target.token.read(environment) }
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
    limits.clearedValues = section.guard?.clearedValues ?? limits.clearedValues
    self.init(
      forests: section.forests.map { forest in
        Forest(
          name: forest.name, domains: forest.domains ?? [forest.name],
          filter: OrganizationalUnitFilter(
            include: forest.organizationalUnits?.include ?? [], exclude: forest.organizationalUnits?.exclude ?? []),
          writesAnchors: forest.writeSourceAnchors ?? false, asksCatalog: forest.globalCatalog ?? true)
      },
      // The loader sees to it that all targets have the same domains.
      targets: section.allTargets.map { Target(name: $0.key, url: $0.url) },
      verifiedDomains: section.allTargets.first?.verifiedDomains ?? [],
      initialDomain: section.allTargets.first?.initialDomain ?? "", guard: limits,
      joinUsersBy: section.joinUsersBy ?? [], includesDevices: section.devices ?? false,
      isStaging: section.mode == "staging")
    if let interval = section.readTargetsEvery.flatMap({ Duration(parsing: $0) }) {
      targetReadingInterval = Double(interval.components.seconds)
    }
  }
}

extension ObjectFinder {
  fileprivate init(_ configuration: ConnectConfiguration) {
    self.init(configuration: configuration, vocabulary: SCIMTarget.vocabulary, now: { Date.now })
  }
}
