// SPDX-License-Identifier: Apache-2.0

import Logging
import Wire

typealias Decision = (candidate: Candidate, verdict: Verdict)

extension DirectoryLocator {
  /// MS-ADTS 6.3.2.3: the port of the global catalog.
  private static let catalogPort = 3268

  /// The controllers that can be used, best first; at least one.
  func choose(_ role: ControllerProbe.Role) async throws -> [DomainController] {
    let allowed = configuration.allowedControllers[role.name]
    let knownSite = site(of: role.name)
    let candidates =
      if let allowed {
        allowed.enumerated().map { position, endpoint in
          Candidate(
            host: endpoint.host, port: role.isCatalog ? Self.catalogPort : endpoint.port, pingPort: endpoint.port,
            priority: position, messageID: messageID())
        }
      } else {
        try await records(role.service, under: role.parent, zone: role.name).map { candidate($0, role) }
      }
    var decisions = try await ask(candidates, role, ordered: allowed != nil)

    // The answers tell this machine's site: if none of those that answered is in it, ask those that are.
    if allowed == nil, knownSite == nil, let learnt = decisions.lazy.compactMap(\.verdict.controller?.clientSite).first
    {
      learntSites[role.name] = learnt
      logger.debug("site learnt", metadata: ["domain": "\(role.name)", "site": "\(learnt)"])
      if !decisions.contains(where: { $0.verdict.controller?.isNear(nil) ?? false }) {
        let decided = Set(decisions.map { $0.candidate.host.lowercased() })
        let more = try await siteRecords(role.service, under: role.parent, site: learnt)
          .map { candidate(($0, false), role) }.filter { !decided.contains($0.host.lowercased()) }
        decisions += try await ask(more, role, ordered: false)
      }
    }
    let excluded = memory.excluded(at: now())
    let controllers = sorted(decisions, byList: allowed != nil).filter { excluded[$0.hostName] == nil }
    guard controllers.isEmpty else { return controllers }
    throw LocatorError(role, decisions, excluded: excluded, isAllowList: allowed != nil)
  }

  private func candidate(_ found: (record: ServiceRecord, isRemote: Bool), _ role: ControllerProbe.Role) -> Candidate {
    let port = Int(found.record.port)
    return Candidate(
      host: found.record.target, port: port, pingPort: role.isCatalog ? configuration.catalogPingPort : port,
      priority: Int(found.record.priority) + (found.isRemote ? 1 << 16 : 0), messageID: messageID())
  }

  /// Random, so that an answer cannot be guessed.
  private func messageID() -> Int32 { .random(in: 1...Int32.max, using: &randomNumbers) }

  private func ask(
    _ candidates: [Candidate], _ role: ControllerProbe.Role, ordered: Bool
  ) async throws -> [Decision] {
    let excluded = memory.excluded(at: now())
    let probe = ControllerProbe(
      role: role, resolver: resolver, transport: transport, settlingTime: configuration.settlingTime)
    let decisions = try await probe.decisions(
      on: candidates.filter { excluded[$0.host.lowercased()] == nil }, ordered: ordered)
    for (candidate, verdict) in decisions {
      logger.debug("domain controller asked", metadata: ["dc": "\(candidate.host)", "verdict": "\(verdict.text)"])
    }
    return decisions
  }

  /// Near ones first, then by priority; equals by RFC 2782's order where the site is known, otherwise by latency.
  private func sorted(_ decisions: [Decision], byList: Bool) -> [DomainController] {
    let suitable = decisions.enumerated().compactMap { rank, decision -> (Candidate, DomainController, Int)? in
      guard case .suitable(let controller) = decision.verdict else { return nil }
      return (decision.candidate, controller, rank)
    }
    let siteIsKnown = configuration.site != nil || suitable.contains { $0.1.clientSite != nil }
    let ordered =
      byList
      ? suitable
      : suitable.sorted { left, right in
        let leftDistance = left.1.isNear(configuration.site) ? 0 : 1
        let rightDistance = right.1.isNear(configuration.site) ? 0 : 1
        guard (leftDistance, left.0.priority) == (rightDistance, right.0.priority) else {
          return (leftDistance, left.0.priority) < (rightDistance, right.0.priority)
        }
        return siteIsKnown ? left.2 < right.2 : left.1.latency < right.1.latency
      }
    var seen: Set<String> = []
    return ordered.map(\.1).filter { seen.insert($0.hostName).inserted }
  }

  // MARK: Records

  func site(of name: String) -> String? { configuration.site ?? learntSites[name] }

  /// The SRV records of this machine's site and then those of the whole domain, in RFC 2782's order.
  func records(
    _ service: String, under parent: String, zone: String
  ) async throws -> [(record: ServiceRecord, isRemote: Bool)] {
    var local: [ServiceRecord] = []
    if let site = site(of: zone) { local = try await siteRecords(service, under: parent, site: site) }
    var everywhere: [ServiceRecord] = []
    do {
      everywhere = try await resolver.services("\(service).\(parent)").records.ordered(using: &randomNumbers)
    } catch let error as LocatorError where error.isAbsence {
      guard !local.isEmpty else { throw try await absence(of: zone, error) }
    }
    let known = Set(local.map { $0.target.lowercased() })
    return local.map { ($0, false) }
      + everywhere.filter { !known.contains($0.target.lowercased()) }.map { ($0, !local.isEmpty) }
  }

  /// A site without records of its own, or whose name is no DNS label, is no fault: the domain's records are there.
  private func siteRecords(_ service: String, under parent: String, site: String) async throws -> [ServiceRecord] {
    do {
      return try await resolver.services("\(service).\(site)._sites.\(parent)").records.ordered(using: &randomNumbers)
    } catch let error as LocatorError where error.isAbsence || error.code == .invalidName {
      return []
    }
  }

  /// NXDOMAIN for a service's name: is the zone unknown, or does it only lack the records?
  private func absence(of zone: String, _ error: LocatorError) async throws -> LocatorError {
    guard error.code == .hostNotFound else { return error }
    if try await resolver.exists(zone) {
      return LocatorError(
        .noServiceRecords, error.message + " The zone \(zone) itself exists.",
        remedy: "Restart the Netlogon service on the domain controllers (or samba_dnsupdate), so that they register.")
    }
    return LocatorError(
      .domainNotFound, error.message + " Neither does \(zone) itself.",
      remedy: """
        Check the domain's name; then add a conditional forwarder for \(zone) to the DNS server, or name the domain's \
        own DNS servers in the configuration.
        """)
  }
}

extension LocatorError {
  /// The DNS answered that there is nothing.
  fileprivate var isAbsence: Bool { code == .hostNotFound || code == .noServiceRecords }
}

extension ControllerProbe.Role {
  /// The domain or forest.
  var name: String {
    switch self {
    case .domain(let name), .globalCatalog(forest: let name): name
    }
  }

  var isCatalog: Bool {
    if case .globalCatalog = self { true } else { false }
  }

  /// MS-ADTS 6.3.2.3 SRV records.
  var service: String { isCatalog ? "_gc._tcp" : "_ldap._tcp" }
  var parent: String { isCatalog ? name : "dc._msdcs.\(name)" }
}
