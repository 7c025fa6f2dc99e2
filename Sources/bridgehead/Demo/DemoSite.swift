// SPDX-License-Identifier: Apache-2.0

import Connect
import DirectoryLocator
import FoundationEssentials
import LDAP
import Lab
import Logging
import SCIM
import Store
import Tenant
import Wire

/// The places of the demo: a lab forest, a tenant, and Connect between them, made from one configuration file.
struct DemoSite {
  static let initialDomain = "corp.tenant.example"

  let forest: LabDescription.Forest
  let configurationFile: String
  let configuration: Configuration

  /// Writes the configuration that an administrator would write, and the tenant's database and token.
  init(_ lab: LabDescription, directory: String) async throws {
    forest = lab.forests[0]
    configurationFile = directory + "/bridgehead.yaml"
    let tokenFile = directory + "/connect.token"
    configuration = Configuration(
      version: 1, dns: .init(servers: forest.dnsServers),
      trust: .init(
        roots: [lab.certificateAuthorityFile], revocation: "require", revocationCache: directory + "/crl"),
      connect: .init(
        database: directory + "/connect.sqlite",
        forests: [
          .init(
            name: forest.name,
            credentials: .init(
              principal: forest.serviceAccount.principal, keytab: forest.serviceAccount.keytabFile),
            organizationalUnits: .init(include: forest.synchronisedUnits))
        ],
        target: .init(
          url: "https://\(forest.tenant.name)/scim/v2", token: SecretReference(file: tokenFile),
          verifiedDomains: forest.verifiedSuffixes, initialDomain: Self.initialDomain)),
      tenant: .init(
        database: directory + "/tenant.sqlite", listen: "\(forest.tenant.address):443",
        certificate: forest.tenant.certificateChainFile, key: forest.tenant.privateKeyFile,
        url: "https://\(forest.tenant.name)/scim/v2"))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    // JSON is YAML, too.
    try encoder.encode(configuration).write(to: URL(filePath: configurationFile), options: .atomic)

    let access = try TenantAccess(configuration, file: configurationFile)
    let tenant = try await TenantDirectory.initialise(
      store: try await access.store(), domain: Self.initialDomain, environment: access.environment)
    for suffix in forest.verifiedSuffixes {
      _ = try await tenant.addDomain(suffix, by: access.actor)
      _ = try await tenant.verifyDomain(suffix, proof: .administrator, by: access.actor)
    }
    let file = try PrivateFile(tokenFile)
    let token = try await tenant.createToken(
      name: "connect", scopes: [.write], lifetime: 86_400, by: access.actor)
    try file.write(token.text + "\n")
  }

  /// The same site, with LDAPS instead of LDAP.
  var configurationOverTLS: Configuration {
    var configuration = configuration
    configuration.connect?.forests[0].transport = "ldaps"
    return configuration
  }

  func tenantServer() async throws -> TenantServer {
    let access = try TenantAccess(configuration, file: configurationFile)
    return try TenantServer(
      directory: try await access.directory(), configuration: try access.section.server,
      logger: Logger(label: "bridgehead.tenant"))
  }

  /// The forest as its administrator changes it: over LDAP, sealed by Kerberos.
  func administrator() async throws -> LDAPConnection {
    guard var section = configuration.connect?.forests[0] else { throw DemoError(message: "There is no forest.") }
    section.credentials = .init(
      principal: forest.administrator.principal, password: SecretReference(file: forest.administrator.passwordFile))
    // What the administrator does is not Connect's doing: its flows are not recorded.
    let names = try Names(configuration, flows: Unrecorded())
    let cloud = try Cloud(configuration, names: names, flows: Unrecorded(), environment: [:])
    let access = try Forest(section, names: names, tls: cloud.tls, flows: Unrecorded(), environment: [:])
    return try await access.connect(to: try await access.locator.controller(of: forest.name))
  }

  private struct Unrecorded: FlowRecorder {
    func record(_: FlowUse) {}
  }
}
