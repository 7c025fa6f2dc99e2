// SPDX-License-Identifier: Apache-2.0

/// What is accepted from a server at most. Each limit with its source.
package enum RPCLimits {
  /// Bytes of one fragment that this side sends and accepts: what Windows and Samba offer over TCP (MS-RPCE 3.3.1.5.1.1
  /// leaves it to the implementation; C706 12.6.3.4 has both sides state it in bind and bind_ack).
  package static let fragment = 5840
  /// The least that every implementation accepts, C706 12.6.2 `MustRecvFragSize`.
  package static let leastFragment = 1432
  /// Bytes of a whole answer. A page of 1,000 objects with three attributes is below 1 MB; a whole object with all its
  /// attributes can take some MB.
  package static let answer = 64 << 20
  /// Messages of one handshake: Kerberos takes three, SPNEGO around it five (MS-SPNG 3.3.5).
  static let handshakeSteps = 8
  /// Presentation contexts in an answer to a bind: as many as were offered, and this client offers one or two.
  static let contexts = 16
  /// Towers asked of an endpoint mapper for one interface; a server with many addresses has one for each.
  static let towers: UInt32 = 16
  /// Bytes of one tower: six floors of a few bytes each (C706 appendix L).
  static let tower = 1024
}
