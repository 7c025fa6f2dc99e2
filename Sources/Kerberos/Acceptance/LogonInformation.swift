// SPDX-License-Identifier: Apache-2.0

import Wire

/// Who a ticket is about, as the domain controller says in the ticket: `KERB_VALIDATION_INFO` (MS-PAC 2.5).
///
/// It is one NDR structure behind the two headers of a serialised type (MS-RPCE 2.2.6). Read are the account's relative
/// identifier and the domain's identifier; the strings and groups between them are stepped over:
///
///     FILETIME × 6                  LogonTime … PasswordMustChange
///     RPC_UNICODE_STRING × 6        EffectiveName … HomeDirectoryDrive
///     USHORT × 2                    LogonCount, BadPasswordCount
///     ULONG                         UserId
///     ULONG                         PrimaryGroupId
///     ULONG, PGROUP_MEMBERSHIP      GroupCount, GroupIds
///     ULONG, USER_SESSION_KEY (16)  UserFlags, UserSessionKey
///     RPC_UNICODE_STRING × 2        LogonServer, LogonDomainName
///     PISID                         LogonDomainId
///     … (60 bytes)                  Reserved1 … ResourceGroupIds
struct LogonInformation: Equatable {
  let user: SecurityIdentifier

  /// MS-RPCE 2.2.6.1 and 2.2.6.2: version 1, little-endian.
  private static let commonHeader: [UInt8] = [1, 0x10, 8, 0]
  /// What stands between LogonDomainId and the first string.
  private static let restBytes = 60
  /// Groups of one account: Windows stops at 1,015 in a token, trusts add some.
  private static let maximumGroups: UInt32 = 65_536

  init(_ bytes: [UInt8]) throws(ByteError) {
    var reader = ByteReader(bytes)
    guard try reader.read(4) == Self.commonHeader else {
      throw .malformed(offset: 0, reason: "serialisation header")
    }
    // The filler, the private header, and the pointer to the structure.
    try reader.skip(4 + 8 + 4)
    try reader.skip(6 * 8)
    let names = try Self.strings(6, &reader)
    try reader.skip(4)
    let relative: UInt32 = try reader.readLittleEndian()
    try reader.skip(4)
    let groupCount: UInt32 = try reader.readLittleEndian()
    let groups: UInt32 = try reader.readLittleEndian()
    try reader.skip(4 + 16)
    let servers = try Self.strings(2, &reader)
    let domain: UInt32 = try reader.readLittleEndian()
    try reader.skip(Self.restBytes)
    for _ in 0..<names { try Self.skipString(&reader) }
    if groups != 0 {
      try Self.align(&reader)
      let count: UInt32 = try reader.readLittleEndian()
      guard count == groupCount, count <= Self.maximumGroups else {
        throw .malformed(offset: reader.position, reason: "\(count) groups")
      }
      try reader.skip(Int(count) * 8)
    }
    for _ in 0..<servers { try Self.skipString(&reader) }
    // MS-PAC 2.5: 0 means that the account is of another domain and stands among the extra identifiers.
    guard domain != 0, relative != 0 else {
      throw .malformed(offset: reader.position, reason: "no identifier of an account of a domain")
    }
    let identifier = try Self.identifier(&reader)
    guard identifier.subAuthorities.count < SecurityIdentifier.maximumSubAuthorities else {
      throw .malformed(offset: reader.position, reason: "domain identifier with too many parts")
    }
    var writer = ByteWriter()
    writer.write([1, UInt8(identifier.subAuthorities.count + 1)])
    writer.write(identifier.bytes.dropFirst(2))
    writer.writeLittleEndian(relative)
    user = try SecurityIdentifier(writer.bytes)
  }

  /// - Returns: how many of the strings have a buffer.
  private static func strings(_ count: Int, _ reader: inout ByteReader) throws(ByteError) -> Int {
    var buffers = 0
    for _ in 0..<count {
      try reader.skip(4)
      if try reader.readLittleEndian(UInt32.self) != 0 { buffers += 1 }
    }
    return buffers
  }

  /// A conformant and varying array of UTF-16 (C706 14.3.3.4), aligned to four bytes.
  private static func skipString(_ reader: inout ByteReader) throws(ByteError) {
    try align(&reader)
    try reader.skip(8)
    let count: UInt32 = try reader.readLittleEndian()
    guard count <= UInt32(reader.remaining) / 2 else {
      throw .truncated(offset: reader.position, wanted: Int(count) * 2, available: reader.remaining)
    }
    try reader.skip(Int(count) * 2)
  }

  /// `RPC_SID` behind its conformance (MS-DTYP 2.4.2.3).
  private static func identifier(_ reader: inout ByteReader) throws(ByteError) -> SecurityIdentifier {
    try align(&reader)
    let count: UInt32 = try reader.readLittleEndian()
    guard count <= UInt32(SecurityIdentifier.maximumSubAuthorities) else {
      throw .malformed(offset: reader.position, reason: "identifier of \(count) parts")
    }
    return try SecurityIdentifier(try reader.read(8 + 4 * Int(count)))
  }

  /// Both headers are 8 bytes long each: offsets in the structure are aligned like those in the buffer.
  private static func align(_ reader: inout ByteReader) throws(ByteError) {
    try reader.skip((4 - reader.position % 4) % 4)
  }
}
