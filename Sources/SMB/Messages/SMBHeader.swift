// SPDX-License-Identifier: Apache-2.0

import Wire

/// The header of every message (MS-SMB2 2.2.1).
///
/// In wire order: ProtocolId, StructureSize (64), CreditCharge, Status (requests: ChannelSequence), Command,
/// CreditRequest/CreditResponse, Flags, NextCommand, MessageId, then AsyncId (2.2.1.1) or Reserved and TreeId (2.2.1.2),
/// SessionId, Signature.
struct SMBHeader: Hashable, Sendable {
  static let size = 64
  static let protocolIdentifier: [UInt8] = [0xFE, 0x53, 0x4D, 0x42]
  /// SMB1's (MS-CIFS 2.2.3.1), to be told apart.
  static let olderProtocolIdentifier: [UInt8] = [0xFF, 0x53, 0x4D, 0x42]
  /// Where the signature stands.
  static let signatureRange = 48..<64

  struct Flags: OptionSet, Hashable, Sendable {
    let rawValue: UInt32
    /// SMB2_FLAGS_SERVER_TO_REDIR
    static let response = Flags(rawValue: 1)
    /// SMB2_FLAGS_ASYNC_COMMAND
    static let asynchronous = Flags(rawValue: 2)
    /// SMB2_FLAGS_SIGNED
    static let signed = Flags(rawValue: 8)
  }

  var creditCharge: UInt16 = 0
  var status = NTStatus.success
  var command: SMBCommand
  /// Asked for in a request, granted in a response.
  var credits: UInt16 = 0
  var flags: Flags = []
  /// Offset of the next message of a compound; 0 in the last one.
  var nextCommand: UInt32 = 0
  var messageID: UInt64
  /// Zero in a message with ``Flags/asynchronous``, which has ``asyncID`` in its place.
  var treeID: UInt32 = 0
  var asyncID: UInt64 = 0
  var sessionID: UInt64 = 0
  var signature = [UInt8](repeating: 0, count: 16)

  init(_ reader: inout ByteReader) throws(ByteError) {
    guard try reader.read(4) == Self.protocolIdentifier else {
      throw .malformed(offset: 0, reason: "no SMB 2 message")
    }
    let size: UInt16 = try reader.readLittleEndian()
    guard size == Self.size else { throw .malformed(offset: 4, reason: "a header of \(size) bytes") }
    creditCharge = try reader.readLittleEndian()
    status = NTStatus(try reader.readLittleEndian())
    let number: UInt16 = try reader.readLittleEndian()
    guard let command = SMBCommand(rawValue: number) else { throw .malformed(offset: 12, reason: "command \(number)") }
    self.command = command
    credits = try reader.readLittleEndian()
    flags = Flags(rawValue: try reader.readLittleEndian())
    nextCommand = try reader.readLittleEndian()
    messageID = try reader.readLittleEndian()
    if flags.contains(.asynchronous) {
      asyncID = try reader.readLittleEndian()
    } else {
      try reader.skip(4)
      treeID = try reader.readLittleEndian()
    }
    sessionID = try reader.readLittleEndian()
    signature = try reader.read(16)
  }

  init(_ command: SMBCommand, messageID: UInt64) {
    self.command = command
    self.messageID = messageID
  }

  func encode(into writer: inout ByteWriter) {
    writer.write(Self.protocolIdentifier)
    writer.writeLittleEndian(UInt16(Self.size))
    writer.writeLittleEndian(creditCharge)
    writer.writeLittleEndian(status.rawValue)
    writer.writeLittleEndian(command.rawValue)
    writer.writeLittleEndian(credits)
    writer.writeLittleEndian(flags.rawValue)
    writer.writeLittleEndian(nextCommand)
    writer.writeLittleEndian(messageID)
    if flags.contains(.asynchronous) {
      writer.writeLittleEndian(asyncID)
    } else {
      writer.writeLittleEndian(UInt32(0))
      writer.writeLittleEndian(treeID)
    }
    writer.writeLittleEndian(sessionID)
    writer.write(signature)
  }
}
