// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import LDAP

@Suite struct BERTests {
  @Test(arguments: [
    (Int64(0), "020100"), (127, "02017f"), (128, "02020080"), (256, "02020100"), (-1, "0201ff"), (-128, "020180"),
    (-129, "0202ff7f"), (2_147_483_647, "02047fffffff"), (-2_147_483_648, "020480000000"),
    (Int64.max, "02087fffffffffffffff"), (Int64.min, "02088000000000000000"),
  ])
  func integers(value: Int64, encoded: String) throws {
    var writer = BERWriter()
    writer.integer(value)
    #expect(Hex.encode(writer.bytes) == encoded)
    var reader = BERReader(hex(encoded))
    #expect(try reader.readInteger() == value)
    #expect(reader.isAtEnd)
  }

  @Test(arguments: [0, 1, 127, 128, 255, 256, 65_535, 65_536, 16_777_216])
  func lengths(count: Int) throws {
    var writer = BERWriter()
    writer.constructed { $0.octetString([UInt8](repeating: 7, count: count)) }
    var reader = BERReader(writer.bytes)
    var content = try reader.enter()
    #expect(try content.readOctetString().count == count)
    #expect(content.isAtEnd && reader.isAtEnd)
  }

  /// Active Directory always writes lengths in four octets.
  @Test func lengthsNeedNotBeMinimal() throws {
    var reader = BERReader(hex("30 84 00 00 00 03 02 01 05"))
    var content = try reader.enter()
    #expect(try content.readInteger() == 5)
    var long = BERReader(hex("04 88 00 00 00 00 00 00 00 01 61"))
    #expect(try Array(long.readOctetString()) == [0x61])
  }

  @Test(arguments: [
    "", "04", "04 05 61", "04 81", "04 84 ff ff ff ff 00", "04 88 7f ff ff ff ff ff ff ff 00", "04 89 00",
    "04 80 61 00 00",
    "1f 81 00 01 61", "24 03 04 01 61", "02 00", "02 09 00 00 00 00 00 00 00 00 00",
  ])
  func refuses(bytes: String) {
    var reader = BERReader(hex(bytes))
    #expect(throws: ByteError.self) {
      if reader.nextTag == BERTag.integer { _ = try reader.readInteger() } else { _ = try reader.readOctetString() }
    }
  }

  @Test func nestingIsBounded() {
    var bytes: [UInt8] = []
    for _ in 0..<1000 {
      var writer = BERWriter()
      writer.octetString(bytes, BERTag.sequence)
      bytes = writer.bytes
    }
    var reader = BERReader(bytes)
    var depth = 0
    #expect(throws: ByteError.self) {
      while true {
        reader = try reader.enter()
        depth += 1
      }
    }
    #expect(depth == LDAPLimits.standard.nestingDepth)
  }
}
