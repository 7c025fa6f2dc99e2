// SPDX-License-Identifier: Apache-2.0

import Wire

/// MS-WSMV 2.2.9.1.1: a SOAP message sealed by the connection's security context.
/// ```
/// --Encrypted Boundary
/// <HT>Content-Type: application/HTTP-SPNEGO-session-encrypted
/// <HT>OriginalContent: type=application/soap+xml;charset=UTF-8;Length=<plain bytes>
/// --Encrypted Boundary
/// <HT>Content-Type: application/octet-stream
/// <length of the token, 4 bytes little-endian><token><sealed bytes>--Encrypted Boundary--
/// ```
/// Deviation: the specification has no line break before the closing delimiter; neither is one written or accepted.
package struct EncryptedMessage: Sendable, Hashable {
  /// Which handshake the context came from.
  package enum Scheme: String, Sendable {
    /// 2.2.9.1.1, `Authorization: Negotiate`.
    case negotiate = "application/HTTP-SPNEGO-session-encrypted"
    /// 2.2.9.1.2, `Authorization: Kerberos`.
    case kerberos = "application/HTTP-Kerberos-session-encrypted"
  }

  /// The largest message: WinRM's MaxEnvelopeSizekb is 500 by default and 8,192 at most.
  package static let maximumBytes = 8 << 20
  /// A token of RFC 4121 has 60 bytes with AES; it cannot be longer than this.
  static let maximumToken = 1_024
  /// The part before the token is two delimiters and three fields.
  private static let maximumHeader = 1_024

  package var scheme: Scheme
  /// `Length` of `OriginalContent`: the message's bytes before it was sealed.
  package var length: Int
  package var token: [UInt8]
  package var sealed: [UInt8]

  /// The response or request field that says that a body is one of these.
  package static func contentType(_ scheme: Scheme) -> String {
    "multipart/encrypted;protocol=\"\(scheme.rawValue)\";boundary=\"Encrypted Boundary\""
  }

  /// Whether a `Content-Type` announces a sealed body.
  package static func isAnnounced(by contentType: String?) -> Bool {
    contentType?.lowercased().hasPrefix("multipart/encrypted") ?? false
  }

  private static let delimiter = "--Encrypted Boundary"

  package var bytes: [UInt8] {
    var writer = ByteWriter()
    let head = [
      Self.delimiter, "\tContent-Type: \(scheme.rawValue)",
      "\tOriginalContent: type=\(SOAPEnvelope.contentType);Length=\(length)", Self.delimiter,
      "\tContent-Type: application/octet-stream", "",
    ]
    writer.write(head.joined(separator: "\r\n").utf8)
    writer.writeLittleEndian(UInt32(clamping: token.count))
    writer.write(token)
    writer.write(sealed)
    writer.write("\(Self.delimiter)--\r\n".utf8)
    return writer.bytes
  }

  package init(scheme: Scheme, length: Int, token: [UInt8], sealed: [UInt8]) {
    self.scheme = scheme
    self.length = length
    self.token = token
    self.sealed = sealed
  }

  /// - Throws: ``WSManagementError`` with code `malformed`.
  package init(_ body: [UInt8]) throws(WSManagementError) {
    do throws(ByteError) {
      try self.init(reading: body)
    } catch {
      throw WSManagementError(.malformed, "The sealed message is not understood (MS-WSMV 2.2.9.1): \(error).")
    }
  }

  private init(reading body: [UInt8]) throws(ByteError) {
    guard body.count <= Self.maximumBytes + 4 * Self.maximumHeader else {
      throw .malformed(offset: 0, reason: "\(body.count) bytes; the limit is \(Self.maximumBytes)")
    }
    var position = 0
    try Self.expect(Self.delimiter, body, &position)
    var scheme: Scheme?
    var length: Int?
    while true {
      let start = position
      let line = try Self.line(body, &position)
      if line == Self.delimiter { break }
      guard let colon = line.firstIndex(of: ":") else { throw .malformed(offset: start, reason: "no header field") }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      switch line[..<colon].drop(while: { $0 == "\t" || $0 == " " }) {
      case "Content-Type": scheme = Scheme(rawValue: String(value))
      case "OriginalContent": length = Self.length(value)
      default: break
      }
    }
    guard let scheme, let length, (0...Self.maximumBytes).contains(length) else {
      throw .malformed(offset: position, reason: "no known protocol or no usable length")
    }
    try Self.expect("\tContent-Type: application/octet-stream", body, &position)
    let closing = Array("\(Self.delimiter)--\r\n".utf8)
    guard body.count - position >= closing.count, body.suffix(closing.count).elementsEqual(closing) else {
      throw .malformed(offset: body.count, reason: "no closing delimiter")
    }
    var reader = ByteReader(body[position..<body.count - closing.count])
    let size: UInt32 = try reader.readLittleEndian()
    guard size > 0, size <= Self.maximumToken else {
      throw .malformed(offset: position, reason: "a token of \(size) bytes")
    }
    token = try reader.read(Int(size))
    sealed = reader.readRemaining()
    self.scheme = scheme
    self.length = length
  }

  private static func expect(_ text: String, _ body: [UInt8], _ position: inout Int) throws(ByteError) {
    let start = position
    guard try line(body, &position) == text else {
      throw .malformed(offset: start, reason: "'\(text.drop { $0 == "\t" })' was expected")
    }
  }

  /// A line without its end; lines end with CR LF.
  private static func line(_ body: [UInt8], _ position: inout Int) throws(ByteError) -> String {
    let limit = min(body.count, maximumHeader)
    guard position < limit, let end = body[position..<limit].firstIndex(of: 0x0a), end > position, body[end - 1] == 0x0d
    else { throw .malformed(offset: position, reason: "a line that does not end") }
    defer { position = end + 1 }
    return String(decoding: body[position..<end - 1], as: UTF8.self)
  }

  /// `type=application/soap+xml;charset=UTF-8;Length=1234`
  private static func length(_ value: some StringProtocol) -> Int? {
    value.split(separator: ";").first { $0.hasPrefix("Length=") }.flatMap { Int($0.dropFirst("Length=".count)) }
  }
}

extension EncryptedMessage {
  /// Seals a message in the context of its connection.
  init(sealing message: [UInt8], scheme: Scheme, _ context: any SecurityContext) throws(WSManagementError) {
    guard context.protection == .confidentiality else {
      throw WSManagementError(.unprotected, "The context of this connection does not encrypt.")
    }
    guard !message.isEmpty, message.count <= Self.maximumBytes else {
      throw WSManagementError(.malformed, "A message of \(message.count) bytes cannot be sent.")
    }
    do throws(SecurityError) {
      var buffer = message
      let token = try context.seal(&buffer, [.sealed(0..<message.count)])
      self.init(scheme: scheme, length: message.count, token: token, sealed: buffer)
    } catch {
      throw WSManagementError(.unprotected, error.message, remedy: error.remedy)
    }
  }

  /// The message, once it has proved to be the peer's.
  func opened(_ context: any SecurityContext) throws(WSManagementError) -> [UInt8] {
    var buffer = sealed
    do throws(SecurityError) {
      try context.unseal(&buffer, [.sealed(0..<sealed.count)], token: token)
    } catch {
      throw WSManagementError(.unprotected, error.message, remedy: error.remedy)
    }
    guard buffer.count == length else {
      throw WSManagementError(
        .malformed, "The sealed message announces \(length) bytes and has \(buffer.count) (MS-WSMV 2.2.9.1.1.2).")
    }
    return buffer
  }
}
