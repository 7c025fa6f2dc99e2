// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A position in one server's sequence of changes (MS-DRSR 5.208 `USN_VECTOR`). It means something to the database with the
/// same invocation identifier only.
package struct USNVector: Sendable, Hashable {
  /// `usnHighObjUpdate`
  package var object: Int64
  package var reserved: Int64
  /// `usnHighPropUpdate`
  package var property: Int64

  /// Everything from the beginning.
  package static let zero = USNVector(object: 0, reserved: 0, property: 0)

  package init(object: Int64, reserved: Int64, property: Int64) {
    self.object = object
    self.reserved = reserved
    self.property = property
  }

  init(_ reader: inout NDRReader) throws(ByteError) {
    object = try reader.read()
    reserved = try reader.read()
    property = try reader.read()
  }

  func write(to writer: inout NDRWriter) {
    writer.write(object)
    writer.write(reserved)
    writer.write(property)
  }
}

/// What is known of the changes of each server, whoever they came from (MS-DRSR 5.203 and 5.204 `UPTODATE_VECTOR_V1_EXT`,
/// `UPTODATE_VECTOR_V2_EXT`): with it another server sends only what is new.
package struct UpToDateVector: Sendable, Hashable {
  /// UPTODATE_CURSOR (MS-DRSR): up to which update sequence number a server's changes are known.
  package struct Cursor: Sendable, Hashable {
    /// The invocation identifier of the server's database.
    package var invocation: GUID
    package var usn: Int64

    package init(invocation: GUID, usn: Int64) {
      self.invocation = invocation
      self.usn = usn
    }
  }

  package var cursors: [Cursor]

  package init(cursors: [Cursor]) { self.cursors = cursors }

  /// Version 2 has a time of the last success in each cursor, version 1 has none.
  init(_ reader: inout NDRReader) throws(ByteError) {
    let count = try reader.readCount(elementSize: 24)
    try reader.align(8)
    let at = reader.position
    let version = try reader.read(UInt32.self)
    guard version == 1 || version == 2 else {
      throw .malformed(offset: at, reason: "an up-to-dateness vector of version \(version)")
    }
    _ = try reader.read(UInt32.self)
    let announced = try reader.read(UInt32.self)
    guard Int(announced) == count else {
      throw .malformed(offset: at, reason: "\(count) cursors, \(announced) announced")
    }
    _ = try reader.read(UInt32.self)
    cursors = []
    for _ in 0..<count {
      try reader.align(8)
      cursors.append(Cursor(invocation: try reader.readGUID(), usn: try reader.read()))
      if version == 2 { _ = try reader.read(Int64.self) }
    }
  }

  func writeV1(to writer: inout NDRWriter) {
    writer.write(UInt32(cursors.count))
    writer.align(8)
    writer.write(UInt32(1))
    writer.write(UInt32(0))
    writer.write(UInt32(cursors.count))
    writer.write(UInt32(0))
    for cursor in cursors {
      writer.align(8)
      writer.write(cursor.invocation)
      writer.write(cursor.usn)
    }
  }
}
