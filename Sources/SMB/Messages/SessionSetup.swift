// SPDX-License-Identifier: Apache-2.0

import Wire

/// MS-SMB2 2.2.5: StructureSize (25), Flags, SecurityMode (one byte here), Capabilities, Channel, SecurityBufferOffset
/// and -Length, PreviousSessionId, Buffer.
struct SessionSetupRequest: SMBRequestBody, Hashable {
  static let command = SMBCommand.sessionSetup
  private static let structureSize: UInt16 = 25
  private static let fixedSize = 24

  var securityMode: SecurityMode
  var securityToken: [UInt8]

  init(securityMode: SecurityMode, securityToken: [UInt8]) {
    self.securityMode = securityMode
    self.securityToken = securityToken
  }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    try reader.skip(1)
    securityMode = SecurityMode(rawValue: UInt16(try reader.readByte()))
    try reader.skip(8)
    let offset: UInt16 = try reader.readLittleEndian()
    let length: UInt16 = try reader.readLittleEndian()
    securityToken = try message.buffer(offset: Int(offset), count: Int(length))
  }

  func encode(into writer: inout ByteWriter) {
    let offset = writer.count + Self.fixedSize
    writer.writeLittleEndian(Self.structureSize)
    writer.write([0, UInt8(truncatingIfNeeded: securityMode.rawValue)])
    writer.writeLittleEndian(UInt32(0))
    writer.writeLittleEndian(UInt32(0))
    writer.writeLittleEndian(UInt16(clamping: offset))
    writer.writeLittleEndian(UInt16(clamping: securityToken.count))
    writer.writeLittleEndian(UInt64(0))
    writer.write(securityToken)
  }
}

/// MS-SMB2 2.2.6: StructureSize (9), SessionFlags, SecurityBufferOffset and -Length, Buffer.
struct SessionSetupResponse: SMBBody, Hashable {
  private static let structureSize: UInt16 = 9
  private static let fixedSize = 8

  struct Flags: OptionSet, Hashable, Sendable {
    let rawValue: UInt16
    /// SMB2_SESSION_FLAG_IS_GUEST: the server did not check who this is.
    static let guest = Flags(rawValue: 1)
    /// SMB2_SESSION_FLAG_IS_NULL: an anonymous session.
    static let anonymous = Flags(rawValue: 2)
    /// SMB2_SESSION_FLAG_ENCRYPT_DATA: the server wants the whole session encrypted.
    static let encryptData = Flags(rawValue: 4)
  }

  var flags: Flags
  var securityToken: [UInt8]

  init(flags: Flags = [], securityToken: [UInt8]) {
    self.flags = flags
    self.securityToken = securityToken
  }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    flags = Flags(rawValue: try reader.readLittleEndian())
    let offset: UInt16 = try reader.readLittleEndian()
    let length: UInt16 = try reader.readLittleEndian()
    securityToken = try message.buffer(offset: Int(offset), count: Int(length))
  }

  func encode(into writer: inout ByteWriter) {
    let offset = writer.count + Self.fixedSize
    writer.writeLittleEndian(Self.structureSize)
    writer.writeLittleEndian(flags.rawValue)
    writer.writeLittleEndian(UInt16(clamping: offset))
    writer.writeLittleEndian(UInt16(clamping: securityToken.count))
    writer.write(securityToken)
  }
}
