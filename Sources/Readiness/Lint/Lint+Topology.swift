// SPDX-License-Identifier: Apache-2.0

import PortReference

/// What the topology itself gives away.
extension Lint {
  var forests: [LintFinding] {
    var found: [LintFinding] = []
    for (index, forest) in topology.forests.enumerated() {
      let path = "forests[\(index)]"
      if !forest.domains.map(\.name).containsName(forest.name) {
        found.append(
          LintFinding(
            .forestRoot, "The root domain of \(forest.name) is missing: Connect must reach it (annotation 12).",
            remedy: "Add \(forest.name) with its controllers under \(path).domains.",
            rows: [.connectADDNS, .connectADKerberos, .connectADLDAP], path: path))
      }
      for (number, domain) in forest.domains.enumerated() {
        found += self.domain(domain, of: forest, path: "\(path).domains[\(number)]")
      }
    }
    return found
  }

  private func domain(_ domain: Forest.Domain, of forest: Forest, path: String) -> [LintFinding] {
    let writable = domain.controllers.filter { $0.readOnly != true }
    let used = writable.filter(forest.isUsed)
    let rows: [RowID] = [.connectADKerberos, .connectADLDAP]
    if writable.isEmpty {
      return [
        LintFinding(
          .forestDomain, "\(domain.name) has no writable domain controller.",
          remedy: "Add one; Connect does not use read-only domain controllers.", rows: rows, path: path)
      ]
    }
    if used.isEmpty {
      let what = domain.name.lowercased() == forest.name.lowercased() ? "the forest root \(domain.name)" : domain.name
      return [
        LintFinding(
          .unreachableAllowed,
          "None of the allowed domain controllers of \(forest.name) is a writable one of \(what) (annotation 12).",
          remedy: "Add one of \(writable.map(\.name).joined(separator: ", ")) to domainControllers, here and in "
            + "bridgehead.yaml.", rows: rows, path: path)
      ]
    }
    guard used.count == 1 else { return [] }
    return [
      LintFinding(
        .forestResilience, "Connect may use a single domain controller of \(domain.name): \(used[0].name).",
        remedy: "Allow a second one, so that synchronisation outlives the first.", rows: rows, path: path)
    ]
  }

  var width: [LintFinding] {
    var found: [LintFinding] = []
    for (path, role, host) in topology.namedHosts {
      for network in host.addresses ?? [] where isWide(network, role) {
        found.append(
          LintFinding(
            .wideNetwork,
            "\(host.name) (\(role.title)) is given as \(network): every address in it is let through as its end.",
            remedy: "Name the hosts' own addresses, or the smallest network that holds only them.", path: path))
      }
    }
    for (index, translation) in (topology.translations ?? []).enumerated() {
      for network in translation.seenAs where isWide(network, .connect) {
        found.append(
          LintFinding(
            .wideNetwork, "A translation into \(network) lets every address of that network through.",
            remedy: "Name the addresses of the translator's pool.", path: "translations[\(index)].seenAs"))
      }
    }
    let rpc = plan.rules.filter { $0.rows.contains(.connectADRPCDynamic) }
    if !rpc.isEmpty && topology.policy?.rpcPorts == nil {
      found.append(
        LintFinding(
          .wideRPC, "16384 ports (49152-65535) are opened towards each domain controller for RPC.",
          remedy: "Pin RPC on the domain controllers (KB224196) and list the ports under policy.rpcPorts.",
          rows: [.connectADRPCDynamic], path: "policy"))
    }
    if !plan.isStateful {
      found.append(
        LintFinding(
          .wideAnswers,
          "Firewalls keep no state: whoever has a planned server's address and port can send to any port of a source; "
            + "over UDP nothing shows that it is an answer.",
          remedy: "Use stateful firewalls where you can, above all towards DNS, Kerberos and LDAP over UDP.",
          path: "policy.stateful"))
    }
    return found
  }

  /// Servers are hosts: a network larger than a subnet (/24, /64) is none of them. Users may be everywhere, and what
  /// the cloud publishes is as large as it is, short of everything.
  private func isWide(_ network: IPNetwork, _ role: Role) -> Bool {
    switch role {
    case .users: false
    case .cloud: network.isAny
    default: network.prefix < (network.family == .ipv4 ? 24 : 64)
    }
  }

  var overlaps: [LintFinding] {
    var found: [LintFinding] = []
    let hosts = topology.namedHosts
    for (index, one) in hosts.enumerated() where !one.host.isExternal || one.role != .users {
      for other in hosts[(index + 1)...] {
        // A domain controller may be a resolver too; the internet holds everybody.
        if one.role == other.role && other.path.hasPrefix("resolvers") { continue }
        if other.role == .users && other.host.isExternal { continue }
        let pair = (one.host.addresses ?? []).lazy.compactMap { network in
          (other.host.addresses ?? []).first { $0.overlaps(network) }.map { (network, $0) }
        }.first
        guard let pair else { continue }
        found.append(
          LintFinding(
            .overlap,
            "\(one.host.name) (\(pair.0)) and \(other.host.name) (\(pair.1)) overlap: rules for one let the other through.",
            remedy: "Correct the addresses; give networks that do not contain the other.", path: other.path))
      }
    }
    return found
  }

  var ways: [LintFinding] {
    var found: [LintFinding] = []
    for name in plan.usersAtFarm {
      found.append(
        LintFinding(
          .referenceUsersInside,
          "\(name) is led to the federation servers, and the reference has no row for users inside: no rule is made.",
          remedy: "Open 443/TCP (and 49443/TCP without a certauth name) from there to the farm separately.",
          rows: [.usersProxyHTTPS], path: path(of: name)))
    }
    let controllers = Set(topology.forests.flatMap(\.domains).flatMap(\.controllers).map { $0.name.lowercased() })
    let connect = Set(topology.connect.map { $0.name.lowercased() })
    for (index, translation) in (topology.translations ?? []).enumerated() {
      let hosts = Set(translation.hosts.map { $0.lowercased() })
      let seers = Set(translation.seenBy.map { $0.lowercased() })
      let there =
        !hosts.isDisjoint(with: controllers) && (seers.contains("connect") || !seers.isDisjoint(with: connect))
      let back = !hosts.isDisjoint(with: connect) && (seers.contains("ad") || !seers.isDisjoint(with: controllers))
      guard there || back else { continue }
      let rows = Set(plan.rules.flatMap(\.rows)).intersection([.connectADRPCEndpointMapper, .connectADRPCDynamic])
      found.append(
        LintFinding(
          .translationRPC,
          "Addresses are translated between Connect and domain controllers: DNS, the CLDAP ping and the RPC endpoint "
            + "mapper still answer with the untranslated ones.",
          remedy: "Route between them without translation, or give Connect a DNS view with the translated addresses.",
          rows: RowID.allCases.filter(rows.contains), path: "translations[\(index)]"))
    }
    let isPort = topology.policy?.certificateAuthentication != .name
    if isPort && topology.features.contains(.certificateAuthentication) {
      for (index, virtual) in (topology.virtualAddresses ?? []).enumerated()
      where plan.rules.contains(where: {
        $0.host == virtual.name && $0.rows.contains(.usersProxyCertificateAuthentication)
      }) {
        found.append(
          LintFinding(
            .virtualCertificate,
            "49443 passes \(virtual.name): the client's certificate reaches the proxies only when TLS is not ended there.",
            remedy: "Balance this port by connection, without TLS.", rows: [.usersProxyCertificateAuthentication],
            path: "virtualAddresses[\(index)]"))
      }
    }
    return found
  }
}
