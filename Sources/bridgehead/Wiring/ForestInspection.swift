// SPDX-License-Identifier: Apache-2.0

import Connect
import DirectoryLocator
import FoundationEssentials
import LDAP
import Logging
import NIOPosix
import PortReference
import RPC
import Store
import Wire

/// How `connect forest` reaches a forest: by the same ways as the synchronisation, with the account of each use.
struct ForestInspection: ForestAccess {
  let forest: Forest

  func controllers(of domain: String) async throws -> [ForestController] {
    try await forest.locator.controllers(of: domain).map { found in
      ForestController(
        host: found.hostName, address: found.address, site: found.site, isGlobalCatalog: found.isGlobalCatalog)
    }
  }

  func signIn(_ role: ForestRole, to controller: ForestController) async throws -> any ForestDirectory {
    let provider = try forest.provider(of: role)
    let port = forest.usesTLS ? LDAPConnection.ldapsPort : LDAPConnection.ldapPort
    let row = forest.usesTLS ? RowID.connectADLDAPS : RowID.connectADLDAP
    return LDAPForestDirectory(
      try await LDAPConnection.connect(
        to: ServerAddress(host: controller.host, address: controller.address, port: port),
        security: forest.usesTLS ? .tls(forest.tls, .negotiated(provider)) : .sealed(provider),
        flow: Flow(row: row.rawValue, recorder: forest.flows), logger: Logger(label: "bridgehead.ldap")))
  }

  func securityAuthority(_ role: ForestRole, of controller: ForestController) async throws -> ForestAuthority {
    try await ForestAuthority.read(
      from: controller.host, address: controller.address, provider: try forest.provider(of: role),
      flow: Flow(row: RowID.connectADSMB.rawValue, recorder: forest.flows), logger: Logger(label: "bridgehead.smb"))
  }

  func replicationService(
    _ role: ForestRole, of controller: ForestController, domain: String
  ) async throws -> [ForestReport.Controller] {
    let connector = RPCConnector(flows: .init(recorder: forest.flows), group: MultiThreadedEventLoopGroup.singleton)
    let association = try await connector.connect(
      to: ServerAddress(host: controller.host, address: controller.address, port: RPCConnector.endpointMapperPort),
      .drsuapi,
      security: .privacy(
        try forest.provider(of: role), ServicePrincipal(service: "ldap", host: controller.host), .spnego))
    return try await ForestReport.Controller.read(association, domain: domain)
  }

  func globalCatalog(_ role: ForestRole, of name: String) async throws -> String {
    guard let catalog = try await forest.locator.globalCatalogs(of: name).first else {
      throw CommandError(
        "forest.catalog", "\(name) has no global catalog.", remedy: "make a domain controller one.")
    }
    let connection = try await forest.connect(toCatalog: catalog)
    await connection.close()
    return catalog.hostName
  }
}

extension Forest {
  /// The account of a use.
  func provider(of role: ForestRole) throws -> any SecurityContextProvider {
    guard let found = accounts[role] else {
      throw CommandError(
        "configuration.credentials", "\(section.name) has no \(role.key).", remedy: "add them to the forest's section.",
        status: .configuration)
    }
    return found
  }
}

extension ForestRequirements {
  /// What the configuration wants of one of its forests.
  init(_ section: Configuration.Forest, in configuration: Configuration.ConnectSection, domains: [String]?) {
    let accounts: [(ForestRole, String?)] = [
      (.importing, section.credentials.principal), (.passwords, section.passwordCredentials?.principal),
      (.writeback, section.writebackCredentials?.principal),
    ]
    self.init(
      forest: section.name, domains: domains,
      accounts: Dictionary(uniqueKeysWithValues: accounts.compactMap { role, name in name.map { (role, $0) } }),
      units: section.organizationalUnits?.include ?? [], writebackUnits: section.writebackUnits?.include ?? [],
      writesAnchors: section.writeSourceAnchors ?? false,
      asksCatalog: section.globalCatalog ?? true, hasFurtherForests: configuration.forests.count > 1)
  }
}

/// Examinations of forests, with the record of what they used.
struct ForestExaminer {
  let configuration: Configuration
  let file: String
  let ledger = FlowLedger()

  /// - Parameter discovers: whether all domains of the forest are looked at, not only those of the configuration.
  func examine(
    _ section: Configuration.Forest, discovers: Bool = false, progress: @escaping ForestExamination.Progress
  ) async throws -> ForestReport {
    let connect = try ConnectAccess(configuration, file: file).section
    let environment = Environment.current
    let flows = FlowObserver(ledger: ledger)
    let names = try Names(configuration, flows: flows)
    let cloud = try Cloud(configuration, names: names, flows: flows, environment: environment)
    return try await cloud.use { cloud in
      let forest = try Forest(section, names: names, tls: cloud.tls, flows: flows, environment: environment)
      cloud.directoryLists.use([forest])
      let requirements = ForestRequirements(
        section, in: connect, domains: discovers ? nil : section.domains ?? [section.name])
      return try await ForestExamination(requirements, ForestInspection(forest: forest), progress: progress).run()
    }
  }

  /// What was used, told once: to `connect status`, where the database exists already.
  func flows() async throws -> [ForestFlow] {
    let flows = ledger.current.map(ForestFlow.init).sorted {
      ($0.row, $0.transport, $0.port) < ($1.row, $1.transport, $1.port)
    }
    if let database = configuration.connect?.database, FileManager.default.fileExists(atPath: database) {
      let store = try await ConnectAccess(configuration, file: file).store()
      try await ledger.flush(to: store, at: Date.now.timeIntervalSince1970)
      try await store.close()
    }
    return flows
  }
}

/// A row of the reference that was used.
struct ForestFlow: Encodable {
  let row: String
  let transport: String
  let host: String
  let address: String
  let port: Int
  let protection: String

  init(_ use: FlowUse) {
    row = use.row
    transport = use.transport.rawValue
    host = use.host
    address = use.address
    port = use.port
    protection = use.protection
  }
}
