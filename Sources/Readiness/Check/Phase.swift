// SPDX-License-Identifier: Apache-2.0

/// One step of a conversation, as a line of evidence: what was sent and received, in words, and how long it took.
package struct Phase: Sendable, Codable, Hashable {
  package enum Name: String, Sendable, Codable, CaseIterable {
    /// The target's name was looked up.
    case resolve
    /// The TCP handshake.
    case connect
    /// An HTTP proxy was asked for a tunnel.
    case proxy
    case tls
    /// The first message of the row's protocol and its answer.
    case request
    /// A second message that the first answer led to: a padded request, an interface looked up, another port.
    case negotiate
    /// Tickets and sign-in.
    case authenticate
    /// What the row exists for.
    case operation
    /// Further ports, to learn more of a path.
    case sample
    /// A connection left alone, to see whether it survives.
    case idle
  }

  package var name: Name
  /// Seconds from the start of the conversation to that of the phase.
  package var start: Double
  /// Seconds that the phase took; nil when the check's deadline ended it.
  package var seconds: Double?
  /// In words; never a secret, never raw bytes.
  package var sent: String?
  package var received: String?

  package init(
    _ name: Name, start: Double, seconds: Double? = nil, sent: String? = nil, received: String? = nil
  ) {
    self.name = name
    self.start = start
    self.seconds = seconds
    self.sent = sent
    self.received = received
  }
}
