// SPDX-License-Identifier: Apache-2.0

import Crypto
import Testing
import Wire

@testable import RPC

/// What others compute for the same input. MS-DRSR and MS-SAMR publish no samples for these structures; the expected values
/// come from pycryptodomex 3, pyca/cryptography 50.0.2 and Python's hashlib over the specifications' descriptions, those of
/// replication also go back through impacket 0.13.1 to the same hash.
@Suite struct KnownAnswerTests {
  private static let key = SecretBytes((0..<16).map { UInt8($0) })
  private static let salt = (0xa0..<0xb0).map { UInt8($0) }
  private static let filling: @Sendable (Int) -> [UInt8] = { [UInt8](repeating: 0x5a, count: $0) }

  /// MS-DRSR 4.1.10.6.12 and MS-SAMR 2.2.11.1: the NT hash of "password" of three accounts. The last one's identifier has
  /// four different bytes, and the sign bit.
  @Test(
    arguments: [
      (500, "3d4bcf46ef56d6b4948d6bb4beefab6b279afcd3"), (1103, "c017fefee1f5b094a10f85d2a48aa323e823f6c4"),
      (0xfedc_ba98, "55f6ba7cd13557ac1a0891e671fcbe2047f559a1"),
    ] as [(UInt32, String)]) func replicatedHashes(account: UInt32, cipher: String) throws
  {
    let payload = Self.salt + (try #require(Hex.decode(cipher)))
    let hash = try ReplicatedSecret.ntHash(payload, account: account, sessionKey: Self.key)
    #expect(hash.withBytes { Hex.encode($0) } == "8846f7eaee8fb117ad06bdd830b7586c")
  }

  /// MS-SAMR 3.2.2.4.
  @Test func passwordsUnderAES() throws {
    let plain = try EncryptedPassword.encode(SecretBytes(Array("Pä".utf8)))
    let sealed = try EncryptedPassword.aes(
      plain, key: Self.key.withBytes { SymmetricKey(data: $0) }, salt: Self.salt, iterations: 0, random: Self.filling)
    #expect(sealed.salt == Self.salt && sealed.cipher.count == 528)
    #expect(digest(sealed.cipher) == "01832d54e3fc248c5a76658ca4a035be1cec265e44ef09aeb188934b41006688")
    #expect(
      Hex.encode(sealed.authentication)
        == "0e3e50999fe44ca5785208c251a7646aae5a8d10c5cfafe8b8f65e8cfc5022ae"
        + "3a80eaeb2c60555fbbc1437d552ad5042161a5a307467c0a7a8ca449e39c36d4")
  }

  /// MS-SAMR 3.2.2.2.
  @Test func passwordsUnderRC4() throws {
    let plain = try EncryptedPassword.encode(SecretBytes(Array("Pä".utf8)))
    let buffer = EncryptedPassword.rc4(plain, key: Self.key, random: Self.filling)
    #expect(digest(buffer) == "9a7402288ff8277c1a922c6bb3377904a1580bbb3b270710926772c85a9ab250")
  }

  /// MS-SAMR 3.2.2.5: 5000 rounds over the hash of "password".
  @Test func keysFromOldPasswords() throws {
    let old = try EncryptedPassword.encode(SecretBytes(Array("password".utf8)))
    let key = try EncryptedPassword.changeKey(oldPassword: old, salt: Self.salt, iterations: 5000)
    #expect(key.withUnsafeBytes { Hex.encode(Array($0)) } == "fd217c326c186ceb83be712271eee85f")
  }

  private func digest(_ bytes: [UInt8]) -> String { Hex.encode(Array(SHA256.hash(data: bytes))) }
}
