// SPDX-License-Identifier: Apache-2.0

import Wire

/// One message as it travelled, after decryption: the header and all bytes, since offsets inside bodies count from the
/// header's start and signatures cover everything.
struct SMBMessage: Hashable, Sendable {
  var header: SMBHeader
  let bytes: [UInt8]

  init(_ bytes: [UInt8]) throws(ByteError) {
    var reader = ByteReader(bytes)
    header = try SMBHeader(&reader)
    self.bytes = bytes
  }

  init(_ header: SMBHeader, _ body: some SMBBody) {
    var writer = ByteWriter()
    header.encode(into: &writer)
    body.encode(into: &writer)
    self.header = header
    bytes = writer.bytes
  }

  /// Begins the body: reads its StructureSize, which must be the one that the specification fixes.
  func body(structureSize expected: UInt16) throws(ByteError) -> ByteReader {
    var reader = ByteReader(bytes)
    try reader.skip(SMBHeader.size)
    let size: UInt16 = try reader.readLittleEndian()
    guard size == expected else {
      throw .malformed(
        offset: SMBHeader.size, reason: "a body of structure size \(size) where \(header.command) has \(expected)")
    }
    return reader
  }

  /// A variable part of the body, named by its offset from the header's start.
  func buffer(offset: Int, count: Int) throws(ByteError) -> [UInt8] {
    guard count > 0 else { return [] }
    guard offset >= SMBHeader.size else {
      throw .malformed(offset: offset, reason: "a buffer that begins inside the header")
    }
    var reader = ByteReader(bytes)
    try reader.seek(to: offset)
    return try reader.read(count)
  }
}

/// The part of a message behind the header. Offsets in it count from the header's start, so it is always encoded behind
/// one.
protocol SMBBody: Sendable {
  func encode(into writer: inout ByteWriter)
}

/// A body that a client sends.
protocol SMBRequestBody: SMBBody {
  static var command: SMBCommand { get }
}
