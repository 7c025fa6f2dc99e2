// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import LDAP
package import Logging
package import NIOCore
package import Wire

/// Finds the domain controllers of a domain and the global catalogs of a forest (MS-ADTS 6.3.6):
///
/// 1. candidates: the allowed ones, or the SRV records of this machine's site and then those of the domain;
/// 2. without those that were lost a short while ago;
/// 3. each asked by an LDAP ping: it must be alive, of the right domain and writable;
/// 4. those in this machine's site first, then by RFC 2782 or, where no site is known, by latency.
package actor DirectoryLocator {
  package struct Configuration: Sendable {
    /// This machine's site; nil: what the domain controllers say of this machine's address.
    package var site: String?
    /// By domain (for global catalogs, by forest): the only controllers to use, in this order, with their LDAP port.
    package var allowedControllers: [String: [Endpoint]] = [:]
    /// Seconds for which a controller that was lost is not chosen again.
    package var exclusionPeriod: TimeInterval = 120
    /// The pauses after each copy of a ping: with 0.5, 1 and 2 s, copies leave at 0, 0.5 and 1.5 s, and the ping ends
    /// at 3.5 s.
    package var pingPauses: [Duration] = [.milliseconds(500), .seconds(1), .seconds(2)]
    /// How long slower candidates are waited for after one has answered that could be used: a healthy network's round
    /// trip.
    package var settlingTime = Duration.milliseconds(300)
    /// Where global catalogs are pinged: their records name 3268, which has no UDP.
    package var catalogPingPort = 389

    package init() {}
  }

  let configuration: Configuration
  let resolver: DNSResolver
  let transport: PingTransport
  let now: @Sendable () -> Date
  let logger: Logger
  var randomNumbers: any RandomNumberGenerator & Sendable
  var memory: FailoverMemory
  /// By domain or forest: the site that the answers put this machine in.
  var learntSites: [String: String] = [:]

  /// - Parameters:
  ///   - pingFlow: the row that each answered ping is a use of (`connect-ad/ldap`).
  ///   - now: the clock of the failover memory.
  ///   - randomNumbers: decide between SRV records of equal priority.
  package init(
    _ configuration: Configuration = Configuration(), resolver: DNSResolver, group: any EventLoopGroup,
    pingFlow: Flow?, now: @escaping @Sendable () -> Date,
    randomNumbers: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(), logger: Logger
  ) {
    var configuration = configuration
    configuration.allowedControllers = Dictionary(
      configuration.allowedControllers.map { (Self.normal($0.key), $0.value) }, uniquingKeysWith: +)
    self.configuration = configuration
    self.resolver = resolver
    transport = PingTransport(group: group, pauses: configuration.pingPauses, flow: pingFlow)
    self.now = now
    self.randomNumbers = randomNumbers
    self.logger = logger
    memory = FailoverMemory(period: configuration.exclusionPeriod)
  }

  /// The controllers of a domain that answered, the one to use first. Those behind it are its reserve.
  ///
  /// - Returns: at least one.
  /// - Throws: ``LocatorError``; `CancellationError`.
  package func controllers(of domain: String) async throws -> [DomainController] {
    try await choose(.domain(Self.normal(domain)))
  }

  /// The controller of a domain to use now; throws as ``controllers(of:)``.
  package func controller(of domain: String) async throws -> DomainController {
    try await choose(.domain(Self.normal(domain)))[0]
  }

  /// The controller to go on with after `lost` died: another one, because the lost one is avoided by this and all later
  /// searches until the exclusion period is over.
  ///
  /// - Throws: ``LocatorError``, `noLiveController` or `noAllowedController` when there is no other.
  package func controller(after lost: DomainController) async throws -> DomainController {
    exclude(lost)
    return try await controller(of: lost.domain)
  }

  /// Avoids a controller, as any service of it, for the exclusion period.
  package func exclude(_ lost: DomainController) {
    for name in [lost.hostName, lost.address] { memory.exclude(name, at: now()) }
    logger.warning(
      "domain controller lost",
      metadata: ["dc": "\(lost.hostName)", "avoidedSeconds": "\(Int(configuration.exclusionPeriod))"])
  }

  /// The global catalogs of a forest that answered, the one to use first; their port is the catalog's.
  ///
  /// - Returns: at least one.
  /// - Throws: ``LocatorError``; `CancellationError`.
  package func globalCatalogs(of forest: String) async throws -> [DomainController] {
    try await choose(.globalCatalog(forest: Self.normal(forest)))
  }

  /// Where the KDCs of a domain listen: numeric addresses, because libkrb5 would ask the system's resolver for names.
  ///
  /// - Parameter preferred: comes first; what was changed on it is known to it at once.
  /// - Returns: at least one.
  /// - Throws: ``LocatorError``; `CancellationError`.
  package func keyDistributionCenters(
    of domain: String, preferring preferred: DomainController? = nil
  ) async throws -> [Endpoint] {
    let domain = Self.normal(domain)
    let excluded = memory.excluded(at: now())
    var hosts =
      if let allowed = configuration.allowedControllers[domain] {
        allowed.map { Endpoint(host: $0.host, port: Self.kerberosPort) }
      } else {
        try await records("_kerberos._tcp", under: domain, zone: domain)
          .map { Endpoint(host: $0.record.target, port: Int($0.record.port)) }
      }
    hosts.removeAll { excluded[$0.host.lowercased()] != nil }
    if let preferred {
      let known = hosts.firstIndex { $0.host.lowercased() == preferred.hostName }
      let port = known.map { hosts.remove(at: $0).port } ?? Self.kerberosPort
      hosts.insert(Endpoint(host: preferred.address, port: port), at: 0)
    }
    var result: [Endpoint] = []
    for host in hosts.prefix(Self.maximumKDCs) {
      do {
        let addresses = try await resolver.addresses(of: host.host).prefix(ControllerProbe.maximumAddresses)
        result += addresses.map { Endpoint(host: $0, port: host.port) }.filter { !result.contains($0) }
      } catch let error as LocatorError {
        logger.warning("KDC without address", metadata: ["kdc": "\(host.host)", "cause": "\(error.identifier)"])
      }
    }
    guard !result.isEmpty else {
      throw LocatorError(
        .noLiveController,
        "None of the KDCs of \(domain) can be used: \(hosts.map(\.host).joined(separator: ", ")).",
        remedy: "Check the address records of the domain controllers.")
    }
    return result
  }

  /// RFC 4120 7.2.3.
  private static let kerberosPort = 88
  /// A profile with more KDCs than these would only lengthen the wait for the last of them.
  private static let maximumKDCs = 8

  static func normal(_ domain: String) -> String {
    (domain.hasSuffix(".") ? String(domain.dropLast()) : domain).lowercased()
  }
}
