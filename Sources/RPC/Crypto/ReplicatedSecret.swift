// SPDX-License-Identifier: Apache-2.0

import Crypto
package import Wire

/// Secrets of a reply (MS-DRSR 4.1.10.6.12 `DecryptValuesIfNecessary`, 4.1.10.2.18 `ENCRYPTED_PAYLOAD`).
package enum ReplicatedSecret {
  private static let saltLength = 16
  private static let checksumLength = 4
  /// The MD4 of a password.
  package static let ntHashLength = 16

  /// The NT hash behind a value of `unicodePwd`.
  ///
  /// The payload is a salt and, under RC4 with MD5(session key ‖ salt), a CRC-32 and the value; the value is the hash,
  /// encrypted once more with DES keys made from the account's relative identifier (MS-SAMR 2.2.11.1).
  /// - Parameters:
  ///   - payload: the attribute's value as it came.
  ///   - account: its relative identifier.
  /// - Throws: `RPCError` `badSecret` when the checksum is wrong: another key, or damage.
  package static func ntHash(
    _ payload: [UInt8], account: UInt32, sessionKey: SecretBytes
  ) throws -> LockedSecret {
    let prefix = saltLength + checksumLength
    guard payload.count == prefix + ntHashLength else {
      throw badSecret("it has \(payload.count) bytes where \(prefix + ntHashLength) are due")
    }
    // Checksum and value, then only the value.
    let plain = try LockedSecret.make(count: checksumLength + ntHashLength) { buffer in
      buffer.copyBytes(from: payload[saltLength...])
      var key = rc4Key(sessionKey, salt: payload[..<saltLength])
      defer { Zeroing.wipe(&key) }
      LegacyCiphers.rc4(key: key, buffer)
      let value = UnsafeRawBufferPointer(rebasing: buffer[checksumLength...])
      let checksum = (0..<checksumLength).reduce(UInt32(0)) { $0 | UInt32(buffer[$1]) << UInt32(8 * $1) }
      guard checksum == crc32(value) else { throw badSecret("its checksum is wrong") }
    }
    return try LockedSecret.make(count: ntHashLength) { hash in
      plain.withBytes { hash.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[checksumLength...])) }
      let (first, second) = desKeys(account)
      LegacyCiphers.decryptDES(key: first, UnsafeMutableRawBufferPointer(rebasing: hash[..<8]))
      LegacyCiphers.decryptDES(key: second, UnsafeMutableRawBufferPointer(rebasing: hash[8...]))
    }
  }

  private static func rc4Key(_ sessionKey: SecretBytes, salt: ArraySlice<UInt8>) -> [UInt8] {
    var md5 = Insecure.MD5()
    sessionKey.withBytes { md5.update(bufferPointer: $0) }
    md5.update(data: salt)
    return Array(md5.finalize())
  }

  /// MS-SAMR 2.2.11.1.3: two keys of seven bytes from a relative identifier.
  static func desKeys(_ account: UInt32) -> (first: [UInt8], second: [UInt8]) {
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: account >> UInt32(8 * $0)) }
    return ([0, 1, 2, 3, 0, 1, 2].map { bytes[$0] }, [3, 0, 1, 2, 3, 0, 1].map { bytes[$0] })
  }

  /// ISO 3309, as MS-DRSR 4.1.10.2.18 asks for.
  static func crc32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var remainder = UInt32.max
    for byte in bytes {
      remainder ^= UInt32(byte)
      for _ in 0..<8 { remainder = remainder & 1 == 0 ? remainder >> 1 : remainder >> 1 ^ 0xedb8_8320 }
    }
    return ~remainder
  }

  private static func badSecret(_ what: String) -> RPCError {
    RPCError(
      .badSecret, "A password's hash cannot be decrypted: \(what).",
      remedy: "Report this with the server's version; passwords of this account are not read.")
  }
}
