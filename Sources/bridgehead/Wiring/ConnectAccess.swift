// SPDX-License-Identifier: Apache-2.0

import Connect
import FoundationEssentials
import Store
import SynchronisationRules

/// What the configuration file says of Connect, for its commands.
struct ConnectAccess {
  let configuration: Configuration
  let section: Configuration.ConnectSection

  init(_ configuration: Configuration, file: String) throws {
    guard let section = configuration.connect else {
      throw CommandError(
        "configuration.connect", "\(file) has no connect section.",
        remedy: "add one; 'bridgehead config init' shows what it needs.", status: .configuration)
    }
    self.configuration = configuration
    self.section = section
  }

  init(_ file: ConfigurationOption) throws {
    try self.init(try ConfigurationLoader.load(file.config), file: file.config)
  }

  /// The database alone, for commands that only look.
  ///
  /// - Parameter work: where the work of statements is counted.
  func store(work: StoreWork? = nil) async throws -> SQLiteStore {
    try await SQLiteStore.open(
      path: section.database, migrations: ConnectSchema.migrations, options: .init(work: work))
  }

  /// What the engine is told.
  func settings() throws -> ConnectConfiguration {
    var settings = ConnectConfiguration(section)
    settings.rules = try ConfigurationLoader.rules(of: configuration)
    return settings
  }

  /// Finds objects in the database; it needs no connection and no secret.
  ///
  /// - Parameter rules: others than those in force.
  func finder(rules: RuleSet? = nil) throws -> ObjectFinder {
    var settings = try settings()
    if let rules { settings.rules = rules }
    return finder(settings)
  }

  func finder(_ settings: ConnectConfiguration) -> ObjectFinder {
    ObjectFinder(
      configuration: settings,
      vocabularies: Dictionary(
        section.allTargets.map { ($0.key, $0.isSyncAPI ? TargetVocabulary.syncAPI : .scim) },
        uniquingKeysWith: { first, _ in first }),
      now: { Date.now })
  }

  /// Connect with everything it works with, as the only run on its database.
  ///
  /// - Parameter purpose: the command, for whoever is refused meanwhile.
  func open(purpose: String, staging: Bool = false) async throws -> ConnectRuntime {
    try await ConnectRuntime.open(
      self, environment: Environment.current, purpose: purpose, staging: staging)
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
