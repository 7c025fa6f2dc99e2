// SPDX-License-Identifier: Apache-2.0

import Wire

/// MS-SMB2 2.2.19: StructureSize (49), Padding, Flags, Length, Offset, FileId, MinimumCount, Channel, RemainingBytes,
/// ReadChannelInfoOffset and -Length, Buffer (one byte at least).
struct ReadRequest: SMBRequestBody, Hashable {
  static let command = SMBCommand.read
  private static let structureSize: UInt16 = 49

  var file: FileID
  /// Bytes that are wanted at most; from a pipe a message or the beginning of one comes.
  var length: UInt32

  init(file: FileID, length: UInt32) {
    self.file = file
    self.length = length
  }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    try reader.skip(2)
    length = try reader.readLittleEndian()
    try reader.skip(8)
    file = try FileID(&reader)
  }

  func encode(into writer: inout ByteWriter) {
    writer.writeLittleEndian(Self.structureSize)
    // Padding: where the data should begin in the answer, behind header and fixed part (64 + 16).
    writer.write([80, 0])
    writer.writeLittleEndian(length)
    writer.writeLittleEndian(UInt64(0))
    file.encode(into: &writer)
    writer.write([UInt8](repeating: 0, count: 17))
  }
}

/// MS-SMB2 2.2.20: StructureSize (17), DataOffset (one byte), Reserved, DataLength, DataRemaining, Reserved2, Buffer.
struct ReadResponse: SMBBody, Hashable {
  private static let structureSize: UInt16 = 17
  private static let fixedSize = 16

  var data: [UInt8]

  init(data: [UInt8]) { self.data = data }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    let offset = try reader.readByte()
    try reader.skip(1)
    let length: UInt32 = try reader.readLittleEndian()
    try reader.skip(8)
    data = try message.buffer(offset: Int(offset), count: Int(length))
  }

  func encode(into writer: inout ByteWriter) {
    let offset = writer.count + Self.fixedSize
    writer.writeLittleEndian(Self.structureSize)
    writer.write([UInt8(truncatingIfNeeded: offset), 0])
    writer.writeLittleEndian(UInt32(clamping: data.count))
    writer.writeLittleEndian(UInt64(0))
    writer.write(data)
  }
}
