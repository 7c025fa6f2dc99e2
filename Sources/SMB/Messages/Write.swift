// SPDX-License-Identifier: Apache-2.0

import Wire

/// MS-SMB2 2.2.21: StructureSize (49), DataOffset, Length, Offset, FileId, Channel, RemainingBytes,
/// WriteChannelInfoOffset and -Length, Flags, Buffer.
struct WriteRequest: SMBRequestBody, Hashable {
  static let command = SMBCommand.write
  private static let structureSize: UInt16 = 49
  private static let fixedSize = 48

  var file: FileID
  var data: [UInt8]

  init(file: FileID, data: [UInt8]) {
    self.file = file
    self.data = data
  }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    let offset: UInt16 = try reader.readLittleEndian()
    let length: UInt32 = try reader.readLittleEndian()
    try reader.skip(8)
    file = try FileID(&reader)
    data = try message.buffer(offset: Int(offset), count: Int(length))
  }

  func encode(into writer: inout ByteWriter) {
    let offset = writer.count + Self.fixedSize
    writer.writeLittleEndian(Self.structureSize)
    writer.writeLittleEndian(UInt16(clamping: offset))
    writer.writeLittleEndian(UInt32(clamping: data.count))
    writer.writeLittleEndian(UInt64(0))
    file.encode(into: &writer)
    writer.write([UInt8](repeating: 0, count: 16))
    writer.write(data)
  }
}

/// MS-SMB2 2.2.22: StructureSize (17), Reserved, Count, Remaining, WriteChannelInfoOffset and -Length.
struct WriteResponse: SMBBody, Hashable {
  private static let structureSize: UInt16 = 17

  /// Bytes that were written.
  var count: UInt32

  init(count: UInt32) { self.count = count }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    try reader.skip(2)
    count = try reader.readLittleEndian()
  }

  func encode(into writer: inout ByteWriter) {
    writer.writeLittleEndian(Self.structureSize)
    writer.writeLittleEndian(UInt16(0))
    writer.writeLittleEndian(count)
    writer.writeLittleEndian(UInt64(0))
  }
}
