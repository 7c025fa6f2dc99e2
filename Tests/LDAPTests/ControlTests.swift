// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import LDAP

@Suite struct ControlTests {
  @Test func pagedResults() throws {
    let control = PagedResults(size: 1000, cookie: [1, 2, 3]).control
    #expect(control.type == .pagedResults && control.isCritical)
    #expect(control.value == hex("3009 020203e8 0403010203"))
    #expect(try PagedResults(control) == PagedResults(size: 1000, cookie: [1, 2, 3]))
    #expect(throws: ByteError.self) { try PagedResults(Control(.pagedResults, isCritical: false)) }
  }

  @Test func dirSync() throws {
    let control = DirSyncControl.request(
      flags: [.ancestorsFirst, .incrementalValues], maximumBytes: 1, cookie: [0xAA])
    #expect(control.value == hex("300c 020480000800 020101 0401aa"))
    let answer = Control(.dirSync, isCritical: false, value: hex("3009 020101 020100 0401bb"))
    let (hasMore, cookie) = try DirSyncControl.response(answer)
    #expect(hasMore && cookie == [0xBB])
  }

  static let guid = GUID("3f2504e0-4f89-11d3-9a0c-0305e82c3301")
  static let sid = SecurityIdentifier("S-1-5-21-1-2-3-500")

  @Test(arguments: [
    ("CN=a,DC=b", nil, nil, "CN=a,DC=b"),
    ("<GUID=3f2504e0-4f89-11d3-9a0c-0305e82c3301>;CN=a", guid, nil, "CN=a"),
    ("<GUID=3F2504E0-4F89-11D3-9A0C-0305E82C3301>;<SID=S-1-5-21-1-2-3-500>;CN=a;b", guid, sid, "CN=a;b"),
    ("<GUID=e004253f894fd3119a0c0305e82c3301>;CN=a", guid, nil, "CN=a"),
    (
      "<GUID=e004253f894fd3119a0c0305e82c3301>;<SID=010500000000000515000000010000000200000003000000f4010000>;CN=Ä",
      guid,
      sid, "CN=Ä"
    ),
    ("<GUID=3f2504e0-4f89-11d3-9a0c-0305e82c3301>;<RMD_FLAGS=0>;CN=a", guid, nil, "CN=a"),
    ("<GUID=3f2504e0-4f89-11d3-9a0c-0305e82c3301>", guid, nil, ""),
    ("", nil, nil, ""),
  ])
  func extendedNames(text: String, guid: GUID?, sid: SecurityIdentifier?, dn: String) throws {
    #expect(try ExtendedDN(Array(text.utf8)) == ExtendedDN(guid: guid, sid: sid, dn: dn))
  }

  @Test(arguments: [
    "<GUID=3f2504e0>;CN=a", "<GUID=3f2504e0-4f89-11d3-9a0c-0305e82c330>;CN=a", "<SID=S-1>;CN=a", "<GUID=", "<",
    "<GUID=3f2504e0-4f89-11d3-9a0c-0305e82c33zz>;CN=a",
  ])
  func refusesBrokenNames(text: String) {
    #expect(throws: ByteError.self) { try ExtendedDN(Array(text.utf8)) }
  }

  /// Recorded from Samba 4.17 when its highest USN was 4654.
  @Test func cookies() throws {
    let cookie = DirSyncCookie(
      hex(
        """
        4d534453 03000000 00cf26ea8d7bdd01 00000000 00000000 28000000
        2e12000000000000 0000000000000000 2e12000000000000  # high watermark
        28ee2445dd756c4aacfc548cc4efeb12                    # invocationId
        01000000 00000000 01000000 00000000 28ee2445dd756c4aacfc548cc4efeb12 2e12000000000000
        """))
    let position = try #require(cookie.position)
    let database = try #require(GUID("4524ee28-75dd-4a6c-acfc-548cc4efeb12"))
    #expect(position.usn == 4654 && position.invocationID == database)
    #expect(position.time.unixSeconds == 1_795_466_550 || position.time.unixSeconds > 1_700_000_000)
    #expect(cookie.isAhead(ofUSN: 4653, invocationID: database))
    #expect(!cookie.isAhead(ofUSN: 4654, invocationID: database))
    #expect(!cookie.isAhead(ofUSN: 1, invocationID: someGUID))
    #expect(position.cursors == [database: 4654])
    #expect(DirSyncCookie([]).position == nil && DirSyncCookie([1, 2, 3]).position == nil)
  }

