// SPDX-License-Identifier: Apache-2.0

import Wire

/// MS-SMB2 2.2.31: StructureSize (57), Reserved, CtlCode, FileId, InputOffset, InputCount, MaxInputResponse,
/// OutputOffset, OutputCount, MaxOutputResponse, Flags, Reserved2, Buffer.
struct IoctlRequest: SMBRequestBody, Hashable {
  static let command = SMBCommand.ioctl
  private static let structureSize: UInt16 = 57
  private static let fixedSize = 56
  /// SMB2_0_IOCTL_IS_FSCTL
  private static let isFileSystemControl: UInt32 = 1

  var control: FileSystemControl
  var file: FileID
  var input: [UInt8]
  var maximumOutput: UInt32

  init(control: FileSystemControl, file: FileID, input: [UInt8], maximumOutput: UInt32) {
    self.control = control
    self.file = file
    self.input = input
    self.maximumOutput = maximumOutput
  }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    try reader.skip(2)
    control = FileSystemControl(rawValue: try reader.readLittleEndian())
    file = try FileID(&reader)
    let offset: UInt32 = try reader.readLittleEndian()
    let count: UInt32 = try reader.readLittleEndian()
    try reader.skip(12)
    maximumOutput = try reader.readLittleEndian()
    input = try message.buffer(offset: Int(offset), count: Int(count))
  }

  func encode(into writer: inout ByteWriter) {
    let offset = writer.count + Self.fixedSize
    writer.writeLittleEndian(Self.structureSize)
    writer.writeLittleEndian(UInt16(0))
    writer.writeLittleEndian(control.rawValue)
    file.encode(into: &writer)
    writer.writeLittleEndian(UInt32(clamping: offset))
    writer.writeLittleEndian(UInt32(clamping: input.count))
    writer.writeLittleEndian(UInt32(0))
    writer.writeLittleEndian(UInt32(0))
    writer.writeLittleEndian(UInt32(0))
    writer.writeLittleEndian(maximumOutput)
    writer.writeLittleEndian(Self.isFileSystemControl)
    writer.writeLittleEndian(UInt32(0))
    writer.write(input)
  }
}

/// MS-SMB2 2.2.32: StructureSize (49), Reserved, CtlCode, FileId, InputOffset, InputCount, OutputOffset, OutputCount,
/// Flags, Reserved2, Buffer.
struct IoctlResponse: SMBBody, Hashable {
  private static let structureSize: UInt16 = 49
  private static let fixedSize = 48

  var control: FileSystemControl
  var file: FileID
  var output: [UInt8]

  init(control: FileSystemControl, file: FileID, output: [UInt8]) {
    self.control = control
    self.file = file
    self.output = output
  }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    try reader.skip(2)
    control = FileSystemControl(rawValue: try reader.readLittleEndian())
    file = try FileID(&reader)
    try reader.skip(8)
    let offset: UInt32 = try reader.readLittleEndian()
    let count: UInt32 = try reader.readLittleEndian()
    try reader.skip(8)
    output = try message.buffer(offset: Int(offset), count: Int(count))
  }

  func encode(into writer: inout ByteWriter) {
    let offset = UInt32(clamping: writer.count + Self.fixedSize)
    writer.writeLittleEndian(Self.structureSize)
    writer.writeLittleEndian(UInt16(0))
    writer.writeLittleEndian(control.rawValue)
    file.encode(into: &writer)
    writer.writeLittleEndian(offset)
    writer.writeLittleEndian(UInt32(0))
    writer.writeLittleEndian(offset)
    writer.writeLittleEndian(UInt32(clamping: output.count))
    writer.writeLittleEndian(UInt64(0))
    writer.write(output)
  }
}

/// MS-SMB2 2.2.31 `CtlCode`: those that are used here.
struct FileSystemControl: RawRepresentable, Hashable, Sendable {
  let rawValue: UInt32
  /// FSCTL_PIPE_TRANSCEIVE (MS-FSCC 2.3.51): writes a message into a pipe and reads one back.
  static let pipeTransceive = FileSystemControl(rawValue: 0x0011_C017)
  /// FSCTL_VALIDATE_NEGOTIATE_INFO
  static let validateNegotiateInfo = FileSystemControl(rawValue: 0x0014_0204)
}
