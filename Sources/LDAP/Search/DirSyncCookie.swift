// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The server's mark of how far a DirSync reader has come. Opaque by specification (MS-ADTS 3.1.1.3.4.1.3); what can be
/// read of it serves only to notice a server that went back in time.
package struct DirSyncCookie: Sendable, Hashable {
  package var bytes: [UInt8]

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package var isEmpty: Bool { bytes.isEmpty }

  /// What a cookie of version 3 says, as observed: `MSDS`, version (4), FILETIME (8), 8 bytes of zero, length of the
  /// vector (4), high watermark (object USN 8, reserved 8, property USN 8), invocationId (16), up-to-dateness vector.
  /// All integers are little-endian.
  package struct Position: Sendable, Hashable {
    package var time: FileTime
    package var usn: Int64
    package var invocationID: GUID
  }

  /// Nil for a cookie of another layout.
  package var position: Position? {
    var reader = ByteReader(bytes)
    do {
      guard try reader.read(4) == Array("MSDS".utf8), try reader.readLittleEndian(UInt32.self) == 3 else { return nil }
      let time = FileTime(ticks: try reader.readLittleEndian())
      try reader.skip(12 + 16)
      let usn: Int64 = try reader.readLittleEndian()
      guard let invocationID = GUID(try reader.read(16)) else { return nil }
      return Position(time: time, usn: usn, invocationID: invocationID)
    } catch {
      return nil
    }
  }

  /// Whether both say the same but for the time at which they were made.
  package func isSamePlace(as other: DirSyncCookie) -> Bool {
    guard position != nil, other.position != nil, bytes.count == other.bytes.count else { return self == other }
    return bytes.prefix(8) == other.bytes.prefix(8) && bytes.dropFirst(16) == other.bytes.dropFirst(16)
  }

  /// Whether the server whose database has `invocationID` has seen less than this cookie: it was rolled back without
  /// being told, and changes were lost. False when the cookie is of another database or cannot be read.
  package func isAhead(ofUSN highestCommittedUSN: Int64, invocationID: GUID) -> Bool {
    guard let position, position.invocationID == invocationID else { return false }
    return position.usn > highestCommittedUSN
  }
}
