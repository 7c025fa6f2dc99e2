// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@Suite struct ByteTests {
  @Test func integersInBothOrders() throws {
    var reader = ByteReader([0x01, 0x02, 0x03, 0x04, 0x01, 0x02, 0x03, 0x04, 0xff, 0xff])
    #expect(try reader.readLittleEndian(UInt32.self) == 0x0403_0201)
    #expect(try reader.readBigEndian(UInt32.self) == 0x0102_0304)
    #expect(try reader.readLittleEndian(Int16.self) == -1)
    #expect(reader.isAtEnd)
  }

  @Test func writerMirrorsReader() throws {
    var writer = ByteWriter()
    writer.writeLittleEndian(UInt16(0x1234))
    writer.writeBigEndian(UInt64(0x0102_0304_0506_0708))
    writer.write([9])
    var reader = ByteReader(writer.bytes)
    #expect(try reader.readLittleEndian(UInt16.self) == 0x1234)
    #expect(try reader.readBigEndian(UInt64.self) == 0x0102_0304_0506_0708)
    #expect(reader.readRemaining() == [9])
  }

  @Test func nothingIsReadBeyondTheEnd() throws {
    var reader = ByteReader([1, 2])
    #expect(throws: ByteError.truncated(offset: 0, wanted: 4, available: 2)) {
      try reader.readLittleEndian(UInt32.self)
    }
    #expect(reader.position == 0)
    #expect(throws: ByteError.self) { try reader.skip(-1) }
    #expect(throws: ByteError.self) { try reader.skip(Int.max) }
    #expect(throws: ByteError.self) { try reader.seek(to: 3) }
    #expect(throws: ByteError.self) { try reader.seek(to: -1) }
    try reader.seek(to: 2)
    #expect(throws: ByteError.self) { try reader.readByte() }
  }

  @Test func hexRoundTrips() {
    let all = (0...255).map { UInt8($0) }
    #expect(Hex.decode(Hex.encode(all)) == all)
    #expect(Hex.decode("0") == nil && Hex.decode("0g") == nil && Hex.decode("") == [])
  }
}
