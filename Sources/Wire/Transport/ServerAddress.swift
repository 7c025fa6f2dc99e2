// SPDX-License-Identifier: Apache-2.0

/// Where to connect: an address that is dialled and a name that is verified. The two come from the locator; a name is
/// never looked up on the way.
package struct ServerAddress: Sendable, Hashable, CustomStringConvertible {
  /// The server's DNS name: certificates, service principals and messages carry it.
  package var host: String
  /// Its numeric IPv4 or IPv6 address.
  package var address: String
  package var port: Int

  package init(host: String, address: String, port: Int) {
    self.host = host
    self.address = address
    self.port = port
  }

  package var description: String { Endpoint(host: host, port: port).description }
}
