// SPDX-License-Identifier: Apache-2.0

import Wire

/// MS-SMB2 2.2.3: StructureSize (36), DialectCount, SecurityMode, Reserved, Capabilities, ClientGuid,
/// NegotiateContextOffset and -Count (only when SMB 3.1.1 is offered), Dialects, NegotiateContextList.
struct NegotiateRequest: SMBRequestBody, Hashable {
  static let command = SMBCommand.negotiate
  private static let structureSize: UInt16 = 36
  private static let fixedSize = 36

  var dialects: [UInt16]
  var securityMode: SecurityMode
  var capabilities: SMBCapabilities
  var clientGUID: GUID
  var contexts: [NegotiateContext]

  init(
    dialects: [Dialect], securityMode: SecurityMode, capabilities: SMBCapabilities, clientGUID: GUID,
    contexts: [NegotiateContext]
  ) {
    self.dialects = dialects.map(\.rawValue)
    self.securityMode = securityMode
    self.capabilities = capabilities
    self.clientGUID = clientGUID
    self.contexts = contexts
  }

  init(_ message: SMBMessage) throws(ByteError) {
    var reader = try message.body(structureSize: Self.structureSize)
    let count: UInt16 = try reader.readLittleEndian()
    securityMode = SecurityMode(rawValue: try reader.readLittleEndian())
    try reader.skip(2)
    capabilities = SMBCapabilities(rawValue: try reader.readLittleEndian())
    guard let guid = GUID(try reader.read(16)) else { throw .malformed(offset: reader.position, reason: "no GUID") }
    clientGUID = guid
    let offset: UInt32 = try reader.readLittleEndian()
    let contextCount: UInt16 = try reader.readLittleEndian()
    try reader.skip(2)
    dialects = []
    for _ in 0..<count { dialects.append(try reader.readLittleEndian()) }
    contexts =
      dialects.contains(Dialect.smb311.rawValue)
      ? try NegotiateContext.list(message, offset: Int(offset), count: Int(contextCount)) : []
  }

  func encode(into writer: inout ByteWriter) {
    let end = writer.count + Self.fixedSize + dialects.count * 2
    let hasContexts = dialects.contains(Dialect.smb311.rawValue) && !contexts.isEmpty
    writer.writeLittleEndian(Self.structureSize)
    writer.writeLittleEndian(UInt16(clamping: dialects.count))
    writer.writeLittleEndian(securityMode.rawValue)
    writer.writeLittleEndian(UInt16(0))
    writer.writeLittleEndian(capabilities.rawValue)
    writer.write(clientGUID.bytes)
    writer.writeLittleEndian(hasContexts ? UInt32(clamping: end + NegotiateContext.padding(end)) : 0)
    writer.writeLittleEndian(hasContexts ? UInt16(clamping: contexts.count) : 0)
    writer.writeLittleEndian(UInt16(0))
    for dialect in dialects { writer.writeLittleEndian(dialect) }
    if hasContexts { NegotiateContext.encode(contexts, into: &writer) }
  }
}
