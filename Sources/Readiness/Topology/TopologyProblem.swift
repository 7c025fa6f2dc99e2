// SPDX-License-Identifier: Apache-2.0

package import PortReference

/// Something in a topology that no single property shows: the plan would be ambiguous or say nothing.
package struct TopologyProblem: Sendable, Equatable {
  /// The property, for example `forests[0].domainControllers[1]`.
  package let path: String
  package let message: String
  package let remedy: String
}

extension Topology {
  /// Every fault, in the order of the file's sections.
  package var problems: [TopologyProblem] {
    nameProblems + addressProblems + referenceProblems + policyProblems + featureProblems
  }

  /// Everything with a name that rules are made for or that others refer to, with its path.
  package var namedHosts: [(path: String, role: Role, host: Host)] {
    var all: [(path: String, role: Role, host: Host)] = []
    func add(_ hosts: [Host], _ role: Role, _ path: String) {
      for (index, host) in hosts.enumerated() { all.append(("\(path)[\(index)]", role, host)) }
    }
    add(connect, .connect, "connect")
    for (number, forest) in forests.enumerated() {
      for (index, domain) in forest.domains.enumerated() {
        add(domain.controllers.map(\.host), .activeDirectory, "forests[\(number)].domains[\(index)].controllers")
      }
    }
    add(resolvers ?? [], .activeDirectory, "resolvers")
    for (index, service) in (cloud ?? []).enumerated() {
      let host = Host(service.name, service.addresses, note: service.note, external: service.external ?? true)
      all.append(("cloud[\(index)]", .cloud, host))
    }
    if let outboundProxy { all.append(("outboundProxy", .cloud, outboundProxy.host)) }
    add(federation?.servers ?? [], .federation, "federation.servers")
    add(proxies ?? [], .proxy, "proxies")
    add(users ?? [], .users, "users")
    for (index, virtual) in (virtualAddresses ?? []).enumerated() {
      let proxied = virtual.nodes.contains { (proxies ?? []).map(\.name).containsName($0) }
      all.append(("virtualAddresses[\(index)]", proxied ? .proxy : .federation, virtual.host))
    }
    return all
  }

  private var nameProblems: [TopologyProblem] {
    var seen: Set<String> = []
    return namedHosts.compactMap { path, _, host in
      seen.insert(host.name.lowercased()).inserted
        ? nil
        : TopologyProblem(
          path: "\(path).name", message: "names \(host.name) a second time",
          remedy: "give each host, network, service and virtual address a name of its own")
    }
  }

  private var addressProblems: [TopologyProblem] {
    namedHosts.compactMap { path, role, host in
      guard (host.addresses ?? []).isEmpty else { return nil }
      if role == .cloud, let service = (cloud ?? []).first(where: { $0.name == host.name }) {
        return (service.dnsNames ?? []).isEmpty && service.serviceTag == nil
          ? TopologyProblem(
            path: path, message: "says nowhere where \(host.name) is",
            remedy: "give it dnsNames, addresses or a serviceTag") : nil
      }
      return DNSPattern(parsing: host.name) == nil
        ? TopologyProblem(
          path: path, message: "has neither addresses nor a DNS name: \(host.name)",
          remedy: "add addresses, or use its full DNS name as its name") : nil
    }
  }

