// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Wire

/// Cuts a byte stream into messages (MS-SMB2 2.1): a zero byte, the length in three bytes, most significant first, the
/// message. Only bytes that arrived are held, whatever length is announced.
struct DirectTCPFramer {
  static let headerSize = 4

  private var buffer = ByteBuffer()

  var isEmpty: Bool { buffer.readableBytes == 0 }

  mutating func append(_ bytes: ByteBuffer) {
    if buffer.readableBytes == 0 {
      buffer = bytes
    } else {
      buffer.discardReadBytes()
      buffer.writeImmutableBuffer(bytes)
    }
  }

  /// The next whole message, nil until more bytes arrive.
  mutating func next() throws(ByteError) -> [UInt8]? {
    guard let first: UInt8 = buffer.getInteger(at: buffer.readerIndex) else { return nil }
    guard first == 0 else {
      let start = buffer.getBytes(at: buffer.readerIndex, length: min(8, buffer.readableBytes)) ?? []
      throw .malformed(offset: 0, reason: "what arrives begins with \(Hex.encode(start))")
    }
    guard let header: UInt32 = buffer.getInteger(at: buffer.readerIndex) else { return nil }
    let length = Int(header)
    guard (SMBHeader.size...SMBLimits.message).contains(length) else {
      throw .malformed(offset: 0, reason: "a message of \(length) bytes")
    }
    guard buffer.readableBytes >= Self.headerSize + length else { return nil }
    buffer.moveReaderIndex(forwardBy: Self.headerSize)
    return buffer.readBytes(length: length)
  }

  static func framed(_ message: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.writeBigEndian(UInt32(clamping: message.count))
    writer.write(message)
    return writer.bytes
  }

  static func frame(_ message: [UInt8], into buffer: inout ByteBuffer) {
    buffer.writeInteger(UInt32(clamping: message.count))
    buffer.writeBytes(message)
  }
}
