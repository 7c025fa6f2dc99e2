// SPDX-License-Identifier: Apache-2.0

import CNettle
import Crypto
import Wire

/// The ciphers of ``Cipher`` as one pair of functions: GCM from swift-crypto, CCM from nettle.
struct AuthenticatedEncryption: Sendable {
  let cipher: Cipher
  private let key: SymmetricKey

  /// - Parameter key: of the cipher's ``Cipher/keyBits``; nil for any other length.
  init?(_ cipher: Cipher, key: SymmetricKey) {
    guard key.bitCount == Int(cipher.keyBits) else { return nil }
    self.cipher = cipher
    self.key = key
  }

  /// - Parameter nonce: of the cipher's ``Cipher/nonceSize``.
  func seal(
    _ message: [UInt8], nonce: [UInt8], authenticating data: [UInt8]
  ) throws -> (ciphertext: [UInt8], tag: [UInt8]) {
    switch cipher {
    case .aes128GCM, .aes256GCM:
      let box = try AES.GCM.seal(message, using: key, nonce: AES.GCM.Nonce(data: nonce), authenticating: data)
      return (Array(box.ciphertext), Array(box.tag))
    case .aes128CCM, .aes256CCM:
      guard nonce.count == cipher.nonceSize else {
        throw ByteError.malformed(offset: 0, reason: "a nonce of \(nonce.count) bytes")
      }
      var output = [UInt8](repeating: 0, count: message.count + Cipher.tagSize)
      key.withUnsafeBytes { key in
        let key = key.bindMemory(to: UInt8.self).baseAddress
        if cipher == .aes128CCM {
          bridgehead_aes128_ccm_encrypt(key, nonce.count, nonce, data.count, data, message.count, &output, message)
        } else {
          bridgehead_aes256_ccm_encrypt(key, nonce.count, nonce, data.count, data, message.count, &output, message)
        }
      }
      return (Array(output.dropLast(Cipher.tagSize)), Array(output.suffix(Cipher.tagSize)))
    }
  }

  /// - Returns: nil when the tag does not fit.
  func open(_ ciphertext: [UInt8], tag: [UInt8], nonce: [UInt8], authenticating data: [UInt8]) -> [UInt8]? {
    guard nonce.count == cipher.nonceSize, tag.count == Cipher.tagSize else { return nil }
    switch cipher {
    case .aes128GCM, .aes256GCM:
      guard
        let box = try? AES.GCM.SealedBox(nonce: AES.GCM.Nonce(data: nonce), ciphertext: ciphertext, tag: tag),
        let plain = try? AES.GCM.open(box, using: key, authenticating: data)
      else { return nil }
      return Array(plain)
    case .aes128CCM, .aes256CCM:
      let input = ciphertext + tag
      var output = [UInt8](repeating: 0, count: ciphertext.count)
      let isRight = key.withUnsafeBytes { key in
        let key = key.bindMemory(to: UInt8.self).baseAddress
        return cipher == .aes128CCM
          ? bridgehead_aes128_ccm_decrypt(
            key, nonce.count, nonce, data.count, data, ciphertext.count, &output, input)
          : bridgehead_aes256_ccm_decrypt(
            key, nonce.count, nonce, data.count, data, ciphertext.count, &output, input)
      }
      return isRight == 1 ? output : nil
    }
  }
}
