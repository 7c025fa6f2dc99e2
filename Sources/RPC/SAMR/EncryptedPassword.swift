// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import Wire

/// Passwords as SAMR carries them.
enum EncryptedPassword {
  /// MS-SAMR 2.2.1.1 `SAM_MAX_PASSWORD_LENGTH`, in characters.
  static let maximumLength = 256
  private static let room = 2 * maximumLength

  /// The password in UTF-16LE; the caller wipes it.
  /// - Throws: when it is empty, too long or no UTF-8.
  static func encode(_ password: SecretBytes) throws(RPCError) -> [UInt8] {
    // Without a String on the way, and at its final size at once: neither could be wiped.
    var bytes: [UInt8] = []
    let isText = password.withBytes { utf8 in
      bytes.reserveCapacity(2 * utf8.count)
      return !transcode(utf8.makeIterator(), from: UTF8.self, to: UTF16.self, stoppingOnError: true) { unit in
        bytes.append(UInt8(truncatingIfNeeded: unit))
        bytes.append(UInt8(truncatingIfNeeded: unit >> 8))
      }
    }
    guard isText, (1...room).contains(bytes.count) else {
      Zeroing.wipe(&bytes)
      throw RPCError(
        .refused, "A password has to have 1 to \(maximumLength) characters.", remedy: "Choose another password.")
    }
    return bytes
  }

  /// MS-SAMR 2.2.6.22 `SAMPR_ENCRYPTED_USER_PASSWORD_NEW`: random bytes, the password at the end of 512, its length; all
  /// of it under RC4 with MD5(salt ‖ session key); then the salt (3.2.2.2).
  static func rc4(_ password: [UInt8], key: SecretBytes, random: (Int) -> [UInt8]) -> [UInt8] {
    let salt = random(16)
    // All at its final size at once: an array that grows leaves what it held behind.
    var buffer: [UInt8] = []
    buffer.reserveCapacity(room + 4 + salt.count)
    buffer += random(room - password.count)
    buffer += password
    withUnsafeBytes(of: UInt32(password.count).littleEndian) { buffer += $0 }
    var md5 = Insecure.MD5()
    md5.update(data: salt)
    key.withBytes { md5.update(bufferPointer: $0) }
    var rc4Key = Array(md5.finalize())
    defer { Zeroing.wipe(&rc4Key) }
    buffer.withUnsafeMutableBytes { LegacyCiphers.rc4(key: rc4Key, $0) }
    buffer += salt
    return buffer
  }

  /// MS-SAMR 2.2.6.32 `SAMPR_ENCRYPTED_PASSWORD_AES`.
  struct AES: Equatable {
    var authentication: [UInt8]
    var salt: [UInt8]
    var cipher: [UInt8]
    /// Zero where the key is not derived from a password.
    var iterations: UInt64

    ///     UCHAR AuthData[64]; UCHAR Salt[16]; ULONG cbCipher; [size_is(cbCipher)] PUCHAR Cipher;
    ///     ULONGLONG PBKDF2Iterations;
    ///
    /// As the structure at the end of what is written: the cipher follows at once.
    func write(to writer: inout NDRWriter, trailing: (inout NDRWriter) -> Void = { _ in }) {
      writer.align(8)
      writer.writeBytes(authentication)
      writer.writeBytes(salt)
      writer.write(UInt32(cipher.count))
      writer.writePointer()
      writer.write(iterations)
      trailing(&writer)
      writer.write(UInt32(cipher.count))
      writer.writeBytes(cipher)
    }
  }

  /// AEAD-AES-256-CBC-HMAC-SHA512 (MS-SAMR 3.2.2.4) over `SAMPR_USER_PASSWORD_AES` (2.2.6.33): the length in two bytes, the
  /// password and random bytes up to 512.
  /// - Parameter key: the session key, or one from ``changeKey(oldPassword:salt:iterations:)``.
  static func aes(
    _ password: [UInt8], key: SymmetricKey, salt: [UInt8], iterations: UInt64, random: (Int) -> [UInt8]
  ) throws -> AES {
    var plain: [UInt8] = []
    defer { Zeroing.wipe(&plain) }
    plain.reserveCapacity(room + 2)
    withUnsafeBytes(of: UInt16(password.count).littleEndian) { plain += $0 }
    plain += password
    plain += random(room - password.count)
    let encryption = derive(key, "Microsoft SAM encryption key AEAD-AES-256-CBC-HMAC-SHA512 16").prefix(32)
    let signing = derive(key, "Microsoft SAM MAC key AEAD-AES-256-CBC-HMAC-SHA512 16")
    let cipher = Array(
      try CryptoExtras.AES._CBC.encrypt(
        plain, using: SymmetricKey(data: encryption), iv: CryptoExtras.AES._CBC.IV(ivBytes: salt)))
    // The version, what it covers, the version's length.
    let covered = [1] + salt + cipher + [1]
    let tag = HMAC<SHA512>.authenticationCode(for: covered, using: SymmetricKey(data: signing))
    return AES(authentication: Array(tag), salt: salt, cipher: cipher, iterations: iterations)
  }

  /// The label goes in with its terminating zero.
  private static func derive(_ key: SymmetricKey, _ label: String) -> [UInt8] {
    Array(HMAC<SHA512>.authenticationCode(for: Array(label.utf8) + [0], using: key))
  }

  /// MS-SAMR 3.2.2.5: from the hash of the old password.
  static func changeKey(oldPassword: [UInt8], salt: [UInt8], iterations: Int) throws -> SymmetricKey {
    var hash = LegacyCiphers.md4(oldPassword)
    defer { Zeroing.wipe(&hash) }
    return try KDF.Insecure.PBKDF2.deriveKey(
      from: hash, salt: salt, using: .sha512, outputByteCount: 16, unsafeUncheckedRounds: iterations)
  }
}
