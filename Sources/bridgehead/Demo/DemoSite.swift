// SPDX-License-Identifier: Apache-2.0

import Connect
import DirectoryLocator
import FoundationEssentials
import HTTP
import Kerberos
import LDAP
import Lab
import Logging
import PasswordWriteback
import SCIM
import Store
import Tenant
import WebIdentity
import Wire

/// The places of the demo: a lab forest, a tenant, and Connect between them, made from one configuration file.
struct DemoSite {
  static let initialDomain = "corp.tenant.example"

  let forest: LabDescription.Forest
  let configurationFile: String
  let configuration: Configuration
  /// The client identifier of the application that people sign in to.
  let application: String
  /// With a token that hands over the keys of Seamless SSO.
  private let ssoTokenFile: String

  /// Writes the configuration that an administrator would write, the tenant's database and tokens, and the key of password
  /// writeback, which is pinned at the tenant.
  init(_ lab: LabDescription, directory: String) async throws {
    forest = lab.forests[0]
    configurationFile = directory + "/bridgehead.yaml"
    let tokenFile = directory + "/connect.token"
    let passwordTokenFile = directory + "/passwords.token"
    let writebackTokenFile = directory + "/writeback.token"
    let writebackKeyFile = directory + "/writeback.key"
    ssoTokenFile = directory + "/sso.token"
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
            passwordCredentials: .init(
              principal: forest.passwordAccount.principal, keytab: forest.passwordAccount.keytabFile),
            writebackCredentials: .init(
              principal: forest.writebackAccount.principal, keytab: forest.writebackAccount.keytabFile),
            writebackUnits: .init(include: ["OU=People,\(forest.baseDN)"]),
            organizationalUnits: .init(include: forest.synchronisedUnits))
        ],
        target: .init(
          url: "https://\(forest.tenant.name)/scim/v2", token: SecretReference(file: tokenFile),
          passwordToken: SecretReference(file: passwordTokenFile),
          writebackToken: SecretReference(file: writebackTokenFile),
          verifiedDomains: forest.verifiedSuffixes, initialDomain: Self.initialDomain),
        writeback: .init(key: writebackKeyFile)),
      tenant: .init(
        database: directory + "/tenant.sqlite", listen: "\(forest.tenant.address):443",
        certificate: forest.tenant.certificateChainFile, key: forest.tenant.privateKeyFile,
        url: "https://\(forest.tenant.name)/scim/v2"))
    // JSON is YAML, too.
    try StableJSON.encode(configuration, isPretty: true).write(to: URL(filePath: configurationFile), options: .atomic)

    let access = try TenantAccess(configuration, file: configurationFile)
    let tenant = try await TenantDirectory.initialise(
      store: try await access.store(), domain: Self.initialDomain, environment: access.environment)
    for suffix in forest.verifiedSuffixes {
      _ = try await tenant.addDomain(suffix, by: access.actor)
      _ = try await tenant.verifyDomain(suffix, proof: .administrator, by: access.actor)
    }
    for (name, scope, path) in [
      ("connect", TokenScope.write, tokenFile), ("passwords", .credentials, passwordTokenFile),
      ("writeback", .writeback, writebackTokenFile), ("sso", .sso, ssoTokenFile),
    ] {
      let file = try PrivateFile(path)
      let token = try await tenant.createToken(name: name, scopes: [scope], lifetime: 86_400, by: access.actor)
      try file.write(token.text + "\n")
    }
    let key = ConnectorPrivateKey()
    try PrivateFile(writebackKeyFile).write(key.text + "\n")
    try await tenant.enableWriteback(try key.publicKey, by: access.actor)
    application = try await tenant.createApplication(
      name: "Demo", kind: .publicClient, redirects: [try RedirectURI(DemoBrowser.redirect)],
      grants: [.authorizationCode], by: access.actor
    ).application.id
  }

  /// The provider that people sign in at.
  var issuer: HTTPURL { get throws { try HTTPURL("https://\(forest.tenant.name)/\(Self.initialDomain)") } }

  /// The password that every user of the forest has.
  var userPassword: String {
    get throws {
      try SecretFile.read(forest.userPasswordFile).withBytes { String(decoding: $0, as: UTF8.self) }
    }
  }

  /// The way of a person to the tenant. What they do is not Connect's doing: it is not recorded.
  func peoplesCloud() throws -> Cloud {
    try Cloud(
      configuration, names: try Names(configuration, flows: Unrecorded()), flows: Unrecorded(), environment: [:])
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
    let access = try access(by: administratorCredentials)
    return try await access.connect(to: try await access.locator.controller(of: forest.name))
  }

  /// `connect sso`, with the credentials of the forest's administrator.
  func seamlessSSO() async throws -> SeamlessSSORuntime {
    try await SeamlessSSORuntime.open(
      .init(
        file: configurationFile, administrator: administratorCredentials, tokenFile: ssoTokenFile,
        options: SeamlessSSO.Options()), environment: [:])
  }

  /// The tickets that the person's password gets, none of which is there yet.
  func kerberos(of person: DemoPerson) throws -> KerberosProvider {
    guard let account = person.entry.string("sAMAccountName") else {
      throw DemoError(message: "\(person.entry.dn) has no account name.")
    }
    let variable = "PASSWORD"
    return try access(
      by: .init(principal: "\(account)@\(forest.realm)", password: SecretReference(environment: variable)),
      environment: [variable: person.password]
    ).kerberos
  }

  private var administratorCredentials: Configuration.Credentials {
    .init(
      principal: forest.administrator.principal, password: SecretReference(file: forest.administrator.passwordFile))
  }

  /// What others than Connect do in the forest is not Connect's doing: their flows are not recorded.
  private func access(by credentials: Configuration.Credentials, environment: [String: String] = [:]) throws -> Forest {
    guard var section = configuration.connect?.forests[0] else { throw DemoError(message: "There is no forest.") }
    (section.credentials, section.passwordCredentials, section.writebackCredentials) = (credentials, nil, nil)
    let names = try Names(configuration, flows: Unrecorded())
    let cloud = try Cloud(configuration, names: names, flows: Unrecorded(), environment: [:])
    return try Forest(section, names: names, tls: cloud.tls, flows: Unrecorded(), environment: environment)
  }

  private struct Unrecorded: FlowRecorder {
    func record(_: FlowUse) {}
  }
}
