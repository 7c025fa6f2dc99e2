// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import RPC

@Suite struct NDRTests {
  @Test func alignsAndReadsBack() throws {
    var writer = NDRWriter()
    writer.write(UInt8(1))
    writer.write(UInt32(2))
    writer.write(UInt16(3))
    writer.write(UInt64(4))
    writer.write(string: "aé")
    writer.write(GUID.zero)
    #expect(
      Hex.encode(writer.bytes)
        == [
          "01000000", "02000000", "0300", "000000000000", "0400000000000000", "03000000", "00000000", "03000000",
          "6100e9000000", "0000", "00000000000000000000000000000000",
        ].joined())
    var reader = NDRReader(writer.bytes)
    #expect(try reader.read(UInt8.self) == 1)
    #expect(try reader.read(UInt32.self) == 2)
    #expect(try reader.read(UInt16.self) == 3)
    #expect(try reader.read(UInt64.self) == 4)
    #expect(try reader.readString() == "aé")
    #expect(try reader.readGUID() == .zero)
    #expect(reader.remaining == 0)
  }

  @Test func countsAreHeldAgainstWhatIsLeft() throws {
    var reader = NDRReader([0xff, 0xff, 0xff, 0xff, 0, 0])
    #expect(throws: ByteError.self) { try reader.readCount(elementSize: 1) }
    reader = NDRReader([2, 0, 0, 0, 0, 0])
    #expect(throws: ByteError.self) { try reader.readCount(elementSize: 2) }
    // A string that begins at an offset, and one longer than its array.
    reader = NDRReader([2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0x41, 0])
    #expect(throws: ByteError.self) { try reader.readString() }
    reader = NDRReader([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x41, 0])
    #expect(throws: ByteError.self) { try reader.readString() }
  }

  @Test func emptyTexts() throws {
    var writer = NDRWriter()
    writer.writeHeader(of: "")
    writer.writeText(of: "")
    #expect(Hex.encode(writer.bytes) == "0000000000000000")
    var reader = NDRReader(writer.bytes)
    let header = try UnicodeString(header: &reader)
    #expect(try header.text(&reader) == "")
  }

  @Test func identifiers() throws {
    let sid = try #require(SecurityIdentifier("S-1-5-21-1-2-3"))
    var writer = NDRWriter()
    writer.write(sid)
    #expect(Hex.encode(writer.bytes.prefix(8)) == "0400000001040000")
    var reader = NDRReader(writer.bytes)
    #expect(try reader.readSID() == sid)
  }

  /// C706 appendix L, with the values that Samba and Windows send.
  @Test func towers() throws {
    let tower = Tower(of: RPCInterface.drsuapi.syntax)
    #expect(try Tower(tower.encoded) == tower)
    #expect(
      Hex.encode(tower.encoded)
        == [
          "0500", "1300", "0d354251e3064bd111ab0400c04fc2dcd20400", "02000000", "1300",
          "0d045d888aeb1cc9119fe808002b1048600200", "02000000", "01000b02000000", "010007", "02000087", "010009",
          "040000000000",
        ].joined())
    #expect(tower.endpoint == Endpoint(host: "0.0.0.0", port: 135))
    #expect(throws: ByteError.self) { try Tower(tower.encoded.dropLast()) }
  }
}

extension Tower {
  init(_ bytes: ArraySlice<UInt8>) throws(ByteError) { try self.init(Array(bytes)) }
}
