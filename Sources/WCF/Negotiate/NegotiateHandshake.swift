// SPDX-License-Identifier: Apache-2.0

package import Wire

/// MS-NNS 2.2.1: a message that carries a token of the security package.
/// ```
/// MessageId (1)  MajorVersion (1) = 1  MinorVersion (1) = 0  PayloadSize (2, high byte first)  AuthPayload
/// ```
package struct NegotiateHandshake: Hashable, Sendable {
  package enum Kind: UInt8, Sendable {
    /// `HandshakeDone`: the sender's last message.
    case done = 0x14
    /// `HandshakeError`.
    case error = 0x15
    /// `HandshakeInProgress`.
    case inProgress = 0x16
  }
  /// 2.2.1: the negotiated protection was not acceptable to the peer (Win32 `ERROR_TRUST_FAILURE`).
  package static let trustFailure: UInt32 = 0x0000_06fe

  package var kind: Kind
  /// `AuthPayload`.
  package var payload: [UInt8]

  package init(_ kind: Kind, _ payload: [UInt8]) {
    self.kind = kind
    self.payload = payload
  }

  /// Nil when the payload is longer than 16 bits can say.
  package var bytes: [UInt8]? {
    guard let size = UInt16(exactly: payload.count) else { return nil }
    return [kind.rawValue, 1, 0, UInt8(size >> 8), UInt8(size & 0xff)] + payload
  }

  /// - Throws: ``WCFError``; ``ByteError`` `truncated` when the message has not arrived whole.
  package init(_ reader: inout ByteReader) throws {
    let identifier = try reader.readByte()
    guard let kind = Kind(rawValue: identifier) else {
      throw WCFError(
        .malformed, "The peer sent 0x\(Hex.encode([identifier])) where a handshake message was expected (MS-NNS 2.2.1)."
      )
    }
    let major = try reader.readByte()
    let minor = try reader.readByte()
    guard major == 1 else {
      throw WCFError(.malformed, "The peer speaks version \(major).\(minor) of the negotiate protocol, not 1.0.")
    }
    let size: UInt16 = try reader.readBigEndian()
    self.init(kind, try reader.read(Int(size)))
  }

  /// `ErrorCode` of a `HandshakeError`, which follows four reserved bytes. Deviation: the specification prints all
  /// integers of the protocol as little-endian, .NET writes this one high byte first; the reading that is a known code, or
  /// an HRESULT of failure, wins.
  package var errorCode: UInt32? {
    guard kind == .error, payload.count == 8 else { return nil }
    let big = payload[4...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    let little = big.byteSwapped
    let isCode: (UInt32) -> Bool = { $0 == Self.trustFailure || $0 >> 16 == 0x8009 || $0 >> 16 == 0x8007 }
    return isCode(little) && !isCode(big) ? little : big
  }

  /// A refusal in words.
  package var refusal: WCFError {
    switch errorCode {
    case Self.trustFailure:
      WCFError(
        .unprotected, "The server did not accept the protection that was negotiated (0x6fe).",
        remedy: "Check that the account may log on over the network and that the server's policy allows encryption.")
    case 0x8009_030c: WCFError(.handshakeRefused, "The server refused the logon (SEC_E_LOGON_DENIED).")
    case 0x8009_0322:
      WCFError(
        .handshakeRefused, "The ticket was made for another account than the server's (SEC_E_WRONG_PRINCIPAL).",
        remedy: "Check for a duplicate or stale servicePrincipalName.")
    case 0x8009_0324:
      WCFError(
        .handshakeRefused, "The server refuses this machine's clock (SEC_E_TIME_SKEW).",
        remedy: "Synchronise the clocks.")
    case .some(let code):
      WCFError(.handshakeRefused, "The server refused the handshake with the error 0x\(String(code, radix: 16)).")
    case nil: WCFError(.handshakeRefused, "The server refused the handshake without saying why.")
    }
  }
}
