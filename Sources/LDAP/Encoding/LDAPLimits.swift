// SPDX-License-Identifier: Apache-2.0

/// What a peer may make us hold. Every limit that the decoder applies stands here.
package struct LDAPLimits: Sendable {
  /// Bytes of one message. Samba sends a group unranged: 250,000 members as extended DNs of about 230 bytes fit.
  package var messageSize = 64 << 20
  /// Nested constructed elements. RFC 4511 4: the deepest answer needs 7 (message, operation, list, attribute, set;
  /// controls and their values likewise); filters nest further, see ``filterDepth``.
  package var nestingDepth = 64
  /// Attribute values, references and controls in one message: a two-byte empty value costs 16 times its size in memory.
  package var elementCount = 1_000_000
  /// Nested filters; MS-ADTS 3.1.1.3.1.3.1 allows a DC to refuse deep ones, and slapd stops at 50 in some backends.
  package var filterDepth = 50
  /// Bytes of one protected SASL buffer. RFC 4752 3.1 has three length octets: 2^24 - 1 is the most a peer may announce.
  package var saslBufferSize = (1 << 24) - 1

  package init() {}

  package static let standard = LDAPLimits()
}
