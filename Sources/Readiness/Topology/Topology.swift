// SPDX-License-Identifier: Apache-2.0

package import PortReference
package import Wire

/// What `topology.yaml` says: who plays which role, where, and what is in use. The schema documents each property.
package struct Topology: Codable, Sendable {
  package var version: Int
  package var name: String
  package var features: [Feature]
  package var policy: Policy?
  package var connect: [Host]
  package var forests: [Forest]
  /// Whom Connect asks for the forests' names; the domain controllers when absent.
  package var resolvers: [Host]?
  package var cloud: [CloudService]?
  /// The HTTP proxy on the way to the cloud.
  package var outboundProxy: OutboundProxy?
  package var federation: FederationFarm?
  package var proxies: [Host]?
  package var users: [Host]?
  package var virtualAddresses: [VirtualAddress]?
  package var translations: [Translation]?

  package init(name: String, features: [Feature], connect: [Host], forests: [Forest]) {
    version = 1
    self.name = name
    self.features = features
    self.connect = connect
    self.forests = forests
  }
}

/// A machine, or a network of machines of one kind.
package struct Host: Codable, Sendable, Hashable {
  /// Unique in the topology; a DNS name where there are no addresses.
  package var name: String
  package var addresses: [IPNetwork]?
  /// For people; it stands in the comments of rules.
  package var note: String?
  /// Somebody else's: no rules are made for this end. When absent, true for a network that is the whole internet.
  package var external: Bool?

  package init(_ name: String, _ addresses: [IPNetwork]? = nil, note: String? = nil, external: Bool? = nil) {
    self.name = name
    self.addresses = addresses
    self.note = note
    self.external = external
  }

  package var isExternal: Bool { external ?? (addresses ?? []).contains { $0.isAny } }
}

/// How the firewalls between the roles work.
package struct Policy: Codable, Sendable {
  /// Firewalls let answers through by themselves. When false, rules for the answers are made too. Default: true.
  package var stateful: Bool?
  /// Default: both.
  package var addressFamilies: [IPNetwork.Family]?
  /// The fixed ports or ranges of RPC (KB224196) that replace 49152-65535.
  package var rpcPorts: [PortRange]?
  /// Where user certificates are asked for: on 443 under `certauth.<federation name>`, or on 49443. Default: port.
  package var certificateAuthentication: CertificateAuthentication?

  package enum CertificateAuthentication: String, Codable, Sendable {
    case name = "certauth-name"
    case port = "port-49443"
  }

  package init() {}
}

/// A port or a range of ports in text: `50000` or `50000-50100`.
package struct PortRange: Codable, Sendable, Hashable {
  package let ports: Ports

  package init(_ ports: Ports) { self.ports = ports }

  package init?(parsing text: String) {
    let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { UInt16($0) }
    guard let first = parts[0], let last = parts.last ?? nil, first > 0, first <= last else { return nil }
    ports = Ports(first...last)
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let range = PortRange(parsing: text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no port or range of ports")
    }
    self = range
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(ports.description)
  }
}

/// An Active Directory forest; its name is that of its root domain.
package struct Forest: Codable, Sendable {
  package var name: String
  package var domains: [Domain]
  /// The only controllers that Connect uses, as in `bridgehead.yaml`; all when absent.
  package var domainControllers: [String]?

  package struct Domain: Codable, Sendable {
    package var name: String
    package var controllers: [Controller]

    package init(_ name: String, _ controllers: [Controller]) {
      self.name = name
      self.controllers = controllers
    }
  }

  package struct Controller: Codable, Sendable {
    package var name: String
    package var addresses: [IPNetwork]?
    package var note: String?
    package var globalCatalog: Bool?
    package var readOnly: Bool?

    package init(
      _ name: String, _ addresses: [IPNetwork]? = nil, globalCatalog: Bool? = nil, readOnly: Bool? = nil
    ) {
      self.name = name
      self.addresses = addresses
      self.globalCatalog = globalCatalog
      self.readOnly = readOnly
    }

    package var host: Host { Host(name, addresses, note: note) }
  }

  package init(_ name: String, _ domains: [Domain], domainControllers: [String]? = nil) {
    self.name = name
    self.domains = domains
    self.domainControllers = domainControllers
  }

  /// Connect reads and writes: it uses the writable controllers, of those that it may.
  package func isUsed(_ controller: Controller) -> Bool {
    controller.readOnly != true
      && (domainControllers.map { $0.contains { $0.lowercased() == controller.name.lowercased() } } ?? true)
  }

  package var usedControllers: [Controller] { domains.flatMap(\.controllers).filter(isUsed) }
}

