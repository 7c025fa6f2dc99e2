// SPDX-License-Identifier: Apache-2.0

package import PortReference
import Wire

/// One flow that is to be checked: a row, a transport, and both ends, before its target has an address.
package struct CheckedFlow: Sendable, Hashable {
  package var row: RowID
  package var transport: Transport
  package var sourceRole: Role
  package var sourceHost: String
  /// Whether a feature in use needs it.
  package var isRequired: Bool
  /// The target, its address empty where the name must be looked up first.
  package var target: ProbeTarget
  /// The rule of `ports plan` that opens it, in words.
  package var rule: String?
}

/// Finds the flows of a topology, by the same logic as its plan: what is planned is checked.
package struct FlowList {
  package struct Selection: Sendable {
    /// The role that this machine plays.
    package var source = Role.connect
    /// Only flows to this host.
    package var target: String?
    /// Only this row, needed or not.
    package var row: RowID?

    package init(source: Role = .connect, target: String? = nil, row: RowID? = nil) {
      self.source = source
      self.target = target
      self.row = row
    }
  }

  private let topology: Topology
  private let destinations: Destinations
  private let plan: Plan
  private let families: [IPNetwork.Family]
  private let isLocal: (String) -> Bool

  /// - Parameter isLocal: whether this machine has an address; it tells which of the role's hosts this machine is.
  package init(_ topology: Topology, isLocal: @escaping (String) -> Bool = { LocalInterfaces.name(of: $0) != nil }) {
    self.topology = topology
    destinations = Destinations(topology)
    plan = Planner.plan(topology)
    families = topology.policy?.addressFamilies ?? IPNetwork.Family.allCases
    self.isLocal = isLocal
  }

  /// In the order of the reference, then of the topology.
  package func flows(_ selection: Selection) -> [CheckedFlow] {
    ReferenceRow.all.flatMap { row -> [CheckedFlow] in
      let isRequired = row.features.contains(where: topology.features.contains)
      guard row.source == selection.source, selection.row == row.id || (selection.row == nil && isRequired),
        let source = source(selection.source)
      else { return [] }
      return destinations.targets(of: row, from: Party(source, row.source))
        .flatMap { targets($0, row) }
        .filter { target in selection.target.map { matches($0, target) } ?? true }
        .flatMap { target in
          Planner.transports(row).map { transport in
            CheckedFlow(
              row: row.id, transport: transport, sourceRole: row.source, sourceHost: source.name,
              isRequired: isRequired, target: target, rule: rule(row.id, transport, source.name, target.host))
          }
        }
    }.reduce(into: []) { unique, flow in
      // A proxy that several cloud names go through, a resolver that is a controller: once is enough.
      if !unique.contains(flow) { unique.append(flow) }
    }
  }

  /// Which of the role's hosts this machine is: the one with an address of its own, or else the first.
  private func source(_ role: Role) -> Host? {
    let hosts =
      switch role {
      case .connect: topology.connect
      case .proxy: topology.proxies ?? []
      case .users: topology.users ?? []
      case .activeDirectory, .cloud, .federation: [Host]()
      }
    return hosts.first { ($0.addresses ?? []).contains { $0.isSingle && isLocal($0.addressText) } } ?? hosts.first
  }

  private func matches(_ wanted: String, _ target: ProbeTarget) -> Bool {
    [target.host, target.serverName, target.address].contains { $0.lowercased() == wanted.lowercased() }
  }

  // MARK: - Targets

  private func targets(_ target: Target, _ row: ReferenceRow) -> [ProbeTarget] {
    switch target {
    case .host(let party): hosts(party, row)
    case .virtual(_, let front, _): hosts(front, row)
    case .relayed(let relay, let port, let party): relayed(party, by: relay, port, row)
    }
  }

  private func hosts(_ party: Party, _ row: ReferenceRow) -> [ProbeTarget] {
    let ports = ports(row)
    guard let first = ports.first?.first else { return [] }
    return names(party, row).flatMap { name in
      addresses(party.host).map { address in
        var target = ProbeTarget(
          role: party.role, host: name.host, serverName: name.server, address: address, port: Int(first),
          ports: ports, zones: row.id == .connectADDNS ? zones : [],
          isPublic: party.role == .cloud && party.host.isExternal)
        (target.domain, target.forest) = domain(of: party.host.name)
        if row.id == .connectCloudHTTP { target.certificateSources = certificateSources }
        return target
      }
    }
  }

  private func relayed(_ party: Party, by relay: Party, _ port: Int, _ row: ReferenceRow) -> [ProbeTarget] {
    names(party, row).flatMap { name in
      addresses(relay.host).map { address in
        var target = ProbeTarget(
          role: party.role, host: name.host, serverName: name.server, address: address, port: Int(row.ports.first),
          relay: Endpoint(host: relay.host.name, port: port), isPublic: party.host.isExternal)
        if row.id == .connectCloudHTTP { target.certificateSources = certificateSources }
        return target
      }
    }
  }

  /// The host's name, and the one that its certificates and principals carry.
  private func names(_ party: Party, _ row: ReferenceRow) -> [(host: String, server: String)] {
    if let service = party.service {
      // A wildcard names nobody who could be asked.
      let concrete = (service.dnsNames ?? []).filter { !$0.isWildcard }.map(\.text)
      return concrete.isEmpty && !addresses(party.host).contains("")
        ? [(service.name, service.name)] : concrete.map { ($0, $0) }
    }
    let managed = row.id == .connectFederationWinRM || row.destination == .activeDirectory
    guard !managed, let service = topology.federation?.name else { return [(party.host.name, party.host.name)] }
    let asksByName =
      row.id == .usersProxyCertificateAuthentication && topology.policy?.certificateAuthentication == .name
    return [(party.host.name, asksByName ? "certauth.\(service)" : service)]
  }

  /// Single addresses of the planned families; an empty one where the name must be looked up; none for whole networks.
  private func addresses(_ host: Host) -> [String] {
    let all = (host.addresses ?? []).filter { families.contains($0.family) }
    return (host.addresses ?? []).isEmpty ? [""] : all.filter(\.isSingle).map(\.addressText)
  }

  private func ports(_ row: ReferenceRow) -> [Ports] {
    switch row.id {
    case .connectADRPCDynamic: topology.policy?.rpcPorts?.map(\.ports) ?? [row.ports]
    case .usersProxyCertificateAuthentication where topology.policy?.certificateAuthentication == .name: [Ports(443)]
    default: [row.ports]
    }
  }

  private func domain(of host: String) -> (String?, String?) {
    for forest in topology.forests {
      for domain in forest.domains
      where domain.controllers.contains(where: { $0.name.lowercased() == host.lowercased() }) {
        return (domain.name, forest.name)
      }
    }
    return (nil, nil)
  }

  /// The cloud's TLS servers, whose certificates name the lists on 80.
  private var certificateSources: [ProbeTarget.CertificateSource] {
    guard let https = ReferenceRow.row(.connectCloudHTTPS) else { return [] }
    return (topology.cloud ?? []).filter { $0.schemes.contains(.https) }.flatMap { service in
      let host = Host(service.name, service.addresses)
      return names(Party(host, .cloud, service: service), https).map { name in
        ProbeTarget.CertificateSource(
          serverName: name.server,
          endpoint: Endpoint(host: addresses(host).first ?? "", port: Int(https.ports.first)))
      }
    }
  }

  private var zones: [ProbeTarget.Zone] {
    topology.forests.flatMap { forest in
      let hasCatalog = forest.domains.flatMap(\.controllers).contains { $0.globalCatalog == true }
      // Annotation 12: the forest's root must be known too.
      let names = [forest.name] + forest.domains.map(\.name).filter { $0.lowercased() != forest.name.lowercased() }
      return names.map { ProbeTarget.Zone(domain: $0, forest: forest.name, hasCatalog: hasCatalog) }
    }
  }

  // MARK: - Rules

  /// The rule at the source that opens the flow; where the source has none, the one at the destination.
  private func rule(_ row: RowID, _ transport: Transport, _ source: String, _ target: String) -> String? {
    let candidates = plan.rules.filter { $0.rows.contains(row) && $0.transport == transport }
    let egress = candidates.first { rule in
      rule.direction == .egress && rule.host == source
        && rule.peers.contains { [$0.name].containsName(target) || $0.names.map(\.text).containsName(target) }
    }
    let ingress = candidates.first { $0.direction == .ingress && [$0.host].containsName(target) }
    return (egress ?? ingress).map { rule in
      "\(rule.direction.rawValue) at \(rule.host): \(rule.service) \(rule.direction == .egress ? "to" : "from") "
        + "\(rule.peersText), for \(rule.title)"
    }
  }
}
