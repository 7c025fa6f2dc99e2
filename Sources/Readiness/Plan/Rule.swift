// SPDX-License-Identifier: Apache-2.0

package import PortReference

package enum Direction: String, CaseIterable, Sendable, Codable {
  /// Made at the source, for what leaves it.
  case egress
  /// Made at the destination, for what arrives.
  case ingress
}

/// One end of a rule, as the firewall at the rule's host sees it: behind translations, in the planned families.
package struct End: Hashable, Sendable {
  /// The host's name in the topology.
  package let name: String
  package let networks: [IPNetwork]
  /// Where there are no networks: names that only some formats can express.
  package let names: [DNSPattern]
  /// The Azure service tag, which stands for networks that Microsoft keeps.
  package let serviceTag: String?

  package init(name: String, networks: [IPNetwork], names: [DNSPattern] = [], serviceTag: String? = nil) {
    self.name = name
    self.networks = networks.sorted()
    self.names = names.sorted()
    self.serviceTag = serviceTag
  }

  func networks(_ family: IPNetwork.Family) -> [IPNetwork] { networks.filter { $0.family == family } }
}

/// What one firewall has to let through: connections of one transport to some ports, between a host and its peers.
package struct Rule: Sendable, Hashable {
  /// The host that it is made for.
  package let host: String
  package let role: Role
  package let direction: Direction
  package let local: End
  package let peers: [End]
  package let transport: Transport
  package let ports: [Ports]
  /// The rows of the reference that need it, in the reference's order; never empty.
  package let rows: [RowID]
  /// The features in use that need it.
  package let features: [Feature]

  /// The rows in text: `connect-ad/ldap, connect-ad/ldaps`.
  package var label: String { rows.map(\.rawValue).joined(separator: ", ") }
  /// Rows and features, short enough for every format's comment.
  package var title: String { "\(label) (\(features.map(\.rawValue).joined(separator: ", ")))" }
  /// What the rows are for, in sentences.
  package var reason: String {
    rows.compactMap { ReferenceRow.row($0)?.purpose }.reduce(into: [String]()) { sentences, purpose in
      if !sentences.contains(purpose) { sentences.append(purpose) }
    }.joined(separator: " ")
  }
  /// `tcp 389`.
  package var service: String { "\(transport.rawValue) \(portsText)" }
  package var portsText: String { ports.map(\.description).joined(separator: ",") }
  package var peersText: String { peers.map(\.name).joined(separator: ", ") }

  /// The addresses of one family at both ends.
  package struct Match: Sendable, Hashable {
    package let family: IPNetwork.Family
    package let source: [IPNetwork]
    package let destination: [IPNetwork]
  }

  /// What can be matched by address; one for each family that both ends have.
  package var matches: [Match] {
    IPNetwork.Family.allCases.compactMap { family in
      let near = Self.widest(local.networks(family))
      let far = Self.widest(peers.flatMap { $0.networks(family) })
      guard !near.isEmpty, !far.isEmpty else { return nil }
      return direction == .egress
        ? Match(family: family, source: near, destination: far)
        : Match(family: family, source: far, destination: near)
    }
  }

  /// Without repetitions and networks inside others.
  private static func widest(_ networks: [IPNetwork]) -> [IPNetwork] {
    let unique = Set(networks)
    return unique.filter { one in !unique.contains { $0 != one && $0.contains(one) } }.sorted()
  }

  /// Peers that have no addresses, only names or a service tag.
  package var namedPeers: [End] { peers.filter(\.networks.isEmpty) }

  /// Whether the host itself has no address that a rule could name.
  package var isPlaceless: Bool { local.networks.isEmpty }
}
