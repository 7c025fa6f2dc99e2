// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Part of an account (MS-SAMR 2.2.6.6 `SAMPR_USER_ALL_INFORMATION`).
package struct UserInformation: Sendable, Hashable {
  package var passwordLastSet: FileTime
  package var accountExpires: FileTime
  package var identifier: UInt32
  /// MS-SAMR 2.2.1.12: not the bits of the directory's attribute of that name.
  package var control: UInt32

  /// The union's arm 21, up to the fields kept here; what the pointers in between point to follows later.
  init(_ reader: inout NDRReader) throws(ByteError) {
    guard try reader.readPointer() else {
      throw .malformed(offset: reader.position, reason: "no information where it is promised")
    }
    let at = reader.position
    guard try reader.read(UInt16.self) == SAMClient.Level.all.rawValue else {
      throw .malformed(offset: at, reason: "another level of information than was asked for")
    }
    try reader.align(4)
    var times: [FileTime] = []
    // LastLogon, LastLogoff, PasswordLastSet, AccountExpires, PasswordCanChange, PasswordMustChange: MS-SAMR 2.2.2.2
    // OLD_LARGE_INTEGER, two halves.
    for _ in 0..<6 {
      let low = try reader.read(UInt32.self)
      let high = try reader.read(Int32.self)
      times.append(FileTime(ticks: Int64(high) << 32 | Int64(low)))
    }
    passwordLastSet = times[2]
    accountExpires = times[3]
    // Ten texts, two hashes, private data: eight bytes each; the security descriptor's length and pointer.
    try reader.skip(10 * 8 + 2 * 8 + 8 + 8)
    identifier = try reader.read()
    _ = try reader.read(UInt32.self)  // PrimaryGroupId
    control = try reader.read()
  }
}

extension SAMClient {
  /// MS-SAMR 2.2.6.28 `USER_INFORMATION_CLASS`.
  enum Level: UInt16, Sendable {
    case control = 16
    case all = 21
    case internal5New = 26
    case internal7 = 31
  }

  /// MS-SAMR 2.2.1.12 `USER_ACCOUNT` codes.
  package enum AccountControl {
    package static let disabled: UInt32 = 0x0000_0001
    package static let normal: UInt32 = 0x0000_0010
    package static let workstation: UInt32 = 0x0000_0080
    package static let autoLocked: UInt32 = 0x0000_0400
  }

  /// `SamrQueryInformationUser2`, operation 47 (3.1.5.5.5), level 21.
  package func information(of user: Object) async throws -> UserInformation {
    var writer = NDRWriter()
    user.handle.write(to: &writer)
    writer.write(Level.all.rawValue)
    return try await RemoteStatus.call(association, 47, "SamrQueryInformationUser2", writer) {
      reader throws(ByteError) in try UserInformation(&reader)
    }.value
  }

  /// `SamrSetInformationUser2`, operation 58 (3.1.5.6.4), level 16: `SAMPR_USER_CONTROL_INFORMATION`.
  package func setControl(_ control: UInt32, of user: Object) async throws {
    try await set(user, .control) { $0.write(control) }
  }

  /// The union's discriminant is two bytes; the arm follows at its own alignment.
  func set(_ user: Object, _ level: Level, _ arm: (inout NDRWriter) -> Void) async throws {
    var writer = NDRWriter()
    user.handle.write(to: &writer)
    writer.write(level.rawValue)
    writer.write(level.rawValue)
    arm(&writer)
    _ = try await RemoteStatus.call(
      association, 58, "SamrSetInformationUser2 (level \(level.rawValue))", writer
    ) { _ throws(ByteError) in }
  }
}
