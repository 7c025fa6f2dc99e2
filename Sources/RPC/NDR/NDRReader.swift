// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Reads the parameters of a call in NDR transfer syntax 2.0, little-endian (C706 chapter 14, MS-RPCE 2.2.4).
///
/// Alignment counts from the start of the stub. Counts come from the peer: each is held against the bytes that are left
/// before anything is allocated for it. Linked lists are read in loops, never by recursion.
package struct NDRReader: Sendable {
  private var reader: ByteReader

  package init(_ stub: [UInt8]) { reader = ByteReader(stub) }

  package var position: Int { reader.position }
  package var remaining: Int { reader.remaining }

  /// C706 14.2.2: octets up to the next multiple of the boundary are of no meaning.
  package mutating func align(_ boundary: Int) throws(ByteError) {
    let excess = reader.position % boundary
    if excess != 0 { try reader.skip(boundary - excess) }
  }

  /// An integer at its natural alignment (C706 14.2.5).
  package mutating func read<T: FixedWidthInteger>(_: T.Type = T.self) throws(ByteError) -> T {
    try align(T.bitWidth / 8)
    return try reader.readLittleEndian()
  }

  package mutating func readBytes(_ count: Int) throws(ByteError) -> [UInt8] { try reader.read(count) }

  package mutating func skip(_ count: Int) throws(ByteError) { try reader.skip(count) }

  /// MS-DTYP 2.3.4.2: a structure whose widest member has four bytes.
  package mutating func readGUID() throws(ByteError) -> GUID {
    try align(4)
    let at = reader.position
    guard let guid = GUID(try reader.read(16)) else { throw .truncated(offset: at, wanted: 16, available: 0) }
    return guid
  }

  /// C706 14.3.10: a unique pointer's referent identifier, which is zero for null. What it points to follows later.
  package mutating func readPointer() throws(ByteError) -> Bool { try read(UInt32.self) != 0 }

  /// A conformant array's size (C706 14.3.3.2).
  /// - Parameter elementSize: the least number of bytes that one element takes.
  package mutating func readCount(elementSize: Int) throws(ByteError) -> Int {
    let at = reader.position
    let count = Int(try read(UInt32.self))
    guard count <= reader.remaining / max(1, elementSize) else {
      throw .malformed(offset: at, reason: "\(count) elements announced, \(reader.remaining) bytes left")
    }
    return count
  }

  /// A conformant array's size that has to be the one that a member of the structure announced.
  package mutating func readCount(_ announced: UInt32, elementSize: Int) throws(ByteError) -> Int {
    let at = reader.position
    let count = try readCount(elementSize: elementSize)
    guard count == Int(announced) else {
      throw .malformed(offset: at, reason: "\(count) elements where \(announced) were announced")
    }
    return count
  }

  /// A conformant and varying array's actual count (C706 14.3.3.4); its offset has to be zero.
  package mutating func readVaryingCount(elementSize: Int) throws(ByteError) -> Int {
    let at = reader.position
    let maximum = try read(UInt32.self)
    let offset = try read(UInt32.self)
    let count = try readCount(elementSize: elementSize)
    guard offset == 0, count <= maximum else {
      throw .malformed(offset: at, reason: "an array of \(count) at \(offset) in \(maximum)")
    }
    return count
  }

  /// A conformant and varying string of wide characters with its terminator (C706 14.3.4.2).
  package mutating func readString() throws(ByteError) -> String {
    let count = try readVaryingCount(elementSize: 2)
    var units = try readUnits(count)
    if units.last == 0 { units.removeLast() }
    return String(decoding: units, as: UTF16.self)
  }

  /// UTF-16 code units, without any count before them.
  package mutating func readUnits(_ count: Int) throws(ByteError) -> [UInt16] {
    let bytes = try reader.read(count * 2)
    return (0..<count).map { UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8 }
  }

  /// MS-DTYP 2.4.2.3 `RPC_SID`: the sub-authorities' number, then the SID as in MS-DTYP 2.4.2.2.
  package mutating func readSID() throws(ByteError) -> SecurityIdentifier {
    let count = try readCount(elementSize: 4)
    let at = reader.position
    let bytes = try reader.read(8 + 4 * count)
    guard let sid = try? SecurityIdentifier(bytes) else {
      throw .malformed(offset: at, reason: "no security identifier")
    }
    return sid
  }

  /// The procedure's result, a status in the last four bytes of the stub (C706 14.2.11).
  package func result() throws(ByteError) -> UInt32 {
    var end = reader
    try end.seek(to: max(0, reader.end - 4))
    return try end.readLittleEndian()
  }

  /// Reads a number that can only be one: a version or the arm of a union that was asked for.
  mutating func expect(_ value: UInt32, _ what: String) throws(ByteError) {
    let at = position
    let actual = try read(UInt32.self)
    guard actual == value else { throw .malformed(offset: at, reason: "\(what) is \(actual), not \(value)") }
  }
}
