// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import Connect
import DirectoryLocator
import Foundation
import Kerberos
import LDAP
import Logging
import NIOPosix
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
    let password = try String(contentsOfFile: forest.serviceAccount.passwordFile, encoding: .utf8)
      .trimmingCharacters(in: .newlines)
    let kdc = Endpoint(host: controller.address, port: controller.ports["kerberos"] ?? 88)
    let kerberos = try KerberosProvider(
      KerberosConfiguration(realm: forest.realm, principal: forest.serviceAccount.principal),
      credentials: .password(SecretBytes(Array(password.utf8))),
      flow: Flow(row: "connect-ad/kerberos", recorder: Nobody()), now: { Date.now }, logger: logger,
      kdcs: { _ in [kdc] })
    security =
      usesTLS
      ? .tls(
        try TLSClientPolicy(
          anchors: try .files([description.certificateAuthorityFile]), revocation: .off, now: { Date.now }),
        .negotiated(kerberos)) : .sealed(kerberos)
  }

  func connect() async throws -> LDAPConnection {
    try await LDAPConnection.connect(
      to: LDAPServer(
        host: controller.host, address: controller.address,
        port: usesTLS ? LDAPServer.ldapsPort : LDAPServer.ldapPort),
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
      Endpoint(host: controller.host, port: controller.ports["ldap"] ?? LDAPServer.ldapPort)
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