/// A part of the cloud directory: names, published ranges, or the name under which a platform keeps both.
package struct CloudService: Codable, Sendable {
  package var name: String
  package var dnsNames: [DNSPattern]?
  /// Names that the wildcards among them stand for: those that a check tries.
  package var samples: [DNSPattern]?
  package var addresses: [IPNetwork]?
  /// An Azure service tag.
  package var serviceTag: String?
  /// `https`, `http` (revocation lists) or both. Default: https.
  package var protocols: [Scheme]?
  package var note: String?
  /// False where the service is one's own, such as the embedded tenant. Default: true.
  package var external: Bool?

  package enum Scheme: String, Codable, Sendable { case https, http }

  package init(_ name: String, dnsNames: [DNSPattern]? = nil, addresses: [IPNetwork]? = nil) {
    self.name = name
    self.dnsNames = dnsNames
    self.addresses = addresses
  }

  package var schemes: [Scheme] { protocols ?? [.https] }
}

/// An HTTP proxy (CONNECT) between Connect and the cloud.
package struct OutboundProxy: Codable, Sendable {
  package var name: String
  package var addresses: [IPNetwork]?
  package var port: Int
  /// The account that a check signs in with (Basic, RFC 7617); both or neither.
  package var user: String?
  package var password: SecretReference?
  package var note: String?

  package init(_ name: String, _ addresses: [IPNetwork]?, port: Int) {
    self.name = name
    self.addresses = addresses
    self.port = port
  }

  package var host: Host { Host(name, addresses, note: note) }
}

package struct FederationFarm: Codable, Sendable {
  /// The federation service's DNS name.
  package var name: String
  package var servers: [Host]
  /// What the name leads to, by where it is asked.
  package var views: [View]?

  /// One side of a split DNS zone.
  package struct View: Codable, Sendable {
    /// Roles (connect, proxy, users) or the names of hosts and user networks.
    package var seenFrom: [String]
    /// Virtual addresses or hosts.
    package var targets: [String]

    package init(seenFrom: [String], targets: [String]) {
      self.seenFrom = seenFrom
      self.targets = targets
    }
  }

  package init(_ name: String, _ servers: [Host], views: [View]? = nil) {
    self.name = name
    self.servers = servers
    self.views = views
  }
}

/// An address that a load balancer answers for.
package struct VirtualAddress: Codable, Sendable {
  package var name: String
  package var addresses: [IPNetwork]
  /// The hosts behind it.
  package var nodes: [String]
  package var forwarding: Forwarding?
  /// From where the balancer reaches the nodes, with `full`; the virtual address itself when absent.
  package var sourceAddresses: [IPNetwork]?
  package var note: String?

  /// What a node sees of a connection.
  package enum Forwarding: String, Codable, Sendable {
    /// The client's address and its own.
    case destination
    /// The balancer's address and its own. The default.
    case full
    /// The client's address and the virtual one (direct server return).
    case direct
  }

  package init(
    _ name: String, _ addresses: [IPNetwork], nodes: [String], forwarding: Forwarding? = nil,
    sourceAddresses: [IPNetwork]? = nil
  ) {
    self.name = name
    self.addresses = addresses
    self.nodes = nodes
    self.forwarding = forwarding
    self.sourceAddresses = sourceAddresses
  }

  package var host: Host { Host(name, addresses, note: note) }
}

/// Network address translation, in the only form that matters to a rule: who is seen as what, by whom.
package struct Translation: Codable, Sendable {
  /// Hosts, networks or virtual addresses.
  package var hosts: [String]
  /// Roles, hosts or user networks, at the other end.
  package var seenBy: [String]
  /// The addresses that they see.
  package var seenAs: [IPNetwork]

  package init(hosts: [String], seenBy: [String], seenAs: [IPNetwork]) {
    self.hosts = hosts
    self.seenBy = seenBy
    self.seenAs = seenAs
  }
}
