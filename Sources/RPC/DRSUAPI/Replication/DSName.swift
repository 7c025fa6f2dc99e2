// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The identity of an object (MS-DRSR 5.50 `DSNAME`).
///
///     unsigned long structLen; unsigned long SidLen; GUID Guid; NT4SID Sid; unsigned long NameLen;
///     [range(0, 10485761), size_is(NameLen + 1)] WCHAR StringName[];
package struct DSName: Sendable, Hashable {
  /// `NT4SID`: room for a SID of five sub-authorities.
  private static let sidRoom = 28

  package var name: String
  package var guid: GUID
  package var sid: SecurityIdentifier?

  package init(name: String, guid: GUID = .zero) {
    self.name = name
    self.guid = guid
  }

  init(_ reader: inout NDRReader) throws(ByteError) {
    let units = try reader.readCount(elementSize: 2)
    _ = try reader.read(UInt32.self)
    let sidLength = Int(try reader.read(UInt32.self))
    guid = try reader.readGUID()
    let at = reader.position
    let room = try reader.readBytes(Self.sidRoom)
    guard sidLength <= Self.sidRoom else { throw .malformed(offset: at, reason: "a SID of \(sidLength) bytes") }
    sid = sidLength == 0 ? nil : try SecurityIdentifier(room.prefix(sidLength))
    let length = Int(try reader.read(UInt32.self))
    guard length < units || (length == 0 && units == 0) else {
      throw .malformed(offset: at, reason: "a name of \(length) characters in \(units)")
    }
    name = String(decoding: try reader.readUnits(units).prefix(length), as: UTF16.self)
  }

  func write(to writer: inout NDRWriter) {
    let units = Array(name.utf16)
    writer.write(UInt32(units.count + 1))
    writer.write(UInt32(58 + 2 * units.count))
    writer.write(UInt32(0))
    writer.write(guid)
    writer.writeBytes([UInt8](repeating: 0, count: Self.sidRoom))
    writer.write(UInt32(units.count))
    for unit in units + [0] { writer.write(unit) }
  }
}
