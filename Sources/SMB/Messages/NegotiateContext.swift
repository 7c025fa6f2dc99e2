// SPDX-License-Identifier: Apache-2.0

import Wire

/// One entry of the list behind a NEGOTIATE of SMB 3.1.1 (MS-SMB2 2.2.3.1, 2.2.4.1): ContextType, DataLength, Reserved,
/// Data; each begins at a multiple of eight bytes.
enum NegotiateContext: Hashable, Sendable {
  /// 2.2.3.1.1 SMB2_PREAUTH_INTEGRITY_CAPABILITIES: hash algorithms (1 is SHA-512) and a salt.
  case preauthenticationIntegrity(hashes: [UInt16], salt: [UInt8])
  /// 2.2.3.1.2 SMB2_ENCRYPTION_CAPABILITIES: ciphers, most wanted first; 0 in an answer means none in common.
  case encryption([UInt16])
  /// 2.2.3.1.7 SMB2_SIGNING_CAPABILITIES: signing algorithms, most wanted first.
  case signing([UInt16])
  /// One that is not needed here.
  case other(type: UInt16, data: [UInt8])

  static let sha512: UInt16 = 1

  private enum Kind {
    static let preauthenticationIntegrity: UInt16 = 1
    static let encryption: UInt16 = 2
    static let signing: UInt16 = 8
  }

  private init(type: UInt16, data: [UInt8]) throws(ByteError) {
    var reader = ByteReader(data)
    switch type {
    case Kind.preauthenticationIntegrity:
      let count: UInt16 = try reader.readLittleEndian()
      let saltLength: UInt16 = try reader.readLittleEndian()
      let hashes = try Self.numbers(count, &reader)
      self = .preauthenticationIntegrity(hashes: hashes, salt: try reader.read(Int(saltLength)))
    case Kind.encryption:
      let count: UInt16 = try reader.readLittleEndian()
      self = .encryption(try Self.numbers(count, &reader))
    case Kind.signing:
      let count: UInt16 = try reader.readLittleEndian()
      self = .signing(try Self.numbers(count, &reader))
    default: self = .other(type: type, data: data)
    }
  }

  private static func numbers(_ count: UInt16, _ reader: inout ByteReader) throws(ByteError) -> [UInt16] {
    var numbers: [UInt16] = []
    for _ in 0..<count { numbers.append(try reader.readLittleEndian()) }
    return numbers
  }

  private var encoded: (type: UInt16, data: [UInt8]) {
    var writer = ByteWriter()
    switch self {
    case .preauthenticationIntegrity(let hashes, let salt):
      writer.writeLittleEndian(UInt16(clamping: hashes.count))
      writer.writeLittleEndian(UInt16(clamping: salt.count))
      for hash in hashes { writer.writeLittleEndian(hash) }
      writer.write(salt)
      return (Kind.preauthenticationIntegrity, writer.bytes)
    case .encryption(let numbers), .signing(let numbers):
      writer.writeLittleEndian(UInt16(clamping: numbers.count))
      for number in numbers { writer.writeLittleEndian(number) }
      if case .encryption = self { return (Kind.encryption, writer.bytes) }
      return (Kind.signing, writer.bytes)
    case .other(let type, let data): return (type, data)
    }
  }

  // MARK: - Lists

  /// Reads `count` entries that begin at `offset` from the header's start.
  static func list(_ message: SMBMessage, offset: Int, count: Int) throws(ByteError) -> [NegotiateContext] {
    guard count > 0 else { return [] }
    guard count <= SMBLimits.negotiateContexts else {
      throw .malformed(offset: offset, reason: "\(count) negotiate contexts")
    }
    guard offset >= SMBHeader.size else {
      throw .malformed(offset: offset, reason: "negotiate contexts that begin inside the header")
    }
    var reader = ByteReader(message.bytes)
    try reader.seek(to: offset)
    var contexts: [NegotiateContext] = []
    for index in 0..<count {
      if index > 0 { try reader.skip(Self.padding(reader.position)) }
      let type: UInt16 = try reader.readLittleEndian()
      let length: UInt16 = try reader.readLittleEndian()
      try reader.skip(4)
      contexts.append(try NegotiateContext(type: type, data: try reader.read(Int(length))))
    }
    return contexts
  }

  /// Appends the entries; the writer holds the message from the header's start.
  static func encode(_ contexts: [NegotiateContext], into writer: inout ByteWriter) {
    for context in contexts {
      writer.write([UInt8](repeating: 0, count: padding(writer.count)))
      let (type, data) = context.encoded
      writer.writeLittleEndian(type)
      writer.writeLittleEndian(UInt16(clamping: data.count))
      writer.writeLittleEndian(UInt32(0))
      writer.write(data)
    }
  }

  static func padding(_ position: Int) -> Int { (8 - position % 8) % 8 }
}
