// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The record types that the product asks for (RFC 1035 3.2.2, RFC 3596 2.1, RFC 2782).
enum DNSRecordType: UInt16, Sendable {
  case a = 1
  case soa = 6
  case txt = 16
  case aaaa = 28
  case srv = 33
}

/// Where an answer came from: the socket that delivered it.
package struct DNSSource: Hashable, Sendable, CustomStringConvertible {
  package let transport: TransportProtocol
  /// The server's numeric address and port.
  package let server: Endpoint

  package var description: String { "\(server) (\(transport.rawValue))" }
}

/// The records of an answer, with the server that gave them.
package struct DNSAnswer<Record: Sendable & Equatable>: Sendable, Equatable {
  package let records: [Record]
  package let source: DNSSource
}

/// RFC 2782: one host that offers a service.
package struct ServiceRecord: Hashable, Sendable {
  /// Lower values are tried first.
  package let priority: UInt16
  /// The share of the clients that this host should get among those of its priority.
  package let weight: UInt16
  package let port: UInt16
  /// The host's name without a trailing dot.
  package let target: String

  package init(priority: UInt16, weight: UInt16, port: UInt16, target: String) {
    self.priority = priority
    self.weight = weight
    self.port = port
    self.target = target
  }
}
