// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import Connect
import DirectoryLocator
import FoundationEssentials
import Kerberos
import LDAP
import Logging
import NIOPosix
import PortReference
import RPC
import Wire

/// The way to one forest: who finds its domain controllers, who signs in, and how connections are protected.
struct Forest {
  let section: Configuration.Forest
  /// DNS names of its domains.
  let domains: [String]
  let locator: DirectoryLocator
  let kerberos: KerberosProvider
  /// Who reads password hashes.
  private let passwords: KerberosProvider?
  private let writer: ForestWriter?
  /// On 636.
  private let security: ConnectionSecurity
  let usesTLS: Bool
  let flows: any FlowRecorder
  let tls: TLSClientPolicy
  /// Each use's account, where it has one.
  let accounts: [ForestRole: KerberosProvider]

  init(
    _ section: Configuration.Forest, names: Names, tls: TLSClientPolicy, flows: any FlowRecorder,
    environment: [String: String]
  ) throws {
    self.section = section
    self.flows = flows
    let now: @Sendable () -> Date = { Date.now }
    let ldapFlow = Flow(row: RowID.connectADLDAP.rawValue, recorder: flows)
    var options = DirectoryLocator.Configuration()
    options.site = section.site
    domains = section.domains ?? [section.name]
    if let allowed = section.domainControllers {
      let endpoints = allowed.map { Endpoint(host: $0, port: LDAPConnection.ldapPort) }
      for domain in Set(domains + [section.name]) {
        options.allowedControllers[domain] = endpoints
      }
    }
    let locator = DirectoryLocator(
      options, resolver: names.forest, group: MultiThreadedEventLoopGroup.singleton, pingFlow: ldapFlow, now: now,
      logger: Logger(label: "bridgehead.locator"))
    self.locator = locator
    let realmsControllers: KerberosProvider.KDCLocator = { realm in
      try await locator.keyDistributionCenters(of: realm.lowercased())
    }
    func provider(_ credentials: Configuration.Credentials) throws -> KerberosProvider {
      try Self.provider(credentials, section.name, names, flows, environment, realmsControllers)
    }
    kerberos = try provider(section.credentials)
    passwords = try section.passwordCredentials.map(provider)
    writer = try section.writebackCredentials.map { credentials in
      ForestWriter(
        units: section.writebackUnits, kerberos: try provider(credentials), tls: tls, names: names, flows: flows,
        controllers: realmsControllers)
    }
    usesTLS = section.transport == "ldaps"
    security = .tls(tls, .negotiated(kerberos))
    self.tls = tls
    accounts = [
      .importing: kerberos, .passwords: passwords, .writeback: try section.writebackCredentials.map(provider),
    ].compactMapValues { $0 }
  }

  private static func provider(
    _ credentials: Configuration.Credentials, _ forest: String, _ names: Names, _ flows: any FlowRecorder,
    _ environment: [String: String], _ controllers: @escaping KerberosProvider.KDCLocator
  ) throws -> KerberosProvider {
    guard let at = credentials.principal.lastIndex(of: "@") else {
      throw CommandError(
        "configuration.principal", "The principal of \(forest) names no realm.", remedy: "write user@REALM.",
        status: .configuration)
    }
    let source: KerberosCredentialSource =
      if let keytab = credentials.keytab {
        .keytab(path: keytab)
      } else {
        .password(try credentials.password?.read(environment) ?? SecretBytes([]))
      }
    return try KerberosProvider(
      KerberosConfiguration(
        realm: credentials.principal[credentials.principal.index(after: at)...].uppercased(),
        principal: credentials.principal,
        allowedClockSkew: credentials.clockSkew.flatMap { Duration(parsing: $0) } ?? .seconds(300)),
      credentials: source, flow: Flow(row: RowID.connectADKerberos.rawValue, recorder: flows), now: { Date.now },
      logger: Logger(label: "bridgehead.kerberos"), resolver: names.forest, kdcs: controllers)
  }

  /// Password hashes by replication; nil where no credentials for that are given.
  var passwordSource: DRSPasswordSource? {
    guard let passwords else { return nil }
    let connector = RPCConnector(flows: .init(recorder: flows), group: MultiThreadedEventLoopGroup.singleton)
    return DRSPasswordSource(
      name: section.name, domains: domains, locator: locator, directory: { try await connect(to: $0) }
    ) { controller in
      let server = ServerAddress(
        host: controller.hostName, address: controller.address, port: RPCConnector.endpointMapperPort)
      // MS-DRSR 2.2.3.2: the service class of a domain controller's directory service.
      let principal = ServicePrincipal(service: "ldap", host: controller.hostName)
      return try await connector.connect(to: server, .drsuapi, security: .privacy(passwords, principal, .spnego))
    }
  }

  /// Where passwords are written back; nil where no credentials for that are given.
  var writeback: DomainWriteback? {
    writer?.directory(source: section.name, usesTLS: usesTLS, locator: locator)
  }

  /// Signs in to a domain controller by the configured transport.
  func connect(to controller: DomainController) async throws -> LDAPConnection {
    guard usesTLS else { return try await connectSealed(to: controller) }
    return try await connect(to: controller, LDAPConnection.ldapsPort, security, RowID.connectADLDAPS, LDAPOptions())
  }

  /// Signs in to a global catalog by the configured transport.
  func connect(toCatalog catalog: DomainController) async throws -> LDAPConnection {
    usesTLS
      ? try await connect(
        to: catalog, LDAPConnection.globalCatalogTLSPort, security, RowID.connectADGlobalCatalog, LDAPOptions())
      : try await connect(to: catalog, catalog.port, .sealed(kerberos), RowID.connectADGlobalCatalog, LDAPOptions())
  }

  /// Signs in on 389 whatever transport is configured; every message is sealed by Kerberos.
  func connectSealed(to controller: DomainController, options: LDAPOptions = LDAPOptions()) async throws
    -> LDAPConnection
  {
    try await connect(to: controller, controller.port, .sealed(kerberos), RowID.connectADLDAP, options)
  }

  private func connect(
    to controller: DomainController, _ port: Int, _ security: ConnectionSecurity, _ row: RowID, _ options: LDAPOptions
  ) async throws -> LDAPConnection {
    try await LDAPConnection.connect(
      to: ServerAddress(host: controller.hostName, address: controller.address, port: port), security: security,
      flow: Flow(row: row.rawValue, recorder: flows), options: options, logger: Logger(label: "bridgehead.ldap"))
  }
}
