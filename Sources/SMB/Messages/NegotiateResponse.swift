// SPDX-License-Identifier: Apache-2.0

import Wire

/// MS-SMB2 2.2.4: StructureSize (65), SecurityMode, DialectRevision, NegotiateContextCount, ServerGuid, Capabilities,
/// MaxTransactSize, MaxReadSize, MaxWriteSize, SystemTime, ServerStartTime, SecurityBufferOffset and -Length,
/// NegotiateContextOffset, Buffer, NegotiateContextList.
struct NegotiateResponse: SMBBody, Hashable {
  private static let structureSize: UInt16 = 65
  private static let fixedSize = 64

  var securityMode: SecurityMode
  var dialect: UInt16
  var serverGUID: GUID
  var capabilities: SMBCapabilities
  var maximumTransaction: UInt32
  var maximumRead: UInt32
  var maximumWrite: UInt32
  /// The server's clock.
  var systemTime: FileTime
  var startTime: FileTime
  /// The server's first SPNEGO token (RFC 4178 4.2.1); empty where it lets the client begin.
  var securityToken: [UInt8]
  var contexts: [NegotiateContext]

  init(
    securityMode: SecurityMode, dialect: UInt16, serverGUID: GUID, capabilities: SMBCapabilities = [],
    maximumTransaction: UInt32 = 65536, maximumRead: UInt32 = 65536, maximumWrite: UInt32 = 65536,
    systemTime: FileTime, startTime: FileTime = FileTime(ticks: 0), securityToken: [UInt8] = [],
    contexts: [NegotiateContext] = []
  ) {
    self.securityMode = securityMode
    self.dialect = dialect
    self.serverGUID = serverGUID
    self.capabilities = capabilities
    self.maximumTransaction = maximumTransaction
    self.maximumRead = maximumRead
    self.maximumWrite = maximumWrite
    self.systemTime = systemTime
    self.startTime = startTime
    self.securityToken = securityToken
    self.contexts = contexts
  }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    securityMode = SecurityMode(rawValue: try reader.readLittleEndian())
    dialect = try reader.readLittleEndian()
    let contextCount: UInt16 = try reader.readLittleEndian()
    guard let guid = GUID(try reader.read(16)) else { throw .malformed(offset: reader.position, reason: "no GUID") }
    serverGUID = guid
    capabilities = SMBCapabilities(rawValue: try reader.readLittleEndian())
    maximumTransaction = try reader.readLittleEndian()
    maximumRead = try reader.readLittleEndian()
    maximumWrite = try reader.readLittleEndian()
    systemTime = FileTime(ticks: try reader.readLittleEndian())
    startTime = FileTime(ticks: try reader.readLittleEndian())
    let tokenOffset: UInt16 = try reader.readLittleEndian()
    let tokenLength: UInt16 = try reader.readLittleEndian()
    let contextOffset: UInt32 = try reader.readLittleEndian()
    securityToken = try message.buffer(offset: Int(tokenOffset), count: Int(tokenLength))
    contexts =
      dialect == Dialect.smb311.rawValue
      ? try NegotiateContext.list(message, offset: Int(contextOffset), count: Int(contextCount)) : []
  }

  func encode(into writer: inout ByteWriter) {
    let tokenOffset = writer.count + Self.fixedSize
    let end = tokenOffset + securityToken.count
    let hasContexts = dialect == Dialect.smb311.rawValue && !contexts.isEmpty
    writer.writeLittleEndian(Self.structureSize)
    writer.writeLittleEndian(securityMode.rawValue)
    writer.writeLittleEndian(dialect)
    writer.writeLittleEndian(hasContexts ? UInt16(clamping: contexts.count) : 0)
    writer.write(serverGUID.bytes)
    writer.writeLittleEndian(capabilities.rawValue)
    writer.writeLittleEndian(maximumTransaction)
    writer.writeLittleEndian(maximumRead)
    writer.writeLittleEndian(maximumWrite)
    writer.writeLittleEndian(systemTime.ticks)
    writer.writeLittleEndian(startTime.ticks)
    writer.writeLittleEndian(UInt16(clamping: tokenOffset))
    writer.writeLittleEndian(UInt16(clamping: securityToken.count))
    writer.writeLittleEndian(hasContexts ? UInt32(clamping: end + NegotiateContext.padding(end)) : 0)
    writer.write(securityToken)
    if hasContexts { NegotiateContext.encode(contexts, into: &writer) }
  }
}
