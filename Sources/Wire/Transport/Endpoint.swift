// SPDX-License-Identifier: Apache-2.0

/// A host (name or numeric address) and a port.
package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
  package var host: String
  package var port: Int

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Turns host names into numeric addresses, in the order in which they should be tried.
package protocol NameResolver: Sendable {
  /// - Returns: at least one numeric IPv4 or IPv6 address; a numeric `host` is returned as it is.
  func addresses(of host: String) async throws -> [String]
}
