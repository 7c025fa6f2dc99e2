// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Glibc
import Logging
import Store
import Tenant
import Wire

struct TenantCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tenant", abstract: "The embedded cloud directory: a SCIM 2.0 service with its own database.",
    subcommands: [
      TenantInit.self, TenantServe.self, TenantUsers.self, TenantGroups.self, TenantContacts.self, TenantDevices.self,
      TenantToken.self, TenantDomains.self, TenantApps.self, TenantSessions.self, TenantSync.self, TenantWriteback.self,
      TenantKeys.self, TenantAudit.self,
    ])
}

/// Opens the tenant that a configuration names.
struct TenantAccess {
  let section: Configuration.TenantSection
  let environment: TenantEnvironment

  init(_ configuration: Configuration, file: String) throws {
    guard let section = configuration.tenant else {
      throw CommandError(
        "configuration.tenant", "\(file) has no tenant section.",
        remedy: "add one; 'bridgehead config init' shows what it needs.", status: .configuration)
    }
    self.section = section
    environment = TenantEnvironment(
      now: { Date.now }, random: SystemRandom.bytes,
      sealingKey: try SealingKeyFile.open(section.sealingKey ?? section.database + ".key"))
  }

  init(_ file: ConfigurationOption) throws {
    try self.init(try ConfigurationLoader.load(file.config), file: file.config)
  }

  var limits: TenantLimits {
    var limits = TenantLimits()
    limits.requestsPerSecond = Double(section.requestsPerMinute ?? 60_000) / 60
    limits.requestBurst = max(limits.requestBurst, limits.requestsPerSecond * 2)
    limits.bodyBytes = section.maximumBodyBytes ?? limits.bodyBytes
    return limits
  }

  func store() async throws -> SQLiteStore {
    try await SQLiteStore.open(path: section.database, migrations: TenantDirectory.migrations)
  }

  func directory() async throws -> TenantDirectory {
    try await TenantDirectory(store: try await store(), environment: environment, limits: limits)
  }

  /// Who changes something from the command line, for the audit log.
  var actor: Actor {
    Actor(who: "local:" + (getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(getuid())"))
  }
}

struct TenantInit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Make the tenant's database, with its initial domain.",
    discussion: """
      EXAMPLE
        bridgehead tenant init --domain corp.tenant.example --verified-domain corp.example
      """)

  @OptionGroup var configurationFile: ConfigurationOption

  @Option(help: ArgumentHelp("The tenant's own domain; it stays.", valueName: "name"))
  var domain: String

  @Option(help: ArgumentHelp("A domain that you vouch for; repeat it for several.", valueName: "name"))
  var verifiedDomain: [String] = []

  func run() async throws {
    let access = try TenantAccess(configurationFile)
    let directory = try await TenantDirectory.initialise(
      store: try await access.store(), domain: domain, environment: access.environment)
    for name in verifiedDomain {
      _ = try await directory.addDomain(name, by: access.actor)
      _ = try await directory.verifyDomain(name, proof: .administrator, by: access.actor)
    }
    print("made the tenant \(domain) in \(access.section.database)")
  }
}

struct TenantServe: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Serve the tenant over HTTPS until SIGTERM or SIGINT.",
    discussion: """
      A stop ends listening, lets requests under way finish, and loses nothing.

      EXAMPLE
        bridgehead tenant serve --log-level info --log-format json
      """)

  @OptionGroup var configurationFile: ConfigurationOption
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    Observability.bootstrap(global)
    let configuration = try ConfigurationLoader.load(configurationFile.config)
    let access = try TenantAccess(configuration, file: configurationFile.config)
    let logger = Logger(label: "bridgehead.tenant")
    let server = try TenantServer(
      directory: try await access.directory(), configuration: try access.section.server, logger: logger)
    try await ServiceRunner.run([server], metrics: configuration.metrics, logger: logger)
  }
}

extension Configuration.TenantSection {
  var server: TenantServerConfiguration {
    get throws {
      guard let endpoint = Endpoint(parsing: listen) else {
        throw CommandError(
          "configuration.tenant", "tenant.listen is not host:port.", remedy: "write host:port.", status: .configuration)
      }
      return TenantServerConfiguration(
        host: endpoint.host, port: endpoint.port, certificateChainPath: certificate, privateKeyPath: key,
        publicURL: url,
        replayCache: database + ".replay")
    }
  }
}
