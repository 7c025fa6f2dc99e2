// SPDX-License-Identifier: Apache-2.0

import Wire

/// MS-SMB2 2.2.13: StructureSize (57), SecurityFlags, RequestedOplockLevel, ImpersonationLevel, SmbCreateFlags, Reserved,
/// DesiredAccess, FileAttributes, ShareAccess, CreateDisposition, CreateOptions, NameOffset and -Length,
/// CreateContextsOffset and -Length, Buffer.
///
/// Only what opens a named pipe: an existing one, without a lease or contexts.
struct CreateRequest: SMBRequestBody, Hashable {
  static let command = SMBCommand.create
  private static let structureSize: UInt16 = 57
  private static let fixedSize = 56

  /// The service may ask who its client is and act as it on its own machine: `Impersonation`.
  private static let impersonation: UInt32 = 2
  /// FILE_READ_DATA, FILE_WRITE_DATA, FILE_APPEND_DATA, FILE_READ_EA, FILE_WRITE_EA, FILE_READ_ATTRIBUTES,
  /// FILE_WRITE_ATTRIBUTES, READ_CONTROL, SYNCHRONIZE (2.2.13.1.1): what clients ask of a pipe.
  private static let pipeAccess: UInt32 = 0x0012_019F
  /// FILE_SHARE_READ and FILE_SHARE_WRITE.
  private static let shareReadWrite: UInt32 = 3
  /// FILE_OPEN
  private static let openExisting: UInt32 = 1

  /// The pipe's name without `\pipe\`.
  var name: String

  init(name: String) { self.name = name }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    try reader.skip(42)
    let offset: UInt16 = try reader.readLittleEndian()
    let length: UInt16 = try reader.readLittleEndian()
    name = UTF16Text.decode(try message.buffer(offset: Int(offset), count: Int(length)))
  }

  func encode(into writer: inout ByteWriter) {
    let text = UTF16Text.encode(name)
    let offset = writer.count + Self.fixedSize
    writer.writeLittleEndian(Self.structureSize)
    writer.write([0, 0])
    writer.writeLittleEndian(Self.impersonation)
    writer.writeLittleEndian(UInt64(0))
    writer.writeLittleEndian(UInt64(0))
    writer.writeLittleEndian(Self.pipeAccess)
    writer.writeLittleEndian(UInt32(0))
    writer.writeLittleEndian(Self.shareReadWrite)
    writer.writeLittleEndian(Self.openExisting)
    writer.writeLittleEndian(UInt32(0))
    writer.writeLittleEndian(UInt16(clamping: offset))
    writer.writeLittleEndian(UInt16(clamping: text.count))
    writer.writeLittleEndian(UInt64(0))
    writer.write(text)
  }
}

/// MS-SMB2 2.2.14: StructureSize (89), OplockLevel, Flags, CreateAction, four times, AllocationSize, EndofFile,
/// FileAttributes, Reserved2, FileId, CreateContextsOffset and -Length.
struct CreateResponse: SMBBody, Hashable {
  private static let structureSize: UInt16 = 89
  /// FILE_OPENED
  private static let opened: UInt32 = 1

  var file: FileID

  init(file: FileID) { self.file = file }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    try reader.skip(62)
    file = try FileID(&reader)
    try reader.skip(8)
  }

  func encode(into writer: inout ByteWriter) {
    writer.writeLittleEndian(Self.structureSize)
    writer.write([0, 0])
    writer.writeLittleEndian(Self.opened)
    writer.write([UInt8](repeating: 0, count: 56))
    file.encode(into: &writer)
    writer.writeLittleEndian(UInt64(0))
  }
}
