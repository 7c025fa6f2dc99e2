// SPDX-License-Identifier: Apache-2.0

import Connect
import DirectoryLocator
import FoundationEssentials
import HTTP
import Kerberos
import LDAP
import Logging
import NIOCore
import PortReference
import SCIM
import SMB
import Store
import Wire

/// `connect sso`, made from the configuration and from an administrator's credentials, which are used and not kept.
struct SeamlessSSORuntime: Closable {
  let service: SeamlessSSO
  private let cloud: Cloud
  private let store: SQLiteStore
  private let ledger: FlowLedger

  /// Whom it acts for, and where.
  struct Settings {
    var file: String
    var forest: String?
    var domain: String?
    var target: String?
    /// Nil for the account that Connect reads with.
    var administrator: Configuration.Credentials?
    /// The path of a file with a token whose scope is `sso`.
    var tokenFile: String
    var options: SeamlessSSO.Options
  }

  static func open(_ settings: Settings, environment: [String: String]) async throws -> SeamlessSSORuntime {
    let access = try ConnectAccess(try ConfigurationLoader.load(settings.file), file: settings.file)
    let section = try choice(access.section.forests, settings.forest, "forest", \.name)
    let target = try choice(access.section.allTargets, settings.target, "target", \.key)
    let ledger = FlowLedger()
    let flows = FlowObserver(ledger: ledger)
    let store = try await access.store()
    do {
      let names = try Names(access.configuration, flows: flows)
      let cloud = try Cloud(access.configuration, names: names, flows: flows, environment: environment)
      return try await cloud.closingOnFailure { cloud in
        let directory = try await directory(section, settings, names, cloud, flows, environment)
        let service = SeamlessSSO(
          directory: directory.directory, tenant: try tenant(target, settings.tokenFile, cloud),
          intents: SSOIntents(store: store), options: settings.options,
          prove: { try await prove($0, $1, by: directory.kerberos) }, now: { Date.now },
          random: SystemRandom.bytes, logger: Logger(label: "bridgehead.sso"))
        return SeamlessSSORuntime(service: service, cloud: cloud, store: store, ledger: ledger)
      }
    } catch {
      try? await store.close()
      throw error
    }
  }

  /// Notes what was used, also after a failure.
  func close() async {
    await cloud.close()
    try? await ledger.flush(to: store, at: Date.now.timeIntervalSince1970)
    try? await store.close()
  }

  // MARK: - Parts

  private static func choice<Item>(
    _ items: [Item], _ wanted: String?, _ what: String, _ name: (Item) -> String
  ) throws -> Item {
    if let wanted, let item = items.first(where: { name($0).lowercased() == wanted.lowercased() }) { return item }
    if wanted == nil, items.count == 1, let only = items.first { return only }
    let known = items.map(name).joined(separator: ", ")
    throw CommandError(
      "sso.\(what)", wanted.map { "The configuration has no \(what) \($0)." } ?? "There are several: \(known).",
      remedy: "give --\(what) one of \(known).", status: .usage)
  }

  /// One controller for everything that is changed, read back and proved: no replication stands in between.
  private static func directory(
    _ section: Configuration.Forest, _ settings: Settings, _ names: Names, _ cloud: Cloud, _ flows: FlowObserver,
    _ environment: [String: String]
  ) async throws -> (directory: SSODirectory, kerberos: KerberosProvider) {
    var section = section
    section.passwordCredentials = nil
    if let administrator = settings.administrator { section.credentials = administrator }
    let domain = (settings.domain ?? section.name).lowercased()
    let forest = try Forest(section, names: names, tls: cloud.tls, flows: flows, environment: environment)
    cloud.directoryLists.use([forest])
    let controller = try await forest.locator.controller(of: domain)
    var pinned = section
    pinned.domains = [domain]
    // An administrator of another domain gets tickets there first.
    if section.credentials.principal.lowercased().hasSuffix("@\(domain)") {
      pinned.domainControllers = [controller.hostName]
    }
    let near = try Forest(pinned, names: names, tls: cloud.tls, flows: flows, environment: environment)
    let name = section.name
    let directory = SSODirectory(
      forest: name, domain: domain,
      catalog: {
        let catalogs = try await forest.locator.globalCatalogs(of: name)
        guard let catalog = catalogs.first else { throw LocatorFailure.noCatalog(name) }
        return try await forest.connect(toCatalog: catalog)
      },
      controller: { try await near.connect(to: controller) },
      accounts: { access in
        try await DomainAccounts.connect(
          to: ServerAddress(host: controller.hostName, address: controller.address, port: SMBConnection.smbPort),
          domain: controller.netbiosDomain,
          access: access, provider: near.kerberos, flow: Flow(row: RowID.connectADSMB.rawValue, recorder: flows),
          logger: Logger(label: "bridgehead.smb"))
      })
    return (directory, near.kerberos)
  }

  private enum LocatorFailure {
    static func noCatalog(_ forest: String) -> CommandError {
      CommandError(
        "sso.catalog", "\(forest) has no global catalog that answers.",
        remedy: "make a domain controller that is reachable a global catalog.")
    }
  }

  private static func tenant(_ target: Configuration.Target, _ tokenFile: String, _ cloud: Cloud) throws -> SSOTenant {
    let client = try cloud.tenantClient(of: target, Logger(label: "bridgehead.sso")) { try SecretFile.read(tokenFile) }
    return SSOTenant(client: client, host: client.configuration.baseURL.host)
  }

  /// A ticket from the controller that was changed, opened with the keys that the tenant has.
  private static func prove(
    _ service: ServicePrincipal, _ keys: [ServiceKey], by kerberos: KerberosProvider
  ) async throws {
    let context = try await kerberos.initiate(service, SecurityParameters(mechanism: .spnego, protection: .none))
    guard case .send(let token) = try context.step(nil) else {
      throw SecurityError(
        .internalFailure, "No ticket for \(service) could be made.", remedy: "Report this as a defect.")
    }
    _ = try await KerberosAcceptor(service, keys: keys, replayCache: .none).accept(token, channelBinding: nil)
  }
}
