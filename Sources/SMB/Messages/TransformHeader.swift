// SPDX-License-Identifier: Apache-2.0

import Wire

/// What stands before an encrypted message (MS-SMB2 2.2.41): ProtocolId, Signature (the tag), Nonce, OriginalMessageSize,
/// Reserved, Flags, SessionId.
struct TransformHeader: Hashable, Sendable {
  static let protocolIdentifier: [UInt8] = [0xFD, 0x53, 0x4D, 0x42]
  /// Bytes of the Nonce field; ciphers use its beginning.
  static let nonceSize = 16
  /// Of 3.1.1, `Flags`: the message is encrypted. In 3.0 the field is EncryptionAlgorithm, where 1 is AES-128-CCM.
  static let encrypted: UInt16 = 1

  var signature: [UInt8]
  var nonce: [UInt8]
  var messageSize: UInt32
  /// Zero, but covered by the tag like the rest.
  var reserved: UInt16 = 0
  var flags: UInt16
  var sessionID: UInt64

  /// - Parameter nonce: zeros are appended up to 16 bytes.
  init(signature: [UInt8] = [UInt8](repeating: 0, count: 16), nonce: [UInt8], messageSize: UInt32, sessionID: UInt64) {
    self.signature = signature
    self.nonce = nonce + [UInt8](repeating: 0, count: max(0, Self.nonceSize - nonce.count))
    self.messageSize = messageSize
    flags = Self.encrypted
    self.sessionID = sessionID
  }

  init(_ reader: inout ByteReader) throws(ByteError) {
    guard try reader.read(4) == Self.protocolIdentifier else {
      throw .malformed(offset: 0, reason: "no transform header")
    }
    signature = try reader.read(16)
    nonce = try reader.read(Self.nonceSize)
    messageSize = try reader.readLittleEndian()
    reserved = try reader.readLittleEndian()
    flags = try reader.readLittleEndian()
    sessionID = try reader.readLittleEndian()
  }

  /// What the tag covers beside the message: everything from the nonce on.
  var authenticated: [UInt8] {
    var writer = ByteWriter()
    writer.write(nonce)
    writer.writeLittleEndian(messageSize)
    writer.writeLittleEndian(reserved)
    writer.writeLittleEndian(flags)
    writer.writeLittleEndian(sessionID)
    return writer.bytes
  }

  var encoded: [UInt8] { Self.protocolIdentifier + signature + authenticated }
}
