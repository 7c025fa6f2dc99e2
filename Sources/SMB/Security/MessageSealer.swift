// SPDX-License-Identifier: Apache-2.0

import Wire

/// Encrypts and decrypts whole messages under a transform header (MS-SMB2 3.1.4.3, 3.2.5.1.1).
struct MessageSealer: Sendable {
  private let outgoing: AuthenticatedEncryption
  private let incoming: AuthenticatedEncryption
  private let sessionID: UInt64
  /// MS-SMB2 2.2.41: a nonce is never used twice with a key. Keys are of one session, so a counter does.
  private var counter: UInt64

  init(
    outgoing: AuthenticatedEncryption, incoming: AuthenticatedEncryption, sessionID: UInt64, firstNonce: UInt64 = 0
  ) {
    self.outgoing = outgoing
    self.incoming = incoming
    self.sessionID = sessionID
    counter = firstNonce
  }

  mutating func seal(_ message: [UInt8]) throws -> [UInt8] {
    let (next, overflow) = counter.addingReportingOverflow(1)
    guard !overflow else { throw ByteError.malformed(offset: 0, reason: "all nonces of the session are used") }
    var writer = ByteWriter()
    writer.writeLittleEndian(counter)
    writer.write(repeatElement(0, count: outgoing.cipher.nonceSize - writer.count))
    counter = next
    return try seal(message, nonce: writer.bytes)
  }

  func seal(_ message: [UInt8], nonce: [UInt8]) throws -> [UInt8] {
    var header = TransformHeader(nonce: nonce, messageSize: UInt32(clamping: message.count), sessionID: sessionID)
    let (ciphertext, tag) = try outgoing.seal(message, nonce: nonce, authenticating: header.authenticated)
    header.signature = tag
    return header.encoded + ciphertext
  }

  /// - Returns: nil when the frame was not made by the holder of the session's key.
  /// - Throws: `ByteError` when it is no encrypted message at all.
  func open(_ frame: [UInt8]) throws(ByteError) -> [UInt8]? {
    var reader = ByteReader(frame)
    let header = try TransformHeader(&reader)
    guard header.flags == TransformHeader.encrypted else {
      throw .malformed(offset: 42, reason: "a transform header with flags \(header.flags)")
    }
    let ciphertext = reader.readRemaining()
    guard ciphertext.count == Int(header.messageSize) else {
      throw .malformed(
        offset: 36, reason: "\(ciphertext.count) encrypted bytes where \(header.messageSize) are announced")
    }
    guard header.sessionID == sessionID else { return nil }
    return incoming.open(
      ciphertext, tag: header.signature, nonce: Array(header.nonce.prefix(incoming.cipher.nonceSize)),
      authenticating: header.authenticated)
  }
}
