// SPDX-License-Identifier: Apache-2.0

import Wire

/// Kerberos messages on a TCP stream (RFC 4120 7.2.2): four bytes of length, most significant first, then the message.
struct KDCFrame {
  /// No answer is larger: Windows refuses tickets above its MaxTokenSize of 65,535 bytes; the rest is room for wrapping.
  static let maximumReply = 256 * 1024
  static let headerLength = 4

  static func encode(_ message: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.writeBigEndian(UInt32(clamping: message.count))
    writer.write(message)
    return writer.bytes
  }

  private(set) var received: [UInt8] = []

  /// The announced length of the message, once known.
  private(set) var announced: Int?

  /// How many bytes are still missing; before the header is complete, those of the header.
  var missing: Int { announced.map { Self.headerLength + $0 - received.count } ?? Self.headerLength - received.count }

  /// Takes bytes from the stream, at most ``missing``.
  /// - Returns: the whole message as soon as it is there.
  mutating func append(_ bytes: some Collection<UInt8>) throws(ByteError) -> [UInt8]? {
    received.append(contentsOf: bytes)
    if announced == nil, received.count >= Self.headerLength {
      var reader = ByteReader(Array(received.prefix(Self.headerLength)))
      let length: UInt32 = try reader.readBigEndian()
      // The high bit is reserved for extensions and must be refused; a length of zero cannot be a message.
      guard length > 0, length <= Self.maximumReply else {
        throw .malformed(offset: 0, reason: "an announced length of \(length) bytes")
      }
      announced = Int(length)
    }
    guard let announced, received.count >= Self.headerLength + announced else { return nil }
    return Array(received[Self.headerLength..<Self.headerLength + announced])
  }
}

/// What kind of message a KDC sent, told by the outermost tag, whose length must be that of the message.
enum KDCReply: Sendable, Equatable {
  case ticket
  case error(KerberosErrorMessage)

  init(_ bytes: [UInt8]) throws(ByteError) {
    var reader = DERReader(bytes)
    let element = try reader.next()
    guard reader.isAtEnd else { throw .malformed(offset: 0, reason: "bytes after the message") }
    switch element.tag {
    // AS-REP [APPLICATION 11], TGS-REP [APPLICATION 13], RFC 4120 5.4.2.
    case 0x6b, 0x6d: self = .ticket
    case KerberosErrorMessage.tag: self = .error(try KerberosErrorMessage(bytes))
    default: throw .malformed(offset: 0, reason: "no Kerberos answer")
    }
  }
}
