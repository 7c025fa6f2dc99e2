// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Writes the parameters of a call in NDR transfer syntax 2.0, little-endian; the counterpart of ``NDRReader``.
package struct NDRWriter: Sendable {
  private var writer = ByteWriter()
  private var lastReferent: UInt32 = 0x0002_0000

  package init() {}

  package var bytes: [UInt8] { writer.bytes }

  /// Zeros up to a multiple of the boundary, in bytes (C706 14.2.2).
  package mutating func align(_ boundary: Int) {
    let excess = writer.count % boundary
    if excess != 0 { writer.write(repeatElement(0, count: boundary - excess)) }
  }

  /// An integer at its natural alignment.
  package mutating func write<T: FixedWidthInteger>(_ value: T) {
    align(T.bitWidth / 8)
    writer.writeLittleEndian(value)
  }

  /// Bytes as they are, at whatever place.
  package mutating func writeBytes(_ bytes: some Sequence<UInt8>) { writer.write(bytes) }

  package mutating func write(_ guid: GUID) {
    align(4)
    writer.write(guid.bytes)
  }

  /// A pointer that is not null; what it points to is written later, in the order of the pointers.
  package mutating func writePointer() {
    lastReferent &+= 4
    write(lastReferent)
  }

  /// A null pointer where the condition does not hold.
  package mutating func writePointer(if present: Bool) {
    if present { writePointer() } else { write(UInt32(0)) }
  }

  /// A conformant and varying string of wide characters with its terminator.
  package mutating func write(string: String) {
    let units = Array(string.utf16) + [0]
    write(UInt32(units.count))
    write(UInt32(0))
    write(UInt32(units.count))
    for unit in units { write(unit) }
  }

  /// MS-DTYP 2.4.2.3 `RPC_SID`.
  package mutating func write(_ sid: SecurityIdentifier) {
    write(UInt32(sid.subAuthorities.count))
    writer.write(sid.bytes)
  }

  /// MS-DTYP 2.3.10 `RPC_UNICODE_STRING`: lengths in bytes and a pointer; the text follows with ``writeText(of:)``.
  package mutating func writeHeader(of text: String) {
    let length = UInt16(clamping: text.utf16.count * 2)
    align(4)
    write(length)
    write(length)
    writePointer(if: length > 0)
  }

  /// What the pointer of ``writeHeader(of:)`` points to: nothing for an empty text.
  package mutating func writeText(of text: String) {
    let units = Array(text.utf16)
    guard !units.isEmpty else { return }
    write(UInt32(units.count))
    write(UInt32(0))
    write(UInt32(units.count))
    for unit in units { write(unit) }
  }
}
