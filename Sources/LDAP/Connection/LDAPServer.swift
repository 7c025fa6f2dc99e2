// SPDX-License-Identifier: Apache-2.0

/// Where to connect: an address that is dialled and a name that is verified. The two come from the locator; a name is
/// never looked up here.
package struct LDAPServer: Sendable, Hashable, CustomStringConvertible {
  /// The server's DNS name: certificates and service principals must carry it.
  package var host: String
  /// Its numeric address.
  package var address: String
  /// 389, 636, 3268 (Global Catalog) or 3269 (Global Catalog over TLS).
  package var port: Int

  package init(host: String, address: String, port: Int) {
    self.host = host
    self.address = address
    self.port = port
  }

  package static let ldapPort = 389
  package static let ldapsPort = 636
  package static let globalCatalogTLSPort = 3269

  package var description: String { "\(host):\(port)" }
}

/// How patient and how generous a connection is.
package struct LDAPOptions: Sendable {
  /// For the TCP handshake.
  package var connectTimeout: Duration = .seconds(10)
  /// For everything between the TCP handshake and a finished bind: a server that accepts and stays silent must not hang
  /// its client.
  package var handshakeTimeout: Duration = .seconds(20)
  /// The longest wait for the next answer of an operation. Samba takes 5 s for a first page of 100,000 objects.
  package var operationTimeout: Duration = .seconds(120)
  /// Undelivered bytes beyond which the socket is no longer read.
  package var bufferLimit = 1 << 20
  package var limits = LDAPLimits.standard

  package init() {}
}
