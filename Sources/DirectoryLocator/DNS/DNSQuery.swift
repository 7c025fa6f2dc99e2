// SPDX-License-Identifier: Apache-2.0

import CARES

/// One question as a message, and the answer to it (RFC 1035 4.1): for those who carry the messages themselves, such as a
/// check of the path to a server. Whoever only wants to know the answer asks ``DNSResolver``.
package struct DNSQuery: Sendable, Hashable {
  /// The type of record that is asked for (RFC 1035 3.2.2, RFC 2782).
  package enum Kind: Sendable, Hashable {
    case address
    case service
    /// SOA: whether the server knows the zone.
    case zone

    var type: DNSRecordType {
      switch self {
      case .address: .a
      case .service: .srv
      case .zone: .soa
      }
    }
  }

  package let name: String
  package let kind: Kind
  package let identifier: UInt16
  /// As it travels in a datagram.
  package let message: [UInt8]

  /// RFC 6891 6.2.5 and the DNS flag day of 2020: the largest answer that passes everywhere without fragments.
  private static let largestDatagram: CInt = 1232
  private static let classInternet: CInt = 1
  /// RFC 1035 4.1.1.
  private static let headerSize = 12
  /// RFC 1035 4.2.2: the length goes before the message in two bytes.
  private static let lengthSize = 2

  /// - Returns: nil when `name` is no DNS name.
  package init?(_ name: String, _ kind: Kind, identifier: UInt16) {
    var buffer: UnsafeMutablePointer<UInt8>?
    var length: CInt = 0
    let status = ares_create_query(
      name, Self.classInternet, CInt(kind.type.rawValue), identifier, 1, &buffer, &length, Self.largestDatagram)
    guard status == ARES_SUCCESS, let buffer else { return nil }
    defer { ares_free_string(buffer) }
    message = Array(UnsafeBufferPointer(start: buffer, count: Int(length)))
    guard message.count > Self.headerSize else { return nil }
    self.name = name
    self.kind = kind
    self.identifier = identifier
  }

  /// As it travels on a stream.
  package var streamMessage: [UInt8] {
    [UInt8(truncatingIfNeeded: message.count >> 8), UInt8(truncatingIfNeeded: message.count)] + message
  }

  /// The messages on a stream, as far as they are whole.
  package static func messages(onStream bytes: [UInt8]) -> [[UInt8]] {
    var messages: [[UInt8]] = []
    var position = 0
    while bytes.count - position >= lengthSize {
      let length = Int(bytes[position]) << 8 | Int(bytes[position + 1])
      guard length > 0, bytes.count - position - lengthSize >= length else { break }
      messages.append(Array(bytes[(position + lengthSize)..<(position + lengthSize + length)]))
      position += lengthSize + length
    }
    return messages
  }

  /// Reads a message.
  /// - Returns: nil when it is no answer to this question: another identifier, another question, no answer at all.
  package func reply(_ bytes: [UInt8]) -> DNSReply? {
    guard bytes.count >= Self.headerSize, bytes[0] == UInt8(identifier >> 8), bytes[1] == UInt8(identifier & 0xff),
      bytes[2] & 0x80 != 0
    else { return nil }
    // The question comes back as it was sent; servers may change the case of letters. An error may leave it out.
    let question = questionBytes
    let code = Int(bytes[3] & 0x0f)
    let hasQuestion = bytes[4] != 0 || bytes[5] != 0
    if hasQuestion {
      let echoed = bytes.dropFirst(Self.headerSize).prefix(question.count)
      guard echoed.map(Self.lowercased) == question.map(Self.lowercased) else { return nil }
    } else if code == 0 {
      return nil
    }
    let isTruncated = bytes[2] & 0x02 != 0
    var reply = DNSReply(code: code, isTruncated: isTruncated)
    guard code == 0 else { return reply }
    switch kind {
    case .service:
      guard let services = DNSRecords.services(bytes) else { return isTruncated ? reply : nil }
      reply.services = services
    case .address:
      guard let addresses = DNSRecords.addresses(bytes, type: .a) else { return isTruncated ? reply : nil }
      reply.addresses = addresses
    case .zone: break
    }
    return reply
  }

  /// Name, type and class of the question: behind the header, without the OPT record behind it.
  private var questionBytes: ArraySlice<UInt8> {
    var position = Self.headerSize
    while position < message.count, message[position] != 0 { position += Int(message[position]) + 1 }
    return message[Self.headerSize..<min(message.count, position + 5)]
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }
}

/// What a server says to a ``DNSQuery``.
package struct DNSReply: Sendable, Hashable {
  /// RCODE (RFC 1035 4.1.1): 0 no error, 2 server failure, 3 no such name, 5 refused.
  package var code: Int
  /// The rest did not fit: ask over TCP.
  package var isTruncated: Bool
  package var services: [ServiceRecord] = []
  package var addresses: [String] = []

  package var codeName: String {
    let names = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"]
    return names.indices.contains(code) ? names[code] : "RCODE \(code)"
  }
}
