// SPDX-License-Identifier: Apache-2.0

package import Wire

/// MC-NMF 2.2.3.2: what the session carries.
package enum FramingMode: UInt8, Sendable {
  case singletonUnsized = 1
  case duplex = 2
  case simplex = 3
  case singletonSized = 4
}

/// MC-NMF 2.2.3.4.1: how envelopes are encoded.
package enum KnownEncoding: UInt8, Sendable {
  case soap11UTF8 = 0
  case soap11UTF16 = 1
  case soap11UnicodeLittleEndian = 2
  case soap12UTF8 = 3
  case soap12UTF16 = 4
  case soap12UnicodeLittleEndian = 5
  case mtom = 6
  /// MC-NBFS.
  case binary = 7
  /// MC-NBFSE: binary with a dictionary that grows with the session.
  case binarySession = 8
}

/// MC-NMF 2.2: one record of the framing.
package enum FramingRecord: Hashable, Sendable {
  /// 2.2.3.1 `MajorVersion`, `MinorVersion`.
  case version(major: UInt8, minor: UInt8)
  case mode(FramingMode)
  /// The URI that the session is bound for.
  case via(String)
  case knownEncoding(KnownEncoding)
  /// A MIME content type.
  case extensibleEncoding(String)
  /// The whole of an unsized envelope, its chunks joined.
  case unsizedEnvelope([UInt8])
  case sizedEnvelope([UInt8])
  case end
  case fault(FramingFault)
  /// The protocol's name, for example `application/negotiate`.
  case upgradeRequest(String)
  case upgradeResponse
  case preambleAcknowledgement
  case preambleEnd

  package var bytes: [UInt8] {
    switch self {
    case .version(let major, let minor): [RecordType.version.rawValue, major, minor]
    case .mode(let mode): [RecordType.mode.rawValue, mode.rawValue]
    case .via(let uri): Self.sized(.via, Array(uri.utf8))
    case .knownEncoding(let encoding): [RecordType.knownEncoding.rawValue, encoding.rawValue]
    case .extensibleEncoding(let type): Self.sized(.extensibleEncoding, Array(type.utf8))
    case .unsizedEnvelope(let payload): Self.sized(.unsizedEnvelope, payload) + [0]
    case .sizedEnvelope(let payload): Self.sized(.sizedEnvelope, payload)
    case .end: [RecordType.end.rawValue]
    case .fault(let fault): Self.sized(.fault, Array(fault.uri.utf8))
    case .upgradeRequest(let name): Self.sized(.upgradeRequest, Array(name.utf8))
    case .upgradeResponse: [RecordType.upgradeResponse.rawValue]
    case .preambleAcknowledgement: [RecordType.preambleAcknowledgement.rawValue]
    case .preambleEnd: [RecordType.preambleEnd.rawValue]
    }
  }

  private static func sized(_ type: RecordType, _ payload: [UInt8]) -> [UInt8] {
    [type.rawValue] + RecordSize.encode(UInt32(clamping: payload.count)) + payload
  }

  /// The record's name, for messages.
  package var name: String {
    switch self {
    case .version: "version record"
    case .mode: "mode record"
    case .via: "via record"
    case .knownEncoding, .extensibleEncoding: "encoding record"
    case .unsizedEnvelope, .sizedEnvelope: "envelope"
    case .end: "end record"
    case .fault: "fault record"
    case .upgradeRequest: "upgrade request"
    case .upgradeResponse: "upgrade response"
    case .preambleAcknowledgement: "preamble acknowledgement"
    case .preambleEnd: "end of the preamble"
    }
  }
}

/// MC-NMF 2.2.1: the first octet of a record.
enum RecordType: UInt8 {
  case version = 0x00
  case mode = 0x01
  case via = 0x02
  case knownEncoding = 0x03
  case extensibleEncoding = 0x04
  case unsizedEnvelope = 0x05
  case sizedEnvelope = 0x06
  case end = 0x07
  case fault = 0x08
  case upgradeRequest = 0x09
  case upgradeResponse = 0x0a
  case preambleAcknowledgement = 0x0b
  case preambleEnd = 0x0c
}

extension FramingRecord {
  /// Reads one record.
  ///
  /// - Throws: ``WCFError`` with code `malformed` or `tooLarge`; a record that has not arrived whole is a ``ByteError``
  ///   `truncated`, so that a stream can wait for the rest.
  package init(_ reader: inout ByteReader) throws {
    let start = reader.position
    let octet = try reader.readByte()
    guard let type = RecordType(rawValue: octet) else {
      throw WCFError(.malformed, "The peer sent a record of the unknown type 0x\(Hex.encode([octet])).")
    }
    switch type {
    case .version: self = .version(major: try reader.readByte(), minor: try reader.readByte())
    case .mode:
      let value = try reader.readByte()
      guard let mode = FramingMode(rawValue: value) else {
        throw WCFError(.malformed, "The peer sent the unknown communication mode \(value).")
      }
      self = .mode(mode)
    case .via: self = .via(try Self.text(&reader, limit: FramingLimits.via, "via record"))
    case .knownEncoding:
      let value = try reader.readByte()
      guard let encoding = KnownEncoding(rawValue: value) else {
        throw WCFError(.malformed, "The peer sent the unknown message encoding \(value).")
      }
      self = .knownEncoding(encoding)
    case .extensibleEncoding:
      self = .extensibleEncoding(try Self.text(&reader, limit: FramingLimits.contentType, "encoding record"))
    case .unsizedEnvelope: self = .unsizedEnvelope(try Self.chunks(&reader, start))
    case .sizedEnvelope:
      self = .sizedEnvelope(try Self.payload(&reader, limit: FramingLimits.envelope, "envelope"))
    case .end: self = .end
    case .fault: self = .fault(FramingFault(uri: try Self.text(&reader, limit: FramingLimits.fault, "fault record")))
    case .upgradeRequest:
      self = .upgradeRequest(try Self.text(&reader, limit: FramingLimits.upgradeProtocol, "upgrade request"))
    case .upgradeResponse: self = .upgradeResponse
    case .preambleAcknowledgement: self = .preambleAcknowledgement
    case .preambleEnd: self = .preambleEnd
    }
  }

  private static func payload(_ reader: inout ByteReader, limit: Int, _ what: String) throws -> [UInt8] {
    let size = try RecordSize.decode(&reader)
    guard size > 0 else { throw WCFError(.malformed, "The peer sent an empty \(what).") }
    guard size <= limit else {
      throw WCFError(.tooLarge, "The peer sent a \(what) of \(size) bytes; the limit is \(limit).")
    }
    return try reader.read(Int(size))
  }

  private static func text(_ reader: inout ByteReader, limit: Int, _ what: String) throws -> String {
    guard let text = String(validating: try payload(&reader, limit: limit, what), as: UTF8.self) else {
      throw WCFError(.malformed, "The peer sent a \(what) that is not UTF-8.")
    }
    return text
  }

  private static func chunks(_ reader: inout ByteReader, _ start: Int) throws -> [UInt8] {
    var all: [UInt8] = []
    for count in 0...FramingLimits.chunks {
      let size = try RecordSize.decode(&reader)
      guard size > 0 else {
        guard count > 0 else { throw WCFError(.malformed, "The peer sent an empty envelope.") }
        return all
      }
      guard size <= FramingLimits.envelope - all.count else { break }
      all += try reader.read(Int(size))
    }
    throw WCFError(
      .tooLarge, "The peer sent an envelope of more than \(FramingLimits.envelope) bytes or too many chunks.")
  }
}
