// SPDX-License-Identifier: Apache-2.0

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
