// SPDX-License-Identifier: Apache-2.0

import PortReference

/// Makes the plan: each row that a feature in use needs, from each of its sources to each of its destinations, as rules
/// at both ends; then rules that open the same thing become one.
package struct Planner {
  private let topology: Topology
  private let destinations: Destinations
  private let families: [IPNetwork.Family]
  /// By host, in the order of the topology.
  private var rules: [String: [Rule]] = [:]
  private var unreachable: [UnreachableFlow] = []
  private var usersAtFarm: [String] = []

  /// Plans a topology without problems; what its names mean is looked up, not checked again.
  package static func plan(_ topology: Topology) -> Plan {
    var planner = Planner(topology)
    for row in ReferenceRow.all where row.features.contains(where: topology.features.contains) { planner.add(row) }
    return planner.finish()
  }

  private init(_ topology: Topology) {
    self.topology = topology
    destinations = Destinations(topology)
    families = topology.policy?.addressFamilies ?? IPNetwork.Family.allCases
  }

  private mutating func add(_ row: ReferenceRow) {
    for source in sources(of: row) {
      let party = Party(source, row.source)
      let targets = destinations.targets(of: row, from: party)
      if row.id == .usersProxyHTTPS, destinations.leadsToFarm(party) { usersAtFarm.append(source.name) }
      for target in targets {
        for transport in Self.transports(row) {
          connect(party, to: target, Service(row: row.id, transport: transport, ports: ports(row)))
        }
      }
    }
  }

  private func sources(of row: ReferenceRow) -> [Host] {
    switch row.source {
    case .connect: topology.connect
    case .proxy: topology.proxies ?? []
    case .users: topology.users ?? []
    case .activeDirectory, .cloud, .federation: []
    }
  }

  /// Annotation 1: LDAP over TLS has no UDP.
  static func transports(_ row: ReferenceRow) -> [Transport] {
    row.id == .connectADLDAPS ? [.tcp] : row.transports
  }

  private func ports(_ row: ReferenceRow) -> [Ports] {
    switch row.id {
    case .connectADRPCDynamic: topology.policy?.rpcPorts?.map(\.ports) ?? [row.ports]
    // Annotation 11: with a certauth name, certificates are asked for on 443.
    case .usersProxyCertificateAuthentication where topology.policy?.certificateAuthentication == .name: [Ports(443)]
    default: [row.ports]
    }
  }

  // MARK: - From a flow to rules

  private mutating func connect(_ source: Party, to target: Target, _ service: Service) {
    switch target {
    case .host(let destination):
      add(service, from: source, to: destination)
    case .relayed(let relay, let port, let destination):
      add(service.on(Ports(UInt16(clamping: port))), from: source, to: relay)
      add(service, from: relay, to: destination)
    case .virtual(let virtual, let front, let nodes):
      add(service, from: source, to: front)
      for node in nodes {
        switch virtual.forwarding ?? .full {
        case .full:
          var balancer = front
          balancer.host.addresses = virtual.sourceAddresses ?? virtual.addresses
          add(service, from: balancer, to: node)
        case .destination:
          add(service, from: source, to: node, atSource: false)
        case .direct:
          var answering = node
          answering.host.addresses = virtual.addresses
          add(service, from: source, to: answering, atSource: false)
        }
      }
    }
  }

  private mutating func add(_ service: Service, from source: Party, to destination: Party, atSource: Bool = true) {
    let there = end(destination, seenBy: source)
    let here = end(source, seenBy: destination)
    let egress = atSource && !source.host.isExternal
    if (egress && !canMeet(end(source), there)) || (!destination.host.isExternal && !canMeet(end(destination), here)) {
      let flow = UnreachableFlow(row: service.row, source: source.host.name, destination: destination.host.name)
      if !unreachable.contains(flow) { unreachable.append(flow) }
      return
    }
    if egress { add(service, .egress, at: source, peer: there) }
    if !destination.host.isExternal { add(service, .ingress, at: destination, peer: here) }
  }

  private mutating func add(_ service: Service, _ direction: Direction, at party: Party, peer: End) {
    let features = ReferenceRow.row(service.row)?.features.filter(topology.features.contains) ?? []
    rules[party.host.name, default: []].append(
      Rule(
        host: party.host.name, role: party.role, direction: direction, local: end(party), peers: [peer],
        transport: service.transport, ports: service.ports, rows: [service.row], features: features))
  }

  /// Ends with addresses of no common family can never meet; names may lead anywhere. An end with neither has addresses
  /// in families that are not planned.
  private func canMeet(_ one: End, _ other: End) -> Bool {
    if [one, other].contains(where: { $0.networks.isEmpty && $0.names.isEmpty && $0.serviceTag == nil }) {
      return false
    }
    return one.networks.isEmpty || other.networks.isEmpty
      || families.contains { !one.networks($0).isEmpty && !other.networks($0).isEmpty }
  }

  /// The end as it is, or as another end sees it.
  private func end(_ party: Party, seenBy other: Party? = nil) -> End {
    let addresses = other.flatMap { topology.translation(of: party, seenBy: $0) } ?? party.host.addresses ?? []
    var names: [DNSPattern] = []
    if addresses.isEmpty { names = party.service?.dnsNames ?? DNSPattern(parsing: party.host.name).map { [$0] } ?? [] }
    return End(
      name: party.host.name, networks: addresses.filter { families.contains($0.family) }, names: names,
      serviceTag: party.service?.serviceTag)
  }

  // MARK: - From many rules to few

  private func finish() -> Plan {
    var hosts: [PlannedHost] = []
    var done: Set<String> = []
    for (_, role, host) in topology.namedHosts where done.insert(host.name).inserted {
      guard let all = rules[host.name] else { continue }
      let merged = mergePeers(mergeRows(all))
      let sorted = Direction.allCases.flatMap { direction in merged.filter { $0.direction == direction } }
      hosts.append(PlannedHost(name: host.name, role: role, note: host.note, rules: sorted))
    }
    return Plan(
      name: topology.name, isStateful: topology.policy?.stateful ?? true, hosts: hosts, unreachable: unreachable,
      usersAtFarm: usersAtFarm)
  }

  /// Rows that share ends and ports become one rule.
  private func mergeRows(_ rules: [Rule]) -> [Rule] {
    merge(rules, by: { Opening($0, peers: $0.peers) }) { one, all in
      let rows = Set(all.flatMap(\.rows))
      return Rule(
        host: one.host, role: one.role, direction: one.direction, local: one.local, peers: one.peers,
        transport: one.transport, ports: one.ports, rows: RowID.allCases.filter(rows.contains),
        features: Self.features(of: all))
    }
  }

  /// Peers that need the same rows on the same ports become one rule.
  private func mergePeers(_ rules: [Rule]) -> [Rule] {
    merge(rules, by: { Opening($0, rows: $0.rows) }) { one, all in
      var seen: Set<End> = []
      return Rule(
        host: one.host, role: one.role, direction: one.direction, local: one.local,
        peers: all.flatMap(\.peers).filter { seen.insert($0).inserted }, transport: one.transport, ports: one.ports,
        rows: one.rows, features: Self.features(of: all))
    }
  }

  private static func features(of rules: [Rule]) -> [Feature] {
    let all = Set(rules.flatMap(\.features))
    return Feature.allCases.filter(all.contains)
  }

  /// - Parameter join: gets the first of the rules that become one, and all of them.
  private func merge(_ rules: [Rule], by key: (Rule) -> Opening, _ join: (Rule, [Rule]) -> Rule) -> [Rule] {
    var groups: [[Rule]] = []
    var places: [Opening: Int] = [:]
    for rule in rules {
      let opening = key(rule)
      if let place = places[opening] {
        groups[place].append(rule)
      } else {
        places[opening] = groups.count
        groups.append([rule])
      }
    }
    return groups.compactMap { group in
      guard let first = group.first else { return nil }
      return group.count == 1 ? first : join(first, group)
    }
  }

  /// What two rules must have in common to become one.
  private struct Opening: Hashable {
    let direction: Direction
    let local: End
    let transport: Transport
    let ports: [Ports]
    let peers: [End]
    let rows: [RowID]

    init(_ rule: Rule, peers: [End] = [], rows: [RowID] = []) {
      direction = rule.direction
      local = rule.local
      transport = rule.transport
      ports = rule.ports
      self.peers = peers
      self.rows = rows
    }
  }

  /// A row on a transport, with its ports in this topology.
  private struct Service {
    let row: RowID
    let transport: Transport
    let ports: [Ports]

    func on(_ port: Ports) -> Service { Service(row: row, transport: transport, ports: [port]) }
  }
}

extension Topology {
  /// The addresses that another end sees in place of a host's own; nil where nothing is translated between them.
  func translation(of party: Party, seenBy other: Party) -> [IPNetwork]? {
    translations?.first {
      $0.hosts.containsName(party.host.name)
        && ($0.seenBy.containsName(other.host.name) || $0.seenBy.contains(other.role.rawValue))
    }?.seenAs
  }
}

/// A host in its role.
struct Party {
  var host: Host
  let role: Role
  /// Where it is a part of the cloud.
  let service: CloudService?

  init(_ host: Host, _ role: Role, service: CloudService? = nil) {
    self.host = host
    self.role = role
    self.service = service
  }
}

extension Sequence<String> {
  /// Host names do not differ in case.
  func containsName(_ name: String) -> Bool { contains { $0.lowercased() == name.lowercased() } }
}
