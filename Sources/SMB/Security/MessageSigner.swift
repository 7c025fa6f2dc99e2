// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import Wire

/// Signs and verifies messages (MS-SMB2 3.1.4.1, 3.1.5.1).
struct MessageSigner: Sendable {
  let algorithm: SigningAlgorithm
  private let key: SymmetricKey

  init(_ algorithm: SigningAlgorithm, key: SymmetricKey) {
    self.algorithm = algorithm
    self.key = key
  }

  /// Sets the signed flag and the signature.
  /// - Parameter message: a whole message, header first.
  func sign(_ message: inout [UInt8]) throws {
    guard message.count >= SMBHeader.size else { throw ByteError.malformed(offset: 0, reason: "no header to sign") }
    message[Self.flagsOffset] |= UInt8(truncatingIfNeeded: SMBHeader.Flags.signed.rawValue)
    message.replaceSubrange(SMBHeader.signatureRange, with: try signature(of: message))
  }

  /// Whether the message bears its right signature; the comparison takes the same time wherever it differs.
  func verifies(_ message: [UInt8]) -> Bool {
    guard message.count >= SMBHeader.size,
      message[Self.flagsOffset] & UInt8(truncatingIfNeeded: SMBHeader.Flags.signed.rawValue) != 0,
      let expected = try? signature(of: message)
    else { return false }
    return ConstantTime.equal(expected, message[SMBHeader.signatureRange])
  }

  private static let commandOffset = 12
  private static let flagsOffset = 16
  private static let messageIDRange = 24..<32

  /// The signature of the message with zeros in the signature's place: 16 bytes.
  private func signature(of message: [UInt8]) throws -> [UInt8] {
    var message = message
    message.replaceSubrange(SMBHeader.signatureRange, with: repeatElement(0, count: SMBHeader.signatureRange.count))
    switch algorithm {
    case .hmacSHA256:
      return Array(HMAC<SHA256>.authenticationCode(for: message, using: key).prefix(16))
    case .aesCMAC:
      var code = try AES.CMAC(key: key)
      code.update(data: message)
      return Array(code.finalize())
    case .aesGMAC:
      let nonce = try AES.GCM.Nonce(data: nonce(of: message))
      return Array(try AES.GCM.seal([UInt8](), using: key, nonce: nonce, authenticating: message).tag)
    }
  }

  /// MS-SMB2 3.1.4.1: MessageId, one bit for the server's messages, one for CANCEL requests, 30 zero bits.
  private func nonce(of message: [UInt8]) -> [UInt8] {
    let isResponse = message[Self.flagsOffset] & UInt8(truncatingIfNeeded: SMBHeader.Flags.response.rawValue) != 0
    let isCancel = message[Self.commandOffset] == SMBCommand.cancel.rawValue && message[Self.commandOffset + 1] == 0
    return message[Self.messageIDRange] + [(isResponse ? 1 : 0) | (isCancel ? 2 : 0), 0, 0, 0]
  }
}
