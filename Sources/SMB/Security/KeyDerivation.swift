// SPDX-License-Identifier: Apache-2.0

import Crypto
import Wire

/// The key derivation of SMB 3 (MS-SMB2 3.1.4.2): NIST SP 800-108 section 5.1 in counter mode with HMAC-SHA256; counter and
/// length have 32 bits.
enum KeyDerivation {
  /// - Parameter bits: 128 or 256: one round yields both.
  static func derive(_ key: SymmetricKey, label: String, context: [UInt8], bits: UInt32) -> SymmetricKey {
    var writer = ByteWriter()
    writer.writeBigEndian(UInt32(1))
    // The label ends with a zero of its own, and another one separates it from the context.
    writer.write(Array(label.utf8) + [0, 0])
    writer.write(context)
    writer.writeBigEndian(bits)
    let output = HMAC<SHA256>.authenticationCode(for: writer.bytes, using: key)
    return output.withUnsafeBytes { SymmetricKey(data: $0.prefix(Int(bits) / 8)) }
  }
}

/// The keys of one session (MS-SMB2 3.2.5.3.1).
struct SessionKeys: Sendable {
  let signing: SymmetricKey
  /// Nil where the dialect or the server has no encryption.
  let encryption: SymmetricKey?
  let decryption: SymmetricKey?
  /// What RPC services derive from: `Session.ApplicationKey`, before SMB 3 the session key itself.
  let application: SecretBytes

  /// Bytes of the session key that are used (3.2.5.3.1 `Session.SessionKey`); missing ones are zero.
  private static let sessionKeySize = 16

  /// - Parameter exported: the security context's whole session key.
  init(_ exported: SecretBytes, dialect: Dialect, cipher: Cipher?, preauthentication: PreauthenticationHash) {
    let (whole, short) = exported.withBytes { bytes in
      var padded = [UInt8](bytes.prefix(Self.sessionKeySize))
      padded += [UInt8](repeating: 0, count: Self.sessionKeySize - padded.count)
      defer { for index in padded.indices { padded[index] = 0 } }
      return (SymmetricKey(data: bytes), SymmetricKey(data: padded))
    }
    func text(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }
    switch dialect {
    case .smb202, .smb210:
      signing = short
      encryption = nil
      decryption = nil
      application = short.withUnsafeBytes { SecretBytes($0) }
    case .smb300, .smb302:
      signing = KeyDerivation.derive(short, label: "SMB2AESCMAC", context: text("SmbSign"), bits: 128)
      // The space belongs to it.
      let contexts = (text("ServerIn "), text("ServerOut"))
      encryption = cipher.map { _ in
        KeyDerivation.derive(short, label: "SMB2AESCCM", context: contexts.0, bits: 128)
      }
      decryption = cipher.map { _ in
        KeyDerivation.derive(short, label: "SMB2AESCCM", context: contexts.1, bits: 128)
      }
      application = Self.secret(KeyDerivation.derive(short, label: "SMB2APP", context: text("SmbRpc"), bits: 128))
    case .smb311:
      let context = preauthentication.value
      signing = KeyDerivation.derive(short, label: "SMBSigningKey", context: context, bits: 128)
      // AES-256 derives from the whole key (`Session.FullSessionKey`).
      func cipherKey(_ label: String) -> SymmetricKey? {
        cipher.map { cipher in
          KeyDerivation.derive(
            cipher.keyBits == 256 ? whole : short, label: label, context: context, bits: cipher.keyBits)
        }
      }
      encryption = cipherKey("SMBC2SCipherKey")
      decryption = cipherKey("SMBS2CCipherKey")
      application = Self.secret(KeyDerivation.derive(short, label: "SMBAppKey", context: context, bits: 128))
    }
  }

  private static func secret(_ key: SymmetricKey) -> SecretBytes { key.withUnsafeBytes { SecretBytes($0) } }
}
