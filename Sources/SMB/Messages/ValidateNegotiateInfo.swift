// SPDX-License-Identifier: Apache-2.0

import Wire

/// The input of FSCTL_VALIDATE_NEGOTIATE_INFO (MS-SMB2 2.2.31.4): Capabilities, Guid, SecurityMode, DialectCount,
/// Dialects, all as the client sent them in its NEGOTIATE.
struct ValidateNegotiateInfoRequest: Hashable, Sendable {
  var capabilities: SMBCapabilities
  var clientGUID: GUID
  var securityMode: SecurityMode
  var dialects: [UInt16]

  init(_ negotiate: NegotiateRequest) {
    capabilities = negotiate.capabilities
    clientGUID = negotiate.clientGUID
    securityMode = negotiate.securityMode
    dialects = negotiate.dialects
  }

  init(_ bytes: [UInt8]) throws(ByteError) {
    var reader = ByteReader(bytes)
    capabilities = SMBCapabilities(rawValue: try reader.readLittleEndian())
    guard let guid = GUID(try reader.read(16)) else { throw .malformed(offset: 4, reason: "no GUID") }
    clientGUID = guid
    securityMode = SecurityMode(rawValue: try reader.readLittleEndian())
    let count: UInt16 = try reader.readLittleEndian()
    dialects = []
    for _ in 0..<count { dialects.append(try reader.readLittleEndian()) }
  }

  var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.writeLittleEndian(capabilities.rawValue)
    writer.write(clientGUID.bytes)
    writer.writeLittleEndian(securityMode.rawValue)
    writer.writeLittleEndian(UInt16(clamping: dialects.count))
    for dialect in dialects { writer.writeLittleEndian(dialect) }
    return writer.bytes
  }
}

/// Its output (MS-SMB2 2.2.32.6): Capabilities, Guid, SecurityMode, Dialect, all as the server sent them in its NEGOTIATE
/// response.
struct ValidateNegotiateInfoResponse: Hashable, Sendable {
  static let size = 24

  var capabilities: SMBCapabilities
  var serverGUID: GUID
  var securityMode: SecurityMode
  var dialect: UInt16

  init(_ negotiate: NegotiateResponse) {
    capabilities = negotiate.capabilities
    serverGUID = negotiate.serverGUID
    securityMode = negotiate.securityMode
    dialect = negotiate.dialect
  }

  init(_ bytes: [UInt8]) throws(ByteError) {
    var reader = ByteReader(bytes)
    capabilities = SMBCapabilities(rawValue: try reader.readLittleEndian())
    guard let guid = GUID(try reader.read(16)) else { throw .malformed(offset: 4, reason: "no GUID") }
    serverGUID = guid
    securityMode = SecurityMode(rawValue: try reader.readLittleEndian())
    dialect = try reader.readLittleEndian()
  }

  var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.writeLittleEndian(capabilities.rawValue)
    writer.write(serverGUID.bytes)
    writer.writeLittleEndian(securityMode.rawValue)
    writer.writeLittleEndian(dialect)
    return writer.bytes
  }
}
