// SPDX-License-Identifier: Apache-2.0

/// What a handshake's step asks its caller to do.
package enum SecurityStep: Sendable, Equatable {
  /// Send the token and feed the peer's answer to the next step.
  case send([UInt8])
  /// Send the token; this side needs nothing more.
  case sendAndComplete([UInt8])
  /// Nothing is left to send.
  case complete
}

/// What a security context negotiated for the messages under it.
package enum Protection: Int, Sendable, Comparable {
  case none
  case integrity
  case confidentiality

  package static func < (left: Protection, right: Protection) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// One authentication and the protection of the messages after it: what RFC 2743 calls a security context.
///
/// `Kerberos` implements it; LDAP, RPC, SMB, WS-Management and AD Web Services use it. None of the methods waits for a
/// network: tickets are fetched by the ``SecurityContextProvider`` beforehand.
package protocol SecurityContext: AnyObject, Sendable {
  /// Advances the handshake. The first call of an initiator passes nil.
  func step(_ token: [UInt8]?) throws(SecurityError) -> SecurityStep
  /// What was negotiated; callers refuse less than they asked for.
  var protection: Protection { get }
  /// The protection in words, for logs and `connect status`: mechanism and encryption type.
  var summary: String { get }
  /// Protects one message of a stream (RFC 2743 2.3.3 `GSS_Wrap`); confidential when that was negotiated.
  func wrap(_ message: [UInt8]) throws(SecurityError) -> [UInt8]
  /// Undoes ``wrap(_:)``; refuses a message with less protection than negotiated.
  func unwrap(_ message: [UInt8]) throws(SecurityError) -> [UInt8]
  /// Like ``wrap(_:)``, but signed only whatever was negotiated: RFC 4752 3.1 has the choice of a layer travel so.
  func wrapSigned(_ message: [UInt8]) throws(SecurityError) -> [UInt8]
  /// Undoes ``wrapSigned(_:)``.
  func unwrapSigned(_ message: [UInt8]) throws(SecurityError) -> [UInt8]
  /// The size of the token that ``seal(_:_:)`` will return for such segments, in bytes. Protocols that sign their own
  /// header, with the token's length in it, ask beforehand. It depends on the encryption type.
  func tokenLength(_ segments: [Segment]) throws(SecurityError) -> Int
  /// Seals a PDU in place: RPC (with ``SecurityParameters/isDCEStyle``) and WS-Management (without).
  ///
  /// Sealed segments are encrypted where they stand, with their length kept; padding that an encryption type needs beyond
  /// that (AES needs none) is appended to the buffer. Outside DCE style exactly one segment is sealed.
  /// - Returns: the token, which the protocol carries in a place of its own.
  func seal(_ buffer: inout [UInt8], _ segments: [Segment]) throws(SecurityError) -> [UInt8]
  /// Undoes ``seal(_:_:)``; refuses what is not sealed, damaged, replayed or out of order. Appended padding has to be
  /// within the last sealed segment and is cut off.
  func unseal(_ buffer: inout [UInt8], _ segments: [Segment], token: [UInt8]) throws(SecurityError)
  /// The key that both sides hold, whole (32 bytes with AES-256): SMB and the secrets of DRSUAPI and SAMR derive from it.
  func sessionKey() throws(SecurityError) -> SecretBytes
}

/// How a context is to be made.
package struct SecurityParameters: Sendable {
  /// Kerberos by itself (RFC 4121), or chosen by negotiation (RFC 4178).
  package enum Mechanism: Sendable { case kerberos, spnego }
  package var mechanism: Mechanism
  /// The least protection that the caller accepts.
  package var protection: Protection
  /// RFC 5929 application data (`tls-server-end-point:` and the hash) when the context runs inside TLS.
  package var channelBinding: [UInt8]?
  /// The three-legged handshake of DCE RPC (MS-KILE 3.4.5.1), and tokens before the data they cover (RFC 4757 7.3,
  /// MS-RPCE 3.3.1.5.2.2). RPC needs it, nothing else may ask for it.
  package var isDCEStyle: Bool

  package init(
    mechanism: Mechanism = .spnego, protection: Protection = .confidentiality,
    channelBinding: [UInt8]? = nil, isDCEStyle: Bool = false
  ) {
    self.mechanism = mechanism
    self.protection = protection
    self.channelBinding = channelBinding
    self.isDCEStyle = isDCEStyle
  }
}

/// A service principal: `service/host`, in the realm that holds the host.
package struct ServicePrincipal: Hashable, Sendable, CustomStringConvertible {
  package var service: String
  package var host: String
  /// Upper-case realm; nil leaves the choice to the provider's own realm.
  package var realm: String?

  package init(service: String, host: String, realm: String? = nil) {
    self.service = service
    self.host = host
    self.realm = realm
  }

  package var description: String { "\(service)/\(host)" + (realm.map { "@" + $0 } ?? "") }
}

/// Makes security contexts; holds the credentials.
package protocol SecurityContextProvider: Sendable {
  /// Fetches whatever tickets are needed and returns a context ready for its first step.
  func initiate(_ to: ServicePrincipal, _ parameters: SecurityParameters) async throws
    -> any SecurityContext
}
