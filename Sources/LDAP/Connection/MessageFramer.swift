// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Wire

/// Cuts a byte stream into messages by their outer length (RFC 4511 5.1). Only bytes that arrived are held, whatever
/// length is announced.
struct MessageFramer {
  private var buffer = ByteBuffer()
  private let maximumSize: Int
  /// The consumed front is dropped beyond this many bytes, so that a stream does not grow the buffer.
  private static let compactionThreshold = 1 << 20

  init(maximumSize: Int) { self.maximumSize = maximumSize }

  var isEmpty: Bool { buffer.readableBytes == 0 }

  mutating func append(_ bytes: ByteBuffer) {
    if buffer.readableBytes == 0 {
      buffer = bytes
    } else {
      if buffer.readerIndex > Self.compactionThreshold { buffer.discardReadBytes() }
      buffer.writeImmutableBuffer(bytes)
    }
  }

  /// The next whole message, nil until more bytes arrive.
  mutating func next() throws(ByteError) -> [UInt8]? {
    let start = buffer.readerIndex
    guard let tag: UInt8 = buffer.getInteger(at: start) else { return nil }
    guard tag == BERTag.sequence else {
      throw .malformed(offset: 0, reason: "a message begins with \(Hex.encode([tag]))")
    }
    guard let first: UInt8 = buffer.getInteger(at: start + 1) else { return nil }
    var length = Int(first)
    var header = 2
    if first & 0x80 != 0 {
      let octets = Int(first & 0x7F)
      guard (1...8).contains(octets) else { throw .malformed(offset: 1, reason: "length of \(octets) octets") }
      length = 0
      for index in 0..<octets {
        guard let octet: UInt8 = buffer.getInteger(at: start + 2 + index) else { return nil }
        guard length <= maximumSize else { break }
        length = length << 8 | Int(octet)
      }
      header += octets
    }
    guard length <= maximumSize else {
      throw .malformed(offset: 1, reason: "a message of \(length) bytes or more; \(maximumSize) are accepted")
    }
    return buffer.readBytes(length: header + length)
  }
}
