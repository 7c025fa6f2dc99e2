// SPDX-License-Identifier: Apache-2.0

import Wire

/// One message between a check and a stand-in, alike over TCP and UDP:
/// ```
/// magic (8) "BHSTNDIN"   version (1) = 1   kind (1)   length (2, big-endian)   body
///
/// hello     → client nonce (32), zeros
/// challenge ← server nonce (32)
/// proof     → client nonce (32), server nonce (32), code (32), port (2), zeros
/// greeting  ← code (32), StandInGreeting as JSON
/// refusal   ← reason (1)
/// ```
/// The stand-in tells a stranger nothing but that it is one; no answer is longer than its question, so that nobody can use
/// it to amplify. The server's nonce makes a recorded proof worthless for another run, the client's a recorded greeting.
struct StandInFrame: Hashable, Sendable {
  enum Kind: UInt8, Sendable { case hello = 1, challenge, proof, greeting, refusal }
  enum Refusal: UInt8, Sendable { case wrongCode = 1, replay, exhausted, version }

  static let magic = Array("BHSTNDIN".utf8)
  static let version: UInt8 = 1
  static let headerBytes = 12
  /// Bytes of a frame of each side's longest kind: a proof, and the greeting that answers it.
  static let maximumBytes = 512
  static let maximumBody = maximumBytes - headerBytes
  static let nonceBytes = 32
  static let codeBytes = 32
  /// A hello's body is padded to the size of a challenge.
  private static let helloBody = 52

  /// What a stand-in answers to whoever does not speak its protocol: a line that people and checks recognise.
  static let banner = Array("Bridgehead stand-in 1\r\n".utf8)

  var kind: Kind
  var body: [UInt8]

  var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.write(Self.magic)
    writer.write([Self.version, kind.rawValue])
    writer.writeBigEndian(UInt16(clamping: body.count))
    writer.write(body)
    return writer.bytes
  }

  /// Whether the bytes may be the beginning of a frame.
  static func isBeginning(_ bytes: [UInt8]) -> Bool { magic.starts(with: bytes.prefix(magic.count)) }

  /// - Returns: nil when the frame has not arrived whole.
  /// - Throws: ``ByteError`` `malformed`.
  init?(_ bytes: [UInt8]) throws(ByteError) {
    guard Self.isBeginning(bytes) else { throw .malformed(offset: 0, reason: "no stand-in message") }
    guard bytes.count >= Self.headerBytes else { return nil }
    var reader = ByteReader(bytes)
    try reader.skip(Self.magic.count)
    let version = try reader.readByte()
    guard version == Self.version else { throw .malformed(offset: 8, reason: "version \(version)") }
    let kind = try reader.readByte()
    guard let known = Kind(rawValue: kind) else { throw .malformed(offset: 9, reason: "message kind \(kind)") }
    let length = Int(try reader.readBigEndian(UInt16.self))
    guard length <= Self.maximumBody else { throw .malformed(offset: 10, reason: "a body of \(length) bytes") }
    guard reader.remaining >= length else { return nil }
    self.kind = known
    body = try reader.read(length)
    guard reader.isAtEnd else { throw .malformed(offset: reader.position, reason: "bytes after the message") }
  }

  init(_ kind: Kind, _ body: [UInt8]) {
    self.kind = kind
    self.body = body
  }

  static func hello(_ clientNonce: [UInt8]) -> StandInFrame {
    StandInFrame(.hello, clientNonce + [UInt8](repeating: 0, count: helloBody - clientNonce.count))
  }

  static func refusal(_ reason: Refusal) -> StandInFrame { StandInFrame(.refusal, [reason.rawValue]) }
}

/// What a proof says; the codes of both sides cover both nonces.
struct StandInProof: Hashable, Sendable {
  var clientNonce: [UInt8]
  var serverNonce: [UInt8]
  var code: [UInt8]
  /// The port that the client believes to talk to.
  var port: UInt16

  var frame: StandInFrame {
    var writer = ByteWriter()
    writer.write(clientNonce)
    writer.write(serverNonce)
    writer.write(code)
    writer.writeBigEndian(port)
    return StandInFrame(
      .proof, writer.bytes + [UInt8](repeating: 0, count: max(0, StandInFrame.maximumBody - writer.count)))
  }

  init(clientNonce: [UInt8], serverNonce: [UInt8], port: UInt16, with secret: StandInCode) {
    self.clientNonce = clientNonce
    self.serverNonce = serverNonce
    self.port = port
    code = secret.authenticate(Self.message(clientNonce, serverNonce, port))
  }

  /// - Throws: ``ByteError``.
  init(_ body: [UInt8]) throws(ByteError) {
    var reader = ByteReader(body)
    clientNonce = try reader.read(StandInFrame.nonceBytes)
    serverNonce = try reader.read(StandInFrame.nonceBytes)
    code = try reader.read(StandInFrame.codeBytes)
    port = try reader.readBigEndian()
  }

  func isAuthentic(_ secret: StandInCode) -> Bool {
    secret.isAuthentic(code, Self.message(clientNonce, serverNonce, port))
  }

  private static func message(_ clientNonce: [UInt8], _ serverNonce: [UInt8], _ port: UInt16) -> [UInt8] {
    Array("check".utf8) + [StandInFrame.version] + clientNonce + serverNonce + [UInt8(port >> 8), UInt8(port & 0xff)]
  }
}
