// SPDX-License-Identifier: Apache-2.0

import CNettle
import Wire

/// What DRSUAPI and SAMR still demand (RC4, DES, MD4), from nettle. Nothing else may be built on these: they protect
/// secrets that travel under a sealed connection anyway.
enum LegacyCiphers {
  /// RC4 with a key of 1 to 256 bytes; encryption and decryption are the same.
  static func rc4(key: some Collection<UInt8>, _ data: UnsafeMutableRawBufferPointer) {
    var context = arcfour_ctx()
    let key = Array(key)
    precondition((1...Int(ARCFOUR_MAX_KEY_SIZE)).contains(key.count))
    nettle_arcfour_set_key(&context, key.count, key)
    guard let bytes = data.bindMemory(to: UInt8.self).baseAddress else { return }
    nettle_arcfour_crypt(&context, data.count, bytes, bytes)
    withUnsafeMutableBytes(of: &context) { Zeroing.wipe($0) }
  }

  /// One block of DES, as MS-SAMR 2.2.11.1.3 spreads seven bytes of key to eight.
  /// - Parameters:
  ///   - key: seven bytes.
  ///   - block: eight bytes, decrypted in place.
  static func decryptDES(key: [UInt8], _ block: UnsafeMutableRawBufferPointer) {
    withDES(key, block) { context, bytes in nettle_des_decrypt(&context, 8, bytes, bytes) }
  }

  static func withDES(
    _ key: [UInt8], _ block: UnsafeMutableRawBufferPointer,
    _ body: (inout des_ctx, UnsafeMutablePointer<UInt8>) -> Void
  ) {
    precondition(key.count == 7 && block.count == 8)
    var context = des_ctx()
    // Nettle refuses weak keys, yet sets them: a relative identifier may lead to one.
    _ = nettle_des_set_key(&context, spread(key))
    if let bytes = block.bindMemory(to: UInt8.self).baseAddress { body(&context, bytes) }
    withUnsafeMutableBytes(of: &context) { Zeroing.wipe($0) }
  }

  /// Seven bits of key to a byte; the lowest bit is parity, which DES ignores.
  static func spread(_ key: [UInt8]) -> [UInt8] {
    let bits = key.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return (0..<8).map { UInt8(truncatingIfNeeded: bits >> UInt64(49 - 7 * $0) & 0x7f) << 1 }
  }

  /// MD4 (RFC 1320), 16 bytes: the NT hash is that of the password in UTF-16LE (MS-NLMP 3.3.1 NTOWFv1).
  static func md4(_ data: [UInt8]) -> [UInt8] {
    var context = md4_ctx()
    nettle_md4_init(&context)
    nettle_md4_update(&context, data.count, data)
    var digest = [UInt8](repeating: 0, count: Int(MD4_DIGEST_SIZE))
    nettle_md4_digest(&context, digest.count, &digest)
    withUnsafeMutableBytes(of: &context) { Zeroing.wipe($0) }
    return digest
  }
}
