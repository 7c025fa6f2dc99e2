// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Times of an association.
package struct RPCOptions: Sendable {
  /// Three SYNs: they are sent after 0, 1 and 3 seconds.
  package var connectTimeout: Duration = .milliseconds(3500)
  /// For the whole bind, handshake included.
  package var bindTimeout: Duration = .seconds(15)
  /// For one call, from its first byte to the last of its answer. A domain controller computes a page of replication in
  /// seconds, the first of a large directory in tens of them.
  package var callTimeout: Duration = .seconds(120)

  package init() {}
}

/// How an association is protected.
package enum RPCSecurity: Sendable {
  /// Not at all: the endpoint mapper, and pipes of SMB sessions, which are protected themselves (MS-SAMR 2.1).
  case none
  /// Packet privacy: each message sealed.
  case privacy(any SecurityContextProvider, ServicePrincipal, SecurityParameters.Mechanism)
}
