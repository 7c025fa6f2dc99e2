// SPDX-License-Identifier: Apache-2.0

import PortReference

/// Where a flow goes: to a host, through an HTTP proxy, or to a virtual address and the hosts behind it.
enum Target {
  case host(Party)
  case relayed(by: Party, port: Int, to: Party)
  case virtual(VirtualAddress, front: Party, nodes: [Party])
}

/// Finds the destinations of a row in a topology.
struct Destinations {
  private let topology: Topology

  init(_ topology: Topology) { self.topology = topology }

  func targets(of row: ReferenceRow, from source: Party) -> [Target] {
    switch row.id {
    case .connectADDNS:
      topology.resolvers.map { directoryHosts($0) } ?? directoryHosts(topology.forests.flatMap(\.usedControllers))
    case .connectADGlobalCatalog:
      directoryHosts(topology.forests.flatMap(\.usedControllers).filter { $0.globalCatalog == true })
    case _ where row.destination == .activeDirectory:
      directoryHosts(topology.forests.flatMap(\.usedControllers))
    case .connectCloudHTTP: cloud(.http)
    case .connectCloudHTTPS: cloud(.https)
    // Each machine is managed, not the address that they share.
    case .connectFederationWinRM: (servers(.federation) + servers(.proxy)).map { .host($0) }
    // Table 3 is of federation servers and proxies.
    case .connectFederationHTTP, .connectFederationHTTPS:
      serviceTargets(.federation, from: source) + serviceTargets(.proxy, from: source)
    case .proxyFederationHTTPS: serviceTargets(.federation, from: source)
    default: serviceTargets(.proxy, from: source)
    }
  }

  /// Whether the federation name leads these users to the farm and not to the proxies.
  func leadsToFarm(_ users: Party) -> Bool {
    guard let view = view(from: users) else { return false }
    return view.targets.contains { side(of: $0) == .federation }
  }

  private func directoryHosts(_ controllers: [Forest.Controller]) -> [Target] {
    directoryHosts(controllers.map(\.host))
  }

  private func directoryHosts(_ hosts: [Host]) -> [Target] { hosts.map { .host(Party($0, .activeDirectory)) } }

  private func cloud(_ scheme: CloudService.Scheme) -> [Target] {
    (topology.cloud ?? []).filter { $0.schemes.contains(scheme) }.map { service in
      let host = Host(service.name, service.addresses, note: service.note, external: service.external ?? true)
      let party = Party(host, .cloud, service: service)
      guard let proxy = topology.outboundProxy else { return .host(party) }
      return .relayed(by: Party(proxy.host, .cloud), port: proxy.port, to: party)
    }
  }

  /// Where the federation name leads from a source, as far as it is on one side: farm or proxies. Without a view, to
  /// that side's virtual addresses, or where it has none, to its hosts.
  private func serviceTargets(_ side: Role, from source: Party) -> [Target] {
    if let view = view(from: source) {
      let targets = view.targets.filter { self.side(of: $0) == side }.compactMap(target)
      // A view names what the federation name means. Table 3 goes to the proxies too, which it need not name.
      if !targets.isEmpty || side != .proxy || source.role != .connect { return targets }
    }
    let virtual = (topology.virtualAddresses ?? []).filter { self.side(of: $0.name) == side }
    return virtual.isEmpty ? servers(side).map { .host($0) } : virtual.compactMap { target($0.name) }
  }

  /// A view for the very host comes before one for its role.
  private func view(from source: Party) -> FederationFarm.View? {
    let views = topology.federation?.views ?? []
    return views.first { $0.seenFrom.containsName(source.host.name) }
      ?? views.first { $0.seenFrom.contains(source.role.rawValue) }
  }

  private func servers(_ side: Role) -> [Party] {
    (side == .federation ? topology.federation?.servers ?? [] : topology.proxies ?? []).map { Party($0, side) }
  }

  private func side(of name: String) -> Role? {
    if let virtual = topology.virtualAddresses?.first(where: { [$0.name].containsName(name) }) {
      return virtual.nodes.first.flatMap { node in
        [Role.federation, .proxy].first { servers($0).map(\.host.name).containsName(node) }
      }
    }
    return [Role.federation, .proxy].first { servers($0).map(\.host.name).containsName(name) }
  }

  private func target(_ name: String) -> Target? {
    let all = servers(.federation) + servers(.proxy)
    if let virtual = topology.virtualAddresses?.first(where: { [$0.name].containsName(name) }),
      let side = side(of: name)
    {
      let nodes = all.filter { virtual.nodes.containsName($0.host.name) }
      return .virtual(virtual, front: Party(virtual.host, side), nodes: nodes)
    }
    return all.first { [$0.host.name].containsName(name) }.map { .host($0) }
  }
}
