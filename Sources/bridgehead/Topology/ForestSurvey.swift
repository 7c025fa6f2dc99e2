// SPDX-License-Identifier: Apache-2.0

import DirectoryLocator
import FoundationEssentials
import Glibc
import Logging
import NIOPosix
import PortReference
import Readiness
import Wire

/// Asks DNS and the domain controllers of the configured forests for what a topology needs to know of them.
struct ForestSurvey {
  private let configuration: Configuration
  private let resolver: DNSResolver

  init(_ configuration: Configuration) throws {
    self.configuration = configuration
    resolver = try Names(configuration, flows: NoFlows()).forest
  }

  /// - Throws: ``LocatorError`` when a domain has no live controller.
  func topology() async throws -> Topology {
    guard let section = configuration.connect else {
      throw CommandError(
        "configuration.connect", "The configuration has no connect section.",
        remedy: "add one; 'bridgehead config init' shows what it needs.", status: .configuration)
    }
    var forests: [Readiness.Forest] = []
    for forest in section.forests { forests.append(try await survey(forest)) }
    let controllers = forests.flatMap(\.domains).flatMap(\.controllers)
    let own = Set(controllers.flatMap { $0.addresses ?? [] }.compactMap { Self.ownAddress(towards: $0.addressText) })
    var topology = Topology(
      name: section.forests[0].name, features: features(section),
      connect: [Host(Self.hostName(), own.sorted(), note: "this machine")], forests: forests)
    topology.resolvers = resolvers(beside: controllers)
    topology.cloud = try section.allTargets.map(cloud)
    topology.outboundProxy = configuration.httpProxy.flatMap(Self.proxy)
    return topology
  }

  /// Global catalogs of the whole forest name the domains that the configuration leaves out.
  private func survey(_ section: Configuration.Forest) async throws -> Readiness.Forest {
    var options = DirectoryLocator.Configuration()
    // A survey waits for the slow ones too.
    options.settlingTime = .milliseconds(3500)
    let locator = DirectoryLocator(
      options, resolver: resolver, group: MultiThreadedEventLoopGroup.singleton, pingFlow: nil, now: { Date.now },
      logger: Logger(label: "bridgehead.locator"))
    let catalogs = try await locator.globalCatalogs(of: section.name)
    var names = [section.name] + (section.domains ?? []) + catalogs.map(\.domain).sorted()
    var seen: Set<String> = []
    names = names.filter { seen.insert($0.lowercased()).inserted }
    var domains: [Readiness.Forest.Domain] = []
    for name in names {
      var controllers: [Readiness.Forest.Controller] = []
      for found in try await locator.controllers(of: name).sorted(by: { $0.hostName < $1.hostName }) {
        guard !controllers.contains(where: { $0.name == found.hostName }) else { continue }
        let addresses = try await resolver.addresses(of: found.hostName).compactMap { IPNetwork(parsing: $0) }
        controllers.append(
          Readiness.Forest.Controller(
            found.hostName, Array(Set(addresses)).sorted(), globalCatalog: found.isGlobalCatalog ? true : nil))
      }
      domains.append(Readiness.Forest.Domain(name, controllers))
    }
    return Readiness.Forest(section.name, domains, domainControllers: section.domainControllers)
  }

  private func features(_ section: Configuration.ConnectSection) -> [Feature] {
    var features: [Feature] = [.directoryImport]
    if section.forests.contains(where: { $0.transport == "ldaps" }) { features.append(.directoryImportTLS) }
    features.append(.cloudExport)
    if configuration.trust?.revocation != "off" { features.append(.revocationChecking) }
    return features
  }

  /// Resolvers that are no domain controllers; nil where controllers are asked.
  private func resolvers(beside controllers: [Readiness.Forest.Controller]) -> [Host]? {
    let known = Set(controllers.flatMap { $0.addresses ?? [] })
    let networks = (configuration.dns?.servers ?? []).compactMap { text in
      IPNetwork(parsing: text) ?? Endpoint(parsing: text).flatMap { IPNetwork(parsing: $0.host) }
    }
    guard networks.contains(where: { !known.contains($0) }) else { return nil }
    return networks.enumerated().map { Host("resolver\($0.offset + 1)", [$0.element]) }
  }

  private func cloud(_ target: Configuration.Target) throws -> CloudService {
    let host = URL(string: target.url)?.host() ?? ""
    var service = CloudService("\(target.key)-directory")
    service.protocols = [.https, .http]
    service.note = "revocation lists may be elsewhere: see the certificate of \(host)"
    if let address = IPNetwork(parsing: host) {
      service.addresses = [address]
    } else if let name = DNSPattern(parsing: host) {
      service.dnsNames = [name]
    } else {
      throw CommandError(
        "topology.target", "connect.target.url names the host '\(host)', which is neither an address nor a full name.",
        remedy: "use the full DNS name.", status: .configuration)
    }
    return service
  }

  private static func proxy(_ section: Configuration.HTTPProxy) -> OutboundProxy? {
    guard let endpoint = Endpoint(parsing: section.address) else { return nil }
    let address = IPNetwork(parsing: endpoint.host).map { [$0] }
    return OutboundProxy(address == nil ? endpoint.host : "web-proxy", address, port: endpoint.port)
  }

  private static func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: Int(HOST_NAME_MAX) + 1)
    gethostname(&buffer, buffer.count)
    let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return name.isEmpty ? "connect" : name
  }

  private static func ownAddress(towards address: String) -> IPNetwork? {
    NumericAddress.source(towards: address).flatMap { IPNetwork(parsing: $0) }
  }
}

/// A survey is no use of a row: nothing is recorded.
private struct NoFlows: FlowRecorder {
  func record(_ use: FlowUse) {}
}
