// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import DirectoryLocator
import FoundationEssentials
import Kerberos
import LDAP
import Logging
import NIOPosix
import PortReference
import Wire

/// The way to one forest: who finds its domain controllers, who signs in, and how connections are protected.
struct Forest {
  let section: Configuration.Forest
  let locator: DirectoryLocator
  let kerberos: KerberosProvider
  private let security: ConnectionSecurity
  private let usesTLS: Bool
  private let flows: any FlowRecorder

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
    let domains = section.domains ?? [section.name]
    if let allowed = section.domainControllers {
      let endpoints = allowed.map { Endpoint(host: $0, port: LDAPServer.ldapPort) }
      for domain in Set(domains + [section.name]) {
        options.allowedControllers[domain] = endpoints
      }
    }
    let locator = DirectoryLocator(
      options, resolver: names.forest, group: MultiThreadedEventLoopGroup.singleton, pingFlow: ldapFlow, now: now,
      logger: Logger(label: "bridgehead.locator"))
    self.locator = locator
    let credentials = section.credentials
    guard let at = credentials.principal.lastIndex(of: "@") else {
      throw CommandError(
        "configuration.principal", "The principal of \(section.name) names no realm.", remedy: "write user@REALM.",
        status: .configuration)
    }
    let source: KerberosCredentialSource =
      if let keytab = credentials.keytab {
        .keytab(path: keytab)
      } else {
        .password(try credentials.password?.read(environment) ?? SecretBytes([]))
      }
    kerberos = try KerberosProvider(
      KerberosConfiguration(
        realm: credentials.principal[credentials.principal.index(after: at)...].uppercased(),
        principal: credentials.principal,
        allowedClockSkew: credentials.clockSkew.flatMap { Duration(parsing: $0) } ?? .seconds(300)),
      credentials: source, flow: Flow(row: RowID.connectADKerberos.rawValue, recorder: flows), now: now,
      logger: Logger(label: "bridgehead.kerberos"), resolver: names.forest
    ) { realm in try await locator.keyDistributionCenters(of: realm.lowercased()) }
    usesTLS = section.transport == "ldaps"
    security = usesTLS ? .tls(tls, .negotiated(kerberos)) : .sealed(kerberos)
  }

  /// Signs in to a domain controller by the configured transport.
  func connect(to controller: DomainController) async throws -> LDAPConnection {
    let row = usesTLS ? RowID.connectADLDAPS : RowID.connectADLDAP
    return try await LDAPConnection.connect(
      to: LDAPServer(
        host: controller.hostName, address: controller.address,
        port: usesTLS ? LDAPServer.ldapsPort : controller.port),
      security: security, flow: Flow(row: row.rawValue, recorder: flows), logger: Logger(label: "bridgehead.ldap"))
  }
}
