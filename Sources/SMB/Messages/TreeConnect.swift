// SPDX-License-Identifier: Apache-2.0

import Wire

/// MS-SMB2 2.2.9: StructureSize (9), Flags, PathOffset, PathLength, Buffer: `\\server\share` in UTF-16.
struct TreeConnectRequest: SMBRequestBody, Hashable {
  static let command = SMBCommand.treeConnect
  private static let structureSize: UInt16 = 9
  private static let fixedSize = 8

  var path: String

  init(path: String) { self.path = path }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    try reader.skip(2)
    let offset: UInt16 = try reader.readLittleEndian()
    let length: UInt16 = try reader.readLittleEndian()
    path = UTF16Text.decode(try message.buffer(offset: Int(offset), count: Int(length)))
  }

  func encode(into writer: inout ByteWriter) {
    let text = UTF16Text.encode(path)
    let offset = writer.count + Self.fixedSize
    writer.writeLittleEndian(Self.structureSize)
    writer.writeLittleEndian(UInt16(0))
    writer.writeLittleEndian(UInt16(clamping: offset))
    writer.writeLittleEndian(UInt16(clamping: text.count))
    writer.write(text)
  }
}

/// MS-SMB2 2.2.10: StructureSize (16), ShareType, Reserved, ShareFlags, Capabilities, MaximalAccess.
struct TreeConnectResponse: SMBBody, Hashable {
  private static let structureSize: UInt16 = 16

  /// SMB2_SHARE_TYPE_PIPE
  static let pipeShare: UInt8 = 2

  struct Flags: OptionSet, Hashable, Sendable {
    let rawValue: UInt32
    /// SMB2_SHAREFLAG_ENCRYPT_DATA: the server wants this share's traffic encrypted.
    static let encryptData = Flags(rawValue: 0x8000)
  }

  var shareType: UInt8
  var flags: Flags
  var capabilities: UInt32
  var maximalAccess: UInt32

  init(shareType: UInt8, flags: Flags = [], capabilities: UInt32 = 0, maximalAccess: UInt32 = 0x001F_01FF) {
    self.shareType = shareType
    self.flags = flags
    self.capabilities = capabilities
    self.maximalAccess = maximalAccess
  }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    shareType = try reader.readByte()
    try reader.skip(1)
    flags = Flags(rawValue: try reader.readLittleEndian())
    capabilities = try reader.readLittleEndian()
    maximalAccess = try reader.readLittleEndian()
  }

  func encode(into writer: inout ByteWriter) {
    writer.writeLittleEndian(Self.structureSize)
    writer.write([shareType, 0])
    writer.writeLittleEndian(flags.rawValue)
    writer.writeLittleEndian(capabilities)
    writer.writeLittleEndian(maximalAccess)
  }
}
