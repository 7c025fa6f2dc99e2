// SPDX-License-Identifier: Apache-2.0

/// A server to connect to: its name, for tickets and messages, and where it is.
package struct RPCServer: Sendable, Hashable, CustomStringConvertible {
  /// The fully qualified name, as in the server's service principal.
  package var host: String
  /// Numeric IPv4 or IPv6 address.
  package var address: String
  package var port: Int

  /// The endpoint mapper's well-known port, MS-RPCE 2.1.1.1.
  package static let endpointMapperPort = 135

  package init(host: String, address: String, port: Int = endpointMapperPort) {
    self.host = host
    self.address = address
    self.port = port
  }

  package var description: String { "\(host):\(port)" }
}
