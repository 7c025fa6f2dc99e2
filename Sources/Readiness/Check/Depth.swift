// SPDX-License-Identifier: Apache-2.0

/// How deep a conversation went. Each step includes those before it; a finding with less than its row asks for never
/// says that the flow works.
package enum Depth: String, Sendable, Codable, CaseIterable, Comparable {
  /// Nothing came back.
  case nothing
  /// The target's name has an address.
  case name
  /// A packet came back: a reset, an ICMP message of the target itself, the answer of a stand-in.
  case path
  /// A TCP connection was accepted, or a datagram was answered by whatever it may be.
  case port
  /// TLS is up and the peer's certificates are trusted; rows without TLS pass over this step.
  case tls
  /// The row's own protocol was spoken: an answer that only this service gives.
  case service
  /// Credentials were accepted by the service.
  case authenticated
  /// The operation that the row exists for was done.
  case operation

  private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  package static func < (left: Depth, right: Depth) -> Bool { left.rank < right.rank }
}
