// SPDX-License-Identifier: Apache-2.0

/// What a peer may make us hold or wait for.
enum SMBLimits {
  /// Bytes of data that one operation of one credit carries (MS-SMB2 3.1.5.2).
  static let payload = 65_536
  /// Bytes of one message on the wire: a payload, and around it transform header, header, fixed parts and padding, which
  /// are below 512 bytes. MS-SMB2 2.1 allows 16 MiB; nothing asked for here needs them.
  static let message = payload + 4096
  /// Bytes of one message of a pipe. An RPC fragment has at most 65,535 (C706 12.6.3.1 `frag_length`).
  static let pipeMessage = 65_535
  /// MS-SMB2 2.2.3.1 knows nine types; each may appear once.
  static let negotiateContexts = 32
  /// Legs of the security exchange. SPNEGO with Kerberos needs one to three (RFC 4178 4).
  static let sessionSetupLegs = 8
  /// Interim responses to one request. MS-SMB2 3.3.4.2: a server sends one at most.
  static let interimResponses = 4
  /// Credits that are held at most: several pipes at once need a few, and unspent ones cost the server memory.
  static let credits = 64
  /// Requests that wait for credits.
  static let waitingRequests = 256
}