  private var referenceProblems: [TopologyProblem] {
    let hosts = namedHosts
    let known = Set(hosts.map { $0.host.name.lowercased() })
    let roles = Set(Role.allCases.map(\.rawValue))
    var problems: [TopologyProblem] = []
    func check(_ names: [String], _ path: String, roles allowed: Set<String> = []) {
      for (index, name) in names.enumerated() where !known.contains(name.lowercased()) && !allowed.contains(name) {
        problems.append(
          TopologyProblem(
            path: "\(path)[\(index)]", message: "names \(name), which is nowhere in this file",
            remedy: "correct the name, or add what it means"))
      }
    }
    for (number, forest) in forests.enumerated() {
      let controllers = Set(forest.domains.flatMap(\.controllers).map { $0.name.lowercased() })
      for (index, name) in (forest.domainControllers ?? []).enumerated()
      where !controllers.contains(name.lowercased()) {
        problems.append(
          TopologyProblem(
            path: "forests[\(number)].domainControllers[\(index)]",
            message: "names \(name), which is no controller of \(forest.name)",
            remedy: "correct the name, or add the controller to its domain"))
      }
    }
    for (index, virtual) in (virtualAddresses ?? []).enumerated() {
      let path = "virtualAddresses[\(index)].nodes"
      check(virtual.nodes, path)
      let servers = Set(((federation?.servers ?? []) + (proxies ?? [])).map { $0.name.lowercased() })
      let farm = Set((federation?.servers ?? []).map { $0.name.lowercased() })
      for (index, node) in virtual.nodes.enumerated() where known.contains(node.lowercased()) {
        if !servers.contains(node.lowercased()) {
          problems.append(
            TopologyProblem(
              path: "\(path)[\(index)]", message: "puts \(node) behind \(virtual.name)",
              remedy: "only federation servers and proxies stand behind a virtual address"))
        } else if farm.contains(node.lowercased()) != farm.contains(virtual.nodes[0].lowercased()) {
          problems.append(
            TopologyProblem(
              path: "\(path)[\(index)]", message: "mixes federation servers and proxies behind \(virtual.name)",
              remedy: "make a virtual address for each"))
        }
      }
      if virtual.nodes.isEmpty {
        problems.append(
          TopologyProblem(
            path: path, message: "is empty", remedy: "name the hosts that answer behind \(virtual.name)"))
      }
    }
    if let proxy = outboundProxy, (proxy.user == nil) != (proxy.password == nil) {
      problems.append(
        TopologyProblem(
          path: "outboundProxy", message: "has a user or a password without the other", remedy: "give both or neither"))
    }
    for (number, service) in (cloud ?? []).enumerated() {
      for (index, sample) in (service.samples ?? []).enumerated()
      where !(service.dnsNames ?? []).contains(where: { $0.covers(sample) }) {
        problems.append(
          TopologyProblem(
            path: "cloud[\(number)].samples[\(index)]", message: "names \(sample), which no wildcard of it stands for",
            remedy: "correct the name, or list it among the dnsNames"))
      }
    }
    for (index, view) in (federation?.views ?? []).enumerated() {
      check(view.seenFrom, "federation.views[\(index)].seenFrom", roles: roles)
      check(view.targets, "federation.views[\(index)].targets")
    }
    for (index, translation) in (translations ?? []).enumerated() {
      check(translation.hosts, "translations[\(index)].hosts")
      check(translation.seenBy, "translations[\(index)].seenBy", roles: roles)
    }
    return problems
  }

  private var policyProblems: [TopologyProblem] {
    var problems: [TopologyProblem] = []
    let fixed = ReferenceRow.all.filter { $0.destination == .activeDirectory && $0.id != .connectADRPCDynamic }
    for (index, range) in (policy?.rpcPorts ?? []).enumerated() {
      let path = "policy.rpcPorts[\(index)]"
      if let row = fixed.first(where: { range.ports.first <= $0.ports.last && $0.ports.first <= range.ports.last }) {
        problems.append(
          TopologyProblem(
            path: path, message: "overlaps port \(row.ports) of \(row.id)",
            remedy: "pin RPC to ports that nothing else of the domain controller uses"))
      }
      let earlier = (policy?.rpcPorts ?? []).prefix(index)
      if earlier.contains(where: { range.ports.first <= $0.ports.last && $0.ports.first <= range.ports.last }) {
        problems.append(
          TopologyProblem(path: path, message: "overlaps an earlier range", remedy: "list each port once"))
      }
    }
    if policy?.addressFamilies?.isEmpty == true {
      problems.append(
        TopologyProblem(path: "policy.addressFamilies", message: "is empty", remedy: "name ipv4, ipv6 or both"))
    }
    return problems
  }

  private var featureProblems: [TopologyProblem] {
    var problems: [TopologyProblem] = []
    for (index, feature) in features.enumerated() {
      if features[..<index].contains(feature) {
        problems.append(
          TopologyProblem(
            path: "features[\(index)]", message: "names \(feature.rawValue) a second time", remedy: "keep one"))
      }
      let rows = ReferenceRow.all.filter { $0.features.contains(feature) }
      let missing = Set(rows.flatMap { [$0.source, $0.destination] }).filter { !plays($0) }
      // A feature of rows in several tables needs one of them.
      let isServed = rows.contains { plays($0.source) && plays($0.destination) }
      if !isServed, let role = missing.min(by: { $0.rawValue < $1.rawValue }) {
        problems.append(
          TopologyProblem(
            path: "features[\(index)]",
            message: "uses \(feature.rawValue), and the file names nobody for the \(role.title)",
            remedy: "add the section for it, or take the feature out"))
      }
    }
    if connect.isEmpty {
      problems.append(
        TopologyProblem(path: "connect", message: "is empty", remedy: "name at least one Connect server"))
    }
    return problems
  }

  /// Whether anybody has the role.
  private func plays(_ role: Role) -> Bool { namedHosts.contains { $0.role == role && $0.path != "outboundProxy" } }
}
