// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import Connect
import DirectoryLocator
import Foundation
import Kerberos
import LDAP
import Logging
import NIOPosix
import RPC
import Wire

/// The first domain controller of a running lab, seen as the service account of least privilege.
struct LabPeer {
  /// What of `lab.json` is needed here.
  struct Description: Decodable {
    struct Controller: Decodable {
      var host: String
      var address: String
      var ports: [String: Int]
    }
    struct Account: Decodable {
      var principal: String
      var passwordFile: String
    }
    struct Forest: Decodable {
      var name: String
      var realm: String
      var baseDN: String
      var controllers: [Controller]
      var dnsServers: [String]
      var serviceAccount: Account
      var passwordAccount: Account
    }
    var forests: [Forest]
    var certificateAuthorityFile: String
  }

  struct Nobody: FlowRecorder {
    func record(_ use: FlowUse) {}
  }

  let forest: Description.Forest
  let controller: Description.Controller
  let logger: Logger
  private let security: ConnectionSecurity
  private let usesTLS: Bool

  init(path: String, usesTLS: Bool) throws {
    let description = try JSONDecoder().decode(Description.self, from: try Data(contentsOf: URL(fileURLWithPath: path)))
    guard let forest = description.forests.first, let controller = forest.controllers.first else {
      throw Failure("\(path) names no domain controller")
    }
    self.forest = forest
    self.controller = controller
    self.usesTLS = usesTLS
    var logger = Logger(label: "benchmark")
    logger.logLevel = .warning
    self.logger = logger
    let kerberos = try Self.kerberos(forest.serviceAccount, forest, controller, logger)
    security =
      usesTLS
      ? .tls(
        try TLSClientPolicy(
          anchors: try .files([description.certificateAuthorityFile]), revocation: .off, now: { Date.now }),
        .negotiated(kerberos)) : .sealed(kerberos)
  }

  private static func kerberos(
    _ account: Description.Account, _ forest: Description.Forest, _ controller: Description.Controller,
    _ logger: Logger
  ) throws -> KerberosProvider {
    let password = try String(contentsOfFile: account.passwordFile, encoding: .utf8).trimmingCharacters(in: .newlines)
    let kdc = Endpoint(host: controller.address, port: controller.ports["kerberos"] ?? 88)
    return try KerberosProvider(
      KerberosConfiguration(realm: forest.realm, principal: account.principal),
      credentials: .password(SecretBytes(Array(password.utf8))),
      flow: Flow(row: "connect-ad/kerberos", recorder: Nobody()), now: { Date.now }, logger: logger,
      kdcs: { _ in [kdc] })
  }

  /// Password hashes, read by the account that may.
  func passwordSource() throws -> DRSPasswordSource {
    let kerberos = try Self.kerberos(forest.passwordAccount, forest, controller, logger)
    let connector = RPCConnector(flows: .init(recorder: Nobody()), group: MultiThreadedEventLoopGroup.singleton)
    return DRSPasswordSource(
      name: forest.name, domains: [forest.name], locator: locator, directory: { _ in try await connect() }
    ) { controller in
      try await connector.connect(
        to: ServerAddress(
          host: controller.hostName, address: controller.address, port: RPCConnector.endpointMapperPort), .drsuapi,
        security: .privacy(kerberos, ServicePrincipal(service: "ldap", host: controller.hostName), .spnego))
    }
  }

  func connect() async throws -> LDAPConnection {
    try await LDAPConnection.connect(
      to: ServerAddress(
        host: controller.host, address: controller.address,
        port: usesTLS ? LDAPConnection.ldapsPort : LDAPConnection.ldapPort),
      security: security, flow: Flow(row: usesTLS ? "connect-ad/ldaps" : "connect-ad/ldap", recorder: Nobody()),
      logger: logger)
  }

  /// The attributes of the default rules that the forest has.
  func attributes(_ connection: LDAPConnection) async throws -> [String] {
    let schema = try await connection.schema(of: LDAPSource.attributes, try await connection.rootDSE())
    return LDAPSource.attributes.filter { schema[$0.lowercased()] != nil }
  }

  var locator: DirectoryLocator {
    var configuration = DirectoryLocator.Configuration()
    configuration.allowedControllers[forest.name] = [
      Endpoint(host: controller.host, port: controller.ports["ldap"] ?? LDAPConnection.ldapPort)
    ]
    let servers = forest.dnsServers.map { Endpoint(host: $0, port: controller.ports["dns"] ?? 53) }
    return DirectoryLocator(
      configuration,
      resolver: DNSResolver(.init(servers: servers), flow: Flow(row: "connect-ad/dns", recorder: Nobody())),
      group: MultiThreadedEventLoopGroup.singleton, pingFlow: Flow(row: "connect-ad/ldap", recorder: Nobody()),
      now: { Date.now }, logger: logger)
  }
}

struct Failure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
