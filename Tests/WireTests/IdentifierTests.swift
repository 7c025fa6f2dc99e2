// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@Suite struct GUIDTests {
  /// The DRSUAPI interface, in its packet form (MS-DRSR 1.9) and as text.
  static let bytes: [UInt8] = [
    0x35, 0x42, 0x51, 0xe3, 0x06, 0x4b, 0xd1, 0x11, 0xab, 0x04, 0x00, 0xc0, 0x4f, 0xc2, 0xdc, 0xd2,
  ]
  static let text = "e3514235-4b06-11d1-ab04-00c04fc2dcd2"

  @Test func textAndPacketFormMatch() throws {
    let guid = try #require(GUID(Self.bytes))
    #expect(guid.description == Self.text)
    #expect(GUID(Self.text) == guid)
    #expect(GUID("{\(Self.text.uppercased())}") == guid)
    #expect(guid.bytes == Self.bytes)
  }

  @Test(arguments: [
    "", "e3514235", "e3514235-4b06-11d1-ab04-00c04fc2dcd", "e351423-54b06-11d1-ab04-00c04fc2dcd2",
    "g3514235-4b06-11d1-ab04-00c04fc2dcd2",
  ])
  func otherTextIsNone(_ text: String) { #expect(GUID(text) == nil) }

  @Test func otherLengthsAreNone() {
    #expect(GUID(Self.bytes.dropLast()) == nil)
    #expect(GUID(Self.bytes + [0]) == nil)
  }
}

@Suite struct SecurityIdentifierTests {
  /// MS-DTYP 2.4.2.4: BUILTIN\Administrators.
  static let administrators: [UInt8] = [1, 2, 0, 0, 0, 0, 0, 5, 0x20, 0, 0, 0, 0x20, 0x02, 0, 0]

  @Test func wellKnown() throws {
    let sid = try SecurityIdentifier(Self.administrators)
    #expect(sid.description == "S-1-5-32-544")
    #expect(sid.bytes == Self.administrators)
    #expect(sid.relativeIdentifier == 544)
    #expect(SecurityIdentifier("S-1-5-32-544") == sid)
  }

  @Test func domainAccountRoundTrips() throws {
    let text = "S-1-5-21-3166111783-597692066-1408609194-1654"
    let sid = try #require(SecurityIdentifier(text))
    #expect(try SecurityIdentifier(sid.bytes) == sid)
    #expect(sid.description == text)
  }

  @Test func everyTruncationIsRefused() {
    for length in 0..<Self.administrators.count {
      #expect(throws: ByteError.self) { try SecurityIdentifier(Self.administrators.prefix(length)) }
    }
    #expect(throws: ByteError.self) { try SecurityIdentifier(Self.administrators + [0]) }
    #expect(throws: ByteError.self) { try SecurityIdentifier([2] + Self.administrators.dropFirst()) }
    #expect(throws: ByteError.self) {
      try SecurityIdentifier([1, 16] + [UInt8](repeating: 0, count: 6 + 64))
    }
  }

  @Test(arguments: ["", "S", "S-1", "S-2-5-32", "S-1-5-x", "S-1-5-4294967296", "X-1-5-32-544"])
  func otherTextIsNone(_ text: String) { #expect(SecurityIdentifier(text) == nil) }
}

@Suite struct FileTimeTests {
  @Test func epochs() {
    #expect(FileTime(ticks: 0).unixSeconds == -11_644_473_600)
    #expect(FileTime(unixSeconds: 0).ticks == 116_444_736_000_000_000)
    #expect(FileTime(unixSeconds: 1_700_000_000).unixSeconds == 1_700_000_000)
    #expect(FileTime(ticks: 116_444_736_000_000_001).unixSeconds == 0)
    #expect(FileTime(ticks: 116_444_735_999_999_999).unixSeconds == -1)
  }

  @Test func neverIsBothOfItsForms() {
    #expect(FileTime(ticks: 0).isNever && FileTime.never.isNever)
    #expect(!FileTime(unixSeconds: 0).isNever)
    #expect(FileTime(unixSeconds: Int64.max) == .never)
  }
}
