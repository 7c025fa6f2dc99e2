// SPDX-License-Identifier: Apache-2.0

import CNettle
import Testing
import Wire

@testable import RPC

@Suite struct LegacyCipherTests {
  /// RFC 6229 section 2: key 0x0102030405, offset 0 of the key stream.
  @Test func rc4() throws {
    var stream = [UInt8](repeating: 0, count: 16)
    stream.withUnsafeMutableBytes { LegacyCiphers.rc4(key: [1, 2, 3, 4, 5], $0) }
    #expect(Hex.encode(stream) == "b2396305f03dc027ccc3524a0a1118a8")
  }

  /// RFC 1320 appendix A.5.
  @Test(arguments: [
    ("", "31d6cfe0d16ae931b73c59d7e0c089c0"), ("abc", "a448017aaf21d8525fc10ae87aa6729d"),
    ("message digest", "d9130a8164549fe818874806e1c7014b"),
  ])
  func md4(_ text: String, _ digest: String) {
    #expect(Hex.encode(LegacyCiphers.md4(Array(text.utf8))) == digest)
  }

  /// NIST SP 800-17 table A.1 (variable plaintext): under the zero key (parity aside) 0x80… becomes 95f8a5e5dd31d900.
  @Test func des() throws {
    var block = try #require(Hex.decode("8000000000000000"))
    let key = [UInt8](repeating: 0, count: 7)
    block.withUnsafeMutableBytes { LegacyCiphers.encryptDES(key: key, $0) }
    #expect(Hex.encode(block) == "95f8a5e5dd31d900")
    block.withUnsafeMutableBytes { LegacyCiphers.decryptDES(key: key, $0) }
    #expect(Hex.encode(block) == "8000000000000000")
  }

  /// MS-SAMR 2.2.11.1.2: each seven bits get a byte of their own.
  @Test func spreadsKeys() {
    #expect(LegacyCiphers.spread([0xff, 0, 0, 0, 0, 0, 0]) == [0xfe, 0x80, 0, 0, 0, 0, 0, 0])
    #expect(LegacyCiphers.spread([0, 0, 0, 0, 0, 0, 0xff]) == [0, 0, 0, 0, 0, 0, 0x02, 0xfe])
  }
}

extension LegacyCiphers {
  /// The inverse of ``decryptDES(key:_:)``.
  static func encryptDES(key: [UInt8], _ block: UnsafeMutableRawBufferPointer) {
    withDES(key, block) { context, bytes in nettle_des_encrypt(&context, 8, bytes, bytes) }
  }
}
