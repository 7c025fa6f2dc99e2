// SPDX-License-Identifier: Apache-2.0

import Crypto
import Testing
import Wire

@testable import RPC

@Suite struct SecretTests {
  /// The hash of "password", known to everyone.
  static let hash = "8846f7eaee8fb117ad06bdd830b7586c"

  /// A payload built in the other direction (MS-DRSR 4.1.10.6.12).
  static func payload(_ hash: [UInt8], account: UInt32, key: [UInt8]) -> [UInt8] {
    var value = hash
    let (first, second) = ReplicatedSecret.desKeys(account)
    value.withUnsafeMutableBytes {
      LegacyCiphers.encryptDES(key: first, UnsafeMutableRawBufferPointer(rebasing: $0[..<8]))
      LegacyCiphers.encryptDES(key: second, UnsafeMutableRawBufferPointer(rebasing: $0[8...]))
    }
    let checksum = value.withUnsafeBytes { ReplicatedSecret.crc32($0) }
    var plain = withUnsafeBytes(of: checksum.littleEndian) { Array($0) } + value
    let salt = [UInt8](0..<16)
    let rc4 = Array(Insecure.MD5.hash(data: key + salt))
    plain.withUnsafeMutableBytes { LegacyCiphers.rc4(key: rc4, $0) }
    return salt + plain
  }

  @Test(arguments: [500, 1103, UInt32.max]) func decrypts(_ account: UInt32) throws {
    let key = [UInt8](repeating: 7, count: 32)
    let payload = Self.payload(try #require(Hex.decode(Self.hash)), account: account, key: key)
    let hash = try ReplicatedSecret.ntHash(payload, account: account, sessionKey: SecretBytes(key))
    #expect(hash.withBytes { Hex.encode($0) } == Self.hash)
    // Another key, damage, another length.
    #expect(throws: RPCError.self) {
      _ = try ReplicatedSecret.ntHash(payload, account: account, sessionKey: SecretBytes([1]))
    }
    for index in payload.indices {
      var damaged = payload
      damaged[index] ^= 0x10
      #expect(throws: RPCError.self) {
        _ = try ReplicatedSecret.ntHash(damaged, account: account, sessionKey: SecretBytes(key))
      }
    }
    #expect(throws: RPCError.self) {
      _ = try ReplicatedSecret.ntHash(payload.dropLast(), account: account, sessionKey: SecretBytes(key))
    }
  }

  /// The check value of ISO 3309's CRC-32.
  @Test func crc() {
    #expect(Array("123456789".utf8).withUnsafeBytes { ReplicatedSecret.crc32($0) } == 0xcbf4_3926)
  }

  /// MS-DRSR 5.16.4 with the examples' identifiers.
  @Test func attributes() throws {
    #expect(AttributeType.unicodePwd.objectIdentifier.suffix(1) == [90])
    #expect(AttributeType.objectSid.objectIdentifier.suffix(2) == [0x81, 0x12])
    #expect(AttributeType.sAMAccountName.objectIdentifier.suffix(2) == [0x81, 0x5d])
    // A reply's own table, where the prefix has another index.
    var writer = NDRWriter()
    writer.write(UInt32(1))
    writer.write(UInt32(77))
    writer.write(UInt32(AttributeType.prefix.count))
    writer.writePointer()
    writer.write(UInt32(AttributeType.prefix.count))
    writer.writeBytes(AttributeType.prefix)
    var reader = NDRReader(writer.bytes)
    let table = try SchemaPrefixTable(&reader, count: 1)
    #expect(table.attribute(77 << 16 | 90) == .unicodePwd)
    #expect(table.attribute(9 << 16 | 90) == nil)
    #expect(SchemaPrefixTable().attribute(0x0009_005a) == .unicodePwd)
  }

  // MARK: SAMR

  @Test func encryptsForSAMR() throws {
    let key = SecretBytes([UInt8](repeating: 3, count: 16))
    let random: (Int) -> [UInt8] = { [UInt8](repeating: 0x5a, count: $0) }
    let plain = try EncryptedPassword.encode(SecretBytes(Array("Pä".utf8)))
    #expect(Hex.encode(plain) == "5000e400")
    // RC4: 512 bytes with the password at the end, its length, the salt.
    var buffer = EncryptedPassword.rc4(plain, key: key, random: random)
    #expect(buffer.count == 532 && buffer.suffix(16) == random(16)[...])
    let rc4 = Array(Insecure.MD5.hash(data: random(16) + [UInt8](repeating: 3, count: 16)))
    buffer.withUnsafeMutableBytes { LegacyCiphers.rc4(key: rc4, UnsafeMutableRawBufferPointer(rebasing: $0[..<516])) }
    #expect(Array(buffer[508..<516]) == plain + [4, 0, 0, 0])
    // AES: 514 bytes in whole blocks, and a tag that covers version, salt and cipher.
    let symmetric = key.withBytes { SymmetricKey(data: $0) }
    let sealed = try EncryptedPassword.aes(plain, key: symmetric, salt: random(16), iterations: 0, random: random)
    #expect(sealed.cipher.count == 528 && sealed.authentication.count == 64)
    let other = try EncryptedPassword.aes(plain, key: symmetric, salt: [UInt8](0..<16), iterations: 0, random: random)
    #expect(other.cipher != sealed.cipher && other.authentication != sealed.authentication)
  }

  @Test func refusesPasswordsThatCannotTravel() {
    #expect(throws: RPCError.self) { try EncryptedPassword.encode(SecretBytes([])) }
    #expect(throws: RPCError.self) { try EncryptedPassword.encode(SecretBytes([0xff])) }
    #expect(throws: RPCError.self) {
      try EncryptedPassword.encode(SecretBytes([UInt8](repeating: 0x41, count: 257)))
    }
  }
}
