// SPDX-License-Identifier: Apache-2.0

import Wire

/// MS-SMB2 2.2.15: StructureSize (24), Flags, Reserved, FileId.
struct CloseRequest: SMBRequestBody, Hashable {
  static let command = SMBCommand.close
  private static let structureSize: UInt16 = 24

  var file: FileID

  init(file: FileID) { self.file = file }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    try reader.skip(6)
    file = try FileID(&reader)
  }

  func encode(into writer: inout ByteWriter) {
    writer.writeLittleEndian(Self.structureSize)
    writer.write([UInt8](repeating: 0, count: 6))
    file.encode(into: &writer)
  }
}

/// MS-SMB2 2.2.16: StructureSize (60) and attributes that only matter when they were asked for.
struct CloseResponse: SMBBody, Hashable {
  private static let structureSize: UInt16 = 60

  init() {}

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    try reader.skip(58)
  }

  func encode(into writer: inout ByteWriter) {
    writer.writeLittleEndian(Self.structureSize)
    writer.write([UInt8](repeating: 0, count: 58))
  }
}
