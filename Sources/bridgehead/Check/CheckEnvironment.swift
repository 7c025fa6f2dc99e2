// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import FoundationEssentials
import Glibc
import HTTP
import Kerberos
import Logging
import NIOPosix
import PortReference
import Readiness
import Wire

/// Wires a check: sockets, names, trust and sign-ins from options, configuration and topology.
struct CheckEnvironment {
  private let topology: Topology
  private let names: Names
  private let cloud: Cloud
  /// By forest, lower case; empty without credentials.
  private let gates: [String: CredentialGate]
  private let standIns: StandInProver?
  private let proxySignIn: ProxySignIn?
  private let draw: AddressDraw?

  init(_ options: CheckOptions, _ topology: Topology, environment: [String: String]) throws {
    self.topology = topology
    var configuration = try options.config.map { try ConfigurationLoader.load($0) } ?? Configuration(version: 1)
    let servers = options.dns.isEmpty ? nil : options.dns
    let known = (topology.resolvers ?? []).flatMap { $0.addresses ?? [] }.filter(\.isSingle).map(\.addressText)
    configuration.dns = .init(servers: servers ?? configuration.dns?.servers ?? (known.isEmpty ? nil : known))
    var trust = configuration.trust ?? .init()
    if !options.root.isEmpty { trust.roots = options.root }
    trust.revocation = options.revocation ?? trust.revocation
    configuration.trust = trust
    let flows = NoFlows()
    names = try Names(configuration, flows: flows)
    cloud = try Cloud(configuration, names: names, flows: flows, environment: environment)
    gates = try Self.gates(options, configuration, topology, names, environment)
    proxySignIn = try ProxyAccount.credentials(options, topology, configuration, environment).map { ProxySignIn($0) }
    draw = options.sample.map { AddressDraw(count: $0, seed: options.sampleSeed ?? AddressDraw.usualSeed) }
    standIns = try StandInCodeSource.given(file: options.standInCodeFile, environment).map {
      StandInProver(try StandInCode($0), random: SystemRandom.bytes)
    }
  }

  /// - Parameter deadline: when the whole check ends.
  func runner(deadline: ContinuousClock.Instant) -> CheckRunner {
    let tls = cloud.tls
    var context = ProbeContext(
      sockets: ProbeSockets(), group: MultiThreadedEventLoopGroup.singleton, deadline: deadline, now: { Date.now },
      credentials: nil, trust: { _ in tls }, standIns: standIns, logger: Logger(label: "bridgehead.check"))
    context.proxySignIn = proxySignIn
    let gates = gates
    return CheckRunner(context: context, resolver: names.forest, draw: draw) { target in
      // A host of no known forest is signed in to where there is no choice of accounts.
      target.forest.map { gates[$0.lowercased()] } ?? (gates.count == 1 ? gates.first?.value : nil)
    }
  }

  /// For what a check has to tell others.
  var http: HTTPClient { cloud.http }

  func shutdown() async { await cloud.close() }

  /// A check of a hundred hosts opens thousands of sockets; the soft limit is often 1,024.
  static func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = min(limit.rlim_max, 65_536)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  // MARK: - Sign-ins

  private static func gates(
    _ options: CheckOptions, _ configuration: Configuration, _ topology: Topology, _ names: Names,
    _ environment: [String: String]
  ) throws -> [String: CredentialGate] {
    if let principal = options.credentials {
      let source: KerberosCredentialSource =
        if let keytab = options.keytab {
          .keytab(path: keytab)
        } else {
          .password(try SecretFile.read(options.passwordFile ?? ""))
        }
      let realm = realm(of: principal)
      let forest = topology.forests.first { $0.domains.contains { $0.name.uppercased() == realm } }
      guard let forest = forest ?? topology.forests.first(where: { $0.name.uppercased() == realm }) else {
        throw CommandError(
          "check.realm", "The topology has no domain \(realm) that \(principal) could sign in to.",
          remedy: "correct --credentials or the topology.", status: .usage)
      }
      return [forest.name.lowercased(): try gate(principal, source, topology, names)]
    }
    guard options.signIn else { return [:] }
    var gates: [String: CredentialGate] = [:]
    for forest in configuration.connect?.forests ?? [] {
      let credentials = forest.credentials
      let source: KerberosCredentialSource =
        if let keytab = credentials.keytab {
          .keytab(path: keytab)
        } else {
          .password(try credentials.password?.read(environment) ?? SecretBytes([]))
        }
      gates[forest.name.lowercased()] = try gate(credentials.principal, source, topology, names)
    }
    return gates
  }

  private static func gate(
    _ principal: String, _ source: KerberosCredentialSource, _ topology: Topology, _ names: Names
  ) throws -> CredentialGate {
    let provider = try KerberosProvider(
      KerberosConfiguration(realm: realm(of: principal), principal: principal), credentials: source,
      flow: Flow(row: RowID.connectADKerberos.rawValue, recorder: NoFlows()), now: { Date.now },
      logger: Logger(label: "bridgehead.kerberos"), resolver: names.forest
    ) { realm in try kdcs(of: realm, topology) }
    return CredentialGate(provider)
  }

  /// The topology's controllers, by address where it has one: the check proves what the topology says.
  private static func kdcs(of realm: String, _ topology: Topology) throws -> [Endpoint] {
    let controllers = topology.forests.flatMap { forest in
      forest.domains.filter { $0.name.uppercased() == realm.uppercased() }.flatMap(\.controllers)
        .filter { forest.isUsed($0) }
    }
    let kdcs = controllers.map { controller in
      let address = (controller.addresses ?? []).first(where: \.isSingle)?.addressText
      return Endpoint(host: address ?? controller.name, port: 88)
    }
    guard !kdcs.isEmpty else {
      throw SecurityError(
        .noKDC, "The topology names no domain controller of \(realm).",
        remedy: "Add the domain's controllers to the topology.")
    }
    return kdcs
  }

  private static func realm(of principal: String) -> String {
    principal.lastIndex(of: "@").map { principal[principal.index(after: $0)...].uppercased() } ?? ""
  }
}

/// A check is no use of a row: nothing is recorded.
private struct NoFlows: FlowRecorder {
  func record(_ use: FlowUse) {}
}
