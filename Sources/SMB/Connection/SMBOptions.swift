// SPDX-License-Identifier: Apache-2.0

import Wire

/// How patient, how careful and how generous a connection is.
package struct SMBOptions: Sendable {
  /// What a session must have beside signatures, which it always has.
  package enum Encryption: Sendable {
    /// Only when the server demands it.
    case whereDemanded
    /// Whenever dialect and server have it: SMB 2.1 has not.
    case wherePossible
    /// Or there is no session.
    case required
  }

  package var offer = SMBOffer()
  package var encryption = Encryption.wherePossible
  /// For the TCP handshake.
  package var connectTimeout: Duration = .seconds(10)
  /// For everything between the TCP handshake and the connected share: a server that accepts and stays silent, or puts its
  /// answers off, must not hang its client.
  package var handshakeTimeout: Duration = .seconds(20)
  /// The longest wait for an answer. A domain controller may look for others before it answers.
  package var operationTimeout: Duration = .seconds(60)
  /// Makes the client's GUID and salt.
  package var randomBytes: @Sendable (_ count: Int) -> [UInt8] = SystemRandom.bytes

  package init() {}
}
