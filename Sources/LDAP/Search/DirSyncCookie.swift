// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The server's mark of how far a DirSync reader has come. Opaque by specification (MS-ADTS 3.1.1.3.4.1.3); what can be
/// read of it serves only to notice a server that went back in time.
package struct DirSyncCookie: Sendable, Hashable {
  package var bytes: [UInt8]

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package var isEmpty: Bool { bytes.isEmpty }

  /// What a cookie of version 3 says, as observed: `MSDS`, version (4), FILETIME (8), 8 bytes of zero, length of the
  /// vector (4), high watermark (object USN 8, reserved 8, property USN 8), invocationId (16), up-to-dateness vector:
  /// version (4), reserved (4), count (4), reserved (4), and for each database invocationId (16) and USN (8), in version 2
  /// also the time of the last success (8). All integers are little-endian.
  package struct Position: Sendable, Hashable {
    package var time: FileTime
    package var usn: Int64
    package var invocationID: GUID
    /// Up to which number the changes of each database are known, whoever told of them (MS-DRSR 5.204
    /// `UPTODATE_VECTOR_V1_EXT`).
    package var cursors: [GUID: Int64]

    /// Up to which number the changes of a database are known; -1 when none is.
    package func usn(of database: GUID) -> Int64 {
      max(cursors[database] ?? -1, database == invocationID ? usn : -1)
    }
  }

  /// Nil for a cookie of another layout.
  package var position: Position? {
    var reader = ByteReader(bytes)
    do {
      guard try reader.read(4) == Array("MSDS".utf8), try reader.readLittleEndian(UInt32.self) == 3 else { return nil }
      let time = FileTime(ticks: try reader.readLittleEndian())
      try reader.skip(8)
      let length: UInt32 = try reader.readLittleEndian()
      try reader.skip(16)
      let usn: Int64 = try reader.readLittleEndian()
      guard let invocationID = GUID(try reader.read(16)) else { return nil }
      // A vector of another layout says nothing; the rest still does.
      let cursors = length == 0 ? [:] : (try? Self.cursors(&reader)) ?? [:]
      return Position(time: time, usn: usn, invocationID: invocationID, cursors: cursors)
    } catch {
      return nil
    }
  }

  private static func cursors(_ reader: inout ByteReader) throws(ByteError) -> [GUID: Int64] {
    let start = reader.position
    let version: UInt32 = try reader.readLittleEndian()
    guard version == 1 || version == 2 else {
      throw .malformed(offset: start, reason: "an up-to-dateness vector of version \(version)")
    }
    try reader.skip(4)
    let count: UInt32 = try reader.readLittleEndian()
    try reader.skip(4)
    var cursors: [GUID: Int64] = [:]
    // The bytes that are left end it, whatever the count says.
    for _ in 0..<count {
      let database = GUID(try reader.read(16))
      let usn: Int64 = try reader.readLittleEndian()
      if version == 2 { try reader.skip(8) }
      if let database { cursors[database] = max(usn, cursors[database] ?? usn) }
    }
    return cursors
  }

  /// Whether both say the same but for the time at which they were made.
  package func isSamePlace(as other: DirSyncCookie) -> Bool {
    guard position != nil, other.position != nil, bytes.count == other.bytes.count else { return self == other }
    return bytes.prefix(8) == other.bytes.prefix(8) && bytes.dropFirst(16) == other.bytes.dropFirst(16)
  }

  /// Whether the server whose database has `invocationID` has seen less than this cookie, which may be another server's,
  /// knows of it: it was rolled back without being told, and changes were lost. False when the cookie knows nothing of that
  /// database or cannot be read.
  package func isAhead(ofUSN highestCommittedUSN: Int64, invocationID: GUID) -> Bool {
    guard let position else { return false }
    return position.usn(of: invocationID) > highestCommittedUSN
  }
}
