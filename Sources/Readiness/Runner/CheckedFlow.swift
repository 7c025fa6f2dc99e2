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
  private let rules: RuleIndex
  /// What a resolver must know.
  private let zones: [ProbeTarget.Zone]
  /// The domain and forest of each controller, by its name in lower case.
  private let domains: [String: (domain: String, forest: String)]
  private let families: [IPNetwork.Family]
  private let isLocal: (String) -> Bool

  /// - Parameter isLocal: whether this machine has an address; it tells which of the role's hosts this machine is.
  package init(_ topology: Topology, isLocal: @escaping (String) -> Bool = { LocalInterfaces.name(of: $0) != nil }) {
    self.topology = topology
    destinations = Destinations(topology)
    rules = RuleIndex(Planner.plan(topology))
    zones = Self.zones(topology)
    domains = Self.domains(topology)
    families = topology.policy?.addressFamilies ?? IPNetwork.Family.allCases
    self.isLocal = isLocal
  }

  /// In the order of the reference, then of the topology.
  package func flows(_ selection: Selection) -> [CheckedFlow] {
    // A proxy that several cloud names go through, a resolver that is a controller: once is enough.
    var seen: Set<CheckedFlow> = []
    return ReferenceRow.all.flatMap { row -> [CheckedFlow] in
      let isRequired = row.features.contains(where: topology.features.contains)
      guard row.source == selection.source, selection.row == row.id || (selection.row == nil && isRequired),
        let source = source(selection.source)
      else { return [] }
      let sender = Party(source, row.source)
      return destinations.targets(of: row, from: sender)
        .flatMap { targets($0, row, seenBy: sender) }
        .filter { target in selection.target.map { matches($0, target) } ?? true }
        .flatMap { target in
          Planner.transports(row).map { transport in
            CheckedFlow(
              row: row.id, transport: transport, sourceRole: row.source, sourceHost: source.name,
              isRequired: isRequired, target: target,
              rule: rules.words(row.id, transport, from: source.name, to: target.host))
          }
        }
    }.filter { seen.insert($0).inserted }
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

  private func targets(_ target: Target, _ row: ReferenceRow, seenBy sender: Party) -> [ProbeTarget] {
    /// Behind a translation, what is dialled is what the sender sees.
    func seen(_ party: Party) -> Party {
      var seen = party
      seen.host.addresses = topology.translation(of: party, seenBy: sender) ?? party.host.addresses
      return seen
    }
    return switch target {
    case .host(let party): hosts(seen(party), row)
    case .virtual(_, let front, _): hosts(seen(front), row)
    case .relayed(let relay, let port, let party): relayed(party, by: seen(relay), port, row)
    }
  }

  private func hosts(_ party: Party, _ row: ReferenceRow) -> [ProbeTarget] {
    let ports = ports(row)
    guard let first = ports.first?.first else { return [] }
    return names(party, row).flatMap { name in
      places(party.host, name.sample).map { place in
        var target = ProbeTarget(
          role: party.role, host: name.host, serverName: name.server, address: place.address, port: Int(first),
          ports: ports, zones: row.id == .connectADDNS ? zones : [],
          isPublic: party.role == .cloud && party.host.isExternal)
        if let home = domains[party.host.name.lowercased()] { (target.domain, target.forest) = home }
        if row.id == .connectCloudHTTP { target.certificateSources = certificateSources }
        (target.sample, target.families) = (place.sample, families)
        return target
      }
    }
  }

  private func relayed(_ party: Party, by relay: Party, _ port: Int, _ row: ReferenceRow) -> [ProbeTarget] {
    names(party, row).flatMap { name in
      places(relay.host, name.sample).map { place in
        var target = ProbeTarget(
          role: party.role, host: name.host, serverName: name.server, address: place.address,
          port: Int(row.ports.first),
          relay: Endpoint(host: relay.host.name, port: port), isPublic: party.host.isExternal)
        if row.id == .connectCloudHTTP { target.certificateSources = certificateSources }
        (target.sample, target.families) = (place.sample, families)
        return target
      }
    }
  }

  private typealias Name = (host: String, server: String, sample: ProbeTarget.Sample?)

  /// The host's name, and the one that its certificates and principals carry.
  private func names(_ party: Party, _ row: ReferenceRow) -> [Name] {
    if let service = party.service { return names(of: service, party.host) }
    let managed = row.id == .connectFederationWinRM || row.destination == .activeDirectory
    guard !managed, let service = topology.federation?.name else { return [(party.host.name, party.host.name, nil)] }
    let asksByName =
      row.id == .usersProxyCertificateAuthentication && topology.policy?.certificateAuthentication == .name
    return [(party.host.name, asksByName ? "certauth.\(service)" : service, nil)]
  }

  /// The names of a part of the cloud. A wildcard names nobody who could be asked: its samples stand for it.
  private func names(of service: CloudService, _ host: Host) -> [Name] {
    let patterns = service.dnsNames ?? []
    var names: [Name] = patterns.filter { !$0.isWildcard }.map { ($0.text, $0.text, nil) }
    let concrete = Set(names.map(\.host))
    var untried: [Name] = []
    for pattern in patterns where pattern.isWildcard {
      let samples = (service.samples ?? []).filter { pattern.covers($0) && !concrete.contains($0.text) }
      names += samples.map { ($0.text, $0.text, .name(of: pattern.text)) }
      if samples.isEmpty { untried.append((pattern.text, pattern.text, .names(pattern.text))) }
    }
    if names.isEmpty, places(host, nil).contains(where: { !$0.address.isEmpty || $0.sample != nil }) {
      return [(service.name, service.name, nil)]
    }
    if names.isEmpty, untried.isEmpty, let tag = service.serviceTag {
      return [(service.name, service.name, .names("the service tag \(tag)"))]
    }
    return names + untried
  }

  private typealias Place = (address: String, sample: ProbeTarget.Sample?)

  /// Single addresses of the planned families; an empty one where the name must be looked up first: for a host without
  /// addresses, and for one that is whole networks.
  private func places(_ host: Host, _ sample: ProbeTarget.Sample?) -> [Place] {
    guard sample?.untriedNames == nil, let all = host.addresses, !all.isEmpty else { return [("", sample)] }
    let planned = all.filter { families.contains($0.family) }
    let networks = planned.filter { !$0.isSingle }
    let singles: [Place] = planned.filter(\.isSingle).map { ($0.addressText, sample) }
    guard !networks.isEmpty else { return singles }
    // Nothing is outside of the whole internet.
    let isAnywhere = networks.contains(where: \.isAny) && host.name.contains(".")
    return singles + [("", isAnywhere ? sample : .networks(networks.map(\.description)))]
  }

  private func ports(_ row: ReferenceRow) -> [Ports] {
    switch row.id {
    case .connectADRPCDynamic: topology.policy?.rpcPorts?.map(\.ports) ?? [row.ports]
    case .usersProxyCertificateAuthentication where topology.policy?.certificateAuthentication == .name: [Ports(443)]
    default: [row.ports]
    }
  }

  private static func domains(_ topology: Topology) -> [String: (domain: String, forest: String)] {
    let all = topology.forests.flatMap { forest in
      forest.domains.flatMap { domain in
        domain.controllers.map { ($0.name.lowercased(), (domain: domain.name, forest: forest.name)) }
      }
    }
    return Dictionary(all) { first, _ in first }
  }

  /// The cloud's TLS servers, whose certificates name the lists on 80.
  private var certificateSources: [ProbeTarget.CertificateSource] {
    guard let https = ReferenceRow.row(.connectCloudHTTPS) else { return [] }
    return (topology.cloud ?? []).filter { $0.schemes.contains(.https) }.flatMap { service in
      let host = Host(service.name, service.addresses)
      let asked = names(of: service, host).filter { $0.sample?.untriedNames == nil }
      return asked.map { name in
        ProbeTarget.CertificateSource(
          serverName: name.server,
          endpoint: Endpoint(host: places(host, nil).first?.address ?? "", port: Int(https.ports.first)))
      }
    }
  }

  private static func zones(_ topology: Topology) -> [ProbeTarget.Zone] {
    topology.forests.flatMap { forest in
      let hasCatalog = forest.domains.flatMap(\.controllers).contains { $0.globalCatalog == true }
      // Annotation 12: the forest's root must be known too.
      let names = [forest.name] + forest.domains.map(\.name).filter { $0.lowercased() != forest.name.lowercased() }
      return names.map { ProbeTarget.Zone(domain: $0, forest: forest.name, hasCatalog: hasCatalog) }
    }
  }
}