  /// What a cookie says of other servers than the one that made it, as Samba's layout has it (`ldapControlDirSyncCookie` and
  /// `replUpToDateVectorBlob` in its drsblobs.idl), in both versions of the vector.
  @Test(arguments: [1, 2]) func cookiesKnowOtherServers(version: Int) throws {
    let time = version == 2 ? "0000000000000001" : ""
    let cookie = DirSyncCookie(
      hex(
        """
        4d534453 03000000 00cf26ea8d7bdd01 00000000 00000000 \(version == 2 ? "50" : "40")000000
        2e12000000000000 0000000000000000 2e12000000000000
        28ee2445dd756c4aacfc548cc4efeb12
        0\(version)000000 00000000 02000000 00000000
        28ee2445dd756c4aacfc548cc4efeb12 2f12000000000000 \(time)
        e004253f894fd3119a0c0305e82c3301 8813000000000000 \(time)
        """))
    let first = try #require(GUID("4524ee28-75dd-4a6c-acfc-548cc4efeb12"))
    let second = try #require(GUID("3f2504e0-4f89-11d3-9a0c-0305e82c3301"))
    let position = try #require(cookie.position)
    #expect(position.cursors == [first: 4655, second: 5000])
    #expect(position.usn(of: first) == 4655 && position.usn(of: second) == 5000 && position.usn(of: .zero) == -1)
    // The second server, rolled back: the first one's cookie vouches for more of it than it has.
    #expect(cookie.isAhead(ofUSN: 4999, invocationID: second) && !cookie.isAhead(ofUSN: 5000, invocationID: second))
    // Cut off or of a count that nothing follows, the vector says nothing; the rest still does.
    var cut = cookie.bytes
    cut.removeLast(1)
    #expect(DirSyncCookie(cut).position?.cursors == [:] && DirSyncCookie(cut).position?.usn == 4654)
    var endless = cookie.bytes
    endless.replaceSubrange(76..<80, with: [0xFF, 0xFF, 0xFF, 0xFF])
    #expect(DirSyncCookie(endless).position?.cursors == [:])
  }

  @Test(arguments: [
    ("range=0-1499", 0, 1499), ("RANGE=1500-*", 1500, nil), ("range=0-0", 0, 0),
  ])
  func ranges(option: String, low: Int, high: Int?) throws {
    let range = try #require(ValueRange(option: option))
    #expect(range.low == low && range.high == high)
  }

  @Test(arguments: [
    "range", "range=", "range=a-b", "range=5-4", "range=-1-4", "binary", "range=1-2-3", "range=99999999999999999999-*",
  ])
  func refusesRanges(option: String) { #expect(ValueRange(option: option) == nil) }

  @Test func changesOfObjects() throws {
    let link = "<GUID=3f2504e0-4f89-11d3-9a0c-0305e82c3301>;<SID=S-1-5-21-1-2-3-500>;CN=u,DC=x"
    let entry = SearchEntry(
      dn: "<GUID=3f2504e0-4f89-11d3-9a0c-0305e82c3301>;CN=g,DC=x",
      attributes: [
        Attribute("member;range=1-1", [link]), Attribute("member;range=0-0", [link, link]),
        Attribute("mail", [String]()), Attribute("displayName", ["G"]),
      ])
    let change = try DirectoryChange(entry)
    let target = ExtendedDN(guid: Self.guid, sid: Self.sid, dn: "CN=u,DC=x")
    #expect(change.guid == Self.guid && change.dn == "CN=g,DC=x" && !change.isDeleted)
    #expect(
      change.links == [
        LinkChange("member", .added, target), LinkChange("member", .removed, target),
        LinkChange("member", .removed, target),
      ])
    #expect(change.cleared == ["mail"])
    #expect(change.entry.attributes == [Attribute("displayName", ["G"])])
    #expect(throws: ByteError.self) { try DirectoryChange(SearchEntry(dn: "CN=x", attributes: [])) }
    #expect(throws: ByteError.self) {
      try DirectoryChange(SearchEntry(dn: entry.dn, attributes: [Attribute("member;range=0-1499", [link])]))
    }
  }

  @Test(arguments: [
    ("19700101000000.0Z", Int64(0)), ("20240229123456.0Z", 1_709_210_096), ("20000101000000Z", 946_684_800),
    ("16010101000000.0Z", -11_644_473_600),
  ])
  func times(text: String, seconds: Int64) { #expect(GeneralizedTime.unixSeconds(text) == seconds) }

  @Test(arguments: ["", "2024", "20241301000000Z", "20240101000000+0100", "20230229000000Z", "2024010100000Z"])
  func refusesTimes(text: String) { #expect(GeneralizedTime.unixSeconds(text) == nil) }
}
