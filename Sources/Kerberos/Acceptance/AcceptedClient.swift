// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Somebody who has proved by a ticket who they are.
package struct AcceptedClient: Sendable {
  /// The principal, `name@REALM`: for logs. Names can be given to others; the identifier cannot.
  package let name: String
  /// From the domain controller's own statement in the ticket, whose signature was verified.
  package let identifier: SecurityIdentifier
  /// What protects the session.
  package let encryptionType: EncryptionType
  /// Whether the client bound its proof to the TLS channel that the acceptor named.
  package let isChannelBound: Bool
  /// The acceptor's own proof, which the client may want to see; empty when there is none.
  package let answer: [UInt8]
}
