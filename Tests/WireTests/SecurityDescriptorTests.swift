// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

/// Security descriptors as Samba's own library packs them.
@Suite struct SecurityDescriptorTests {
  /// O:DA D:P(OD;CIIO;CR;Reset Password;user;…-1104)(OA;;WP;lockoutTime;;…-1103)(A;CI;RPLCLORC;;;AU) S:(AU;SA;WP;;;WD),
  /// in the domain S-1-5-21-1-2-3.
  static let packed =
    Hex.decode(
      """
      010014901400000000000000300000004c0000000105000000000005150000000100000002000000030000000002000004001c000100000002\
      4014002000000001010000000000010000000004009c0003000000060a48000001000003000000709529006d24d011a76800aa006e0529ba7a\
      96bfe60dd011a28500aa003049e201050000000000051500000001000000020000000300000050040000050038002000000001000000bf0e63\
      28d541d111a9c10000f80367c10105000000000005150000000100000002000000030000004f04000000021400940002000101000000000005\
      0b000000
      """) ?? []

  private static let reset = GUID("00299570-246d-11d0-a768-00aa006e0529")
  private static let user = GUID("bf967aba-0de6-11d0-a285-00aa003049e2")
  private static let lockout = GUID("28630ebf-41d5-11d1-a9c1-0000f80367c1")

  @Test func readsWhatSambaPacks() throws {
    let descriptor = try SecurityDescriptor(Self.packed)
    let entries = try #require(descriptor.entries)
    #expect(descriptor.isProtected && entries.count == 3)
    #expect(
      entries[0]
        == AccessControlEntry(
          isAllowing: false, flags: [.containerInherit, .inheritOnly], mask: .controlAccess, objectType: Self.reset,
          inheritedObjectType: Self.user, trustee: try #require(SecurityIdentifier("S-1-5-21-1-2-3-1104"))))
    #expect(
      entries[1]
        == AccessControlEntry(
          isAllowing: true, mask: .writeProperty, objectType: Self.lockout,
          trustee: try #require(SecurityIdentifier("S-1-5-21-1-2-3-1103"))))
    #expect(entries[2].isAllowing && entries[2].flags == .containerInherit && entries[2].objectType == nil)
    #expect(entries[2].mask.contains([.readProperty, .listContents]) && "\(entries[2].trustee)" == "S-1-5-11")
  }

  @Test func whatAUserInherits() throws {
    let inherited = try SecurityDescriptor(Self.packed).inherited(byClass: try #require(Self.user))
    #expect(inherited.entries?.map(\.isAllowing) == [false, true])
    #expect(inherited.entries?.allSatisfy { !$0.flags.contains(.inheritOnly) } == true)
    let other = try SecurityDescriptor(Self.packed).inherited(byClass: .zero)
    #expect(other.entries?.map(\.isAllowing) == [true])
  }

  @Test func withoutAList() throws {
    // Neither SE_DACL_PRESENT nor an offset.
    #expect(try SecurityDescriptor([1, 0, 0, 0x80] + [UInt8](repeating: 0, count: 16)).entries == nil)
    // A list without entries lets nobody do anything.
    let empty: [UInt8] =
      [1, 0, 4, 0x80] + [UInt8](repeating: 0, count: 12) + [20, 0, 0, 0] + [2, 0, 8, 0, 0, 0, 0, 0]
    #expect(try SecurityDescriptor(empty).entries == [])
  }

  @Test func genericRightsAreSpelledOut() {
    #expect(AccessMask.genericAll.specific.contains([.controlAccess, .writeProperty, .readProperty]))
    #expect(AccessMask.genericWrite.specific.contains(.writeProperty))
    #expect(!AccessMask.genericWrite.specific.contains(.controlAccess))
  }

  @Test func everyTruncationIsAnError() {
    // The list stands last: whatever is cut off belongs to it.
    for length in 0..<Self.packed.count {
      #expect(throws: ByteError.self) { try SecurityDescriptor(Array(Self.packed.prefix(length))) }
    }
  }

  @Test func noByteMakesItCrash() {
    var generator = SystemRandomNumberGenerator()
    var read = 0
    for index in Self.packed.indices {
      for _ in 0..<64 {
        var bytes = Self.packed
        bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
        if (try? SecurityDescriptor(bytes)) != nil { read += 1 }
      }
    }
    #expect(read > 0)
  }
}
