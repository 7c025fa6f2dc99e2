// SPDX-License-Identifier: Apache-2.0

/// What this side accepts of a peer. MC-NMF 3.1.4 asks for a limit on each variable-sized record and leaves the values to
/// the implementation.
package enum FramingLimits {
  /// `MaxViaSize`, in bytes: MC-NMF appendix A, note 11, has .NET accept 2,048.
  package static let via = 2_048
  /// `MaxContentTypeSize`, in bytes: .NET accepts 256 (note 14).
  package static let contentType = 256
  /// `MaxUpgradeProtocolSize`, in bytes: .NET accepts 256 (note 17).
  package static let upgradeProtocol = 256
  /// A fault's URI, in bytes: the longest that MC-NMF 2.2.5 defines has 84, .NET accepts 256.
  package static let fault = 256
  /// `MaxEnvelopeSize`, in bytes: a page of directory objects stays far below it.
  package static let envelope = 16 << 20
  /// Chunks of one unsized envelope; together they are held to ``envelope``.
  package static let chunks = 65_536
  /// MS-NNS 2.2.2: the largest `PayloadSize` of a data message.
  package static let protectedPayload = 0xfc30
  /// The most plain bytes in one data message: what MS-NNS leaves of ``protectedPayload`` for the protection.
  package static let plainPayload = 0xfc00
  /// Handshake messages in one direction: SPNEGO with Kerberos needs two, with a changed mechanism one more.
  package static let handshakeMessages = 8
}
