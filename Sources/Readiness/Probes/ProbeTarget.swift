// SPDX-License-Identifier: Apache-2.0

package import PortReference
package import Wire

/// Whom to talk to; names are resolved already.
package struct ProbeTarget: Sendable, Hashable {
  package var role: Role
  /// The host's name in the topology.
  package var host: String
  /// The name that certificates, SNI and service principals must carry: the host's DNS name, the federation service's
  /// name for its nodes and balancers, `certauth.…` where certificates are asked for on 443.
  package var serverName: String
  /// Numeric.
  package var address: String
  package var port: Int
  /// All ports of the row, where it has more than one (the dynamic range of RPC, pinned or not).
  package var ports: [Ports]
  /// Active Directory targets: the domain that the controller should hold and its forest's root domain.
  package var domain: String?
  package var forest: String?
  /// All domains of the topology with their forest's root: what a resolver must know.
  package var zones: [Zone]
  /// Cloud targets: the HTTP proxy to go through; address and port above are then the proxy's.
  package var relay: Endpoint?
  /// A name of the public internet, whose certificates come from public authorities.
  package var isPublic: Bool
  /// What the target is a part of, where the topology means more than one machine; nil for a host.
  package var sample: Sample?
  /// The address families that are planned: addresses of others are not tried.
  package var families = IPNetwork.Family.allCases

  /// More than a check can try.
  package enum Sample: Sendable, Hashable {
    /// A wildcard, of which nobody is named who could be asked.
    case names(String)
    /// A name that the topology gives as an example of a wildcard.
    case name(of: String)
    /// Networks: those addresses of the host's name are tried that lie in them.
    case networks([String])
    /// An address that chance drew out of the networks: nobody said that a host is there.
    case drawn(from: [String])

    var untriedNames: String? { if case .names(let pattern) = self { pattern } else { nil } }
    var networks: [String]? { if case .networks(let networks) = self { networks } else { nil } }
    var isDrawn: Bool { if case .drawn = self { true } else { false } }
    var words: String {
      switch self {
      case .names(let pattern), .name(of: let pattern): pattern
      case .networks(let networks), .drawn(from: let networks): networks.joined(separator: ", ")
      }
    }
  }

  /// Cloud targets on 80: the TLS servers whose certificates may name revocation lists at this host.
  package var certificateSources: [CertificateSource] = []

  package struct CertificateSource: Sendable, Hashable {
    package var serverName: String
    /// With a numeric host, or an empty one while the name is not looked up yet.
    package var endpoint: Endpoint

    package init(serverName: String, endpoint: Endpoint) {
      self.serverName = serverName
      self.endpoint = endpoint
    }
  }

  package struct Zone: Sendable, Hashable {
    package var domain: String
    package var forest: String
    /// Whether a row in use needs its Global Catalog records.
    package var hasCatalog: Bool

    package init(domain: String, forest: String, hasCatalog: Bool) {
      self.domain = domain
      self.forest = forest
      self.hasCatalog = hasCatalog
    }
  }

  package init(
    role: Role, host: String, serverName: String? = nil, address: String, port: Int, ports: [Ports] = [],
    domain: String? = nil, forest: String? = nil, zones: [Zone] = [], relay: Endpoint? = nil, isPublic: Bool = false
  ) {
    self.role = role
    self.host = host
    self.serverName = serverName ?? host
    self.address = address
    self.port = port
    self.ports = ports
    self.domain = domain
    self.forest = forest
    self.zones = zones
    self.relay = relay
    self.isPublic = isPublic
  }

  package var endpoint: Endpoint { Endpoint(host: address, port: port) }
}
