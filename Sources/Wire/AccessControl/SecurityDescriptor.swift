// SPDX-License-Identifier: Apache-2.0

/// A security descriptor in its self-relative form (MS-DTYP 2.4.6): of its parts, the list of who may do what.
///
///     UCHAR Revision; UCHAR Sbz1; USHORT Control;
///     DWORD OffsetOwner; DWORD OffsetGroup; DWORD OffsetSacl; DWORD OffsetDacl;
package struct SecurityDescriptor: Sendable, Hashable {
  /// Nil where there is no list at all: then everybody may do everything (MS-DTYP 2.5.3.2).
  package var entries: [AccessControlEntry]?
  /// Whether entries from above are kept off (`SE_DACL_PROTECTED`).
  package var isProtected: Bool

  /// MS-DTYP 2.4.6 `Control`.
  private static let listPresent: UInt16 = 0x0004
  private static let listProtected: UInt16 = 0x1000

  package init(entries: [AccessControlEntry]?, isProtected: Bool = false) {
    self.entries = entries
    self.isProtected = isProtected
  }

  package init(_ bytes: [UInt8]) throws(ByteError) {
    var reader = ByteReader(bytes)
    let revision = try reader.readByte()
    guard revision == 1 else { throw .malformed(offset: 0, reason: "security descriptor of revision \(revision)") }
    try reader.skip(1)
    let control = try reader.readLittleEndian() as UInt16
    try reader.skip(12)
    let offset = try reader.readLittleEndian() as UInt32
    isProtected = control & Self.listProtected != 0
    guard control & Self.listPresent != 0, offset != 0 else {
      entries = nil
      return
    }
    try reader.seek(to: Int(offset))
    entries = try Self.list(&reader)
  }

  /// MS-DTYP 2.4.5: `UCHAR AclRevision; UCHAR Sbz1; USHORT AclSize; USHORT AceCount; USHORT Sbz2;`
  private static func list(_ reader: inout ByteReader) throws(ByteError) -> [AccessControlEntry] {
    try reader.skip(4)
    let count = try reader.readLittleEndian() as UInt16
    try reader.skip(2)
    var entries: [AccessControlEntry] = []
    for _ in 0..<count {
      let start = reader.position
      try reader.skip(2)
      let size = Int(try reader.readLittleEndian() as UInt16)
      guard size >= 4 else { throw .malformed(offset: start + 2, reason: "an access control entry of \(size) bytes") }
      try reader.seek(to: start)
      if let entry = try AccessControlEntry(try reader.read(size)) { entries.append(entry) }
    }
    return entries
  }

  /// What an object of a class inherits when it is made below this one (MS-ADTS 6.1.3): entries that containers
  /// inherit, for all classes or for this one.
  package func inherited(byClass type: GUID) -> SecurityDescriptor {
    SecurityDescriptor(
      entries: entries?.filter { entry in
        entry.flags.contains(.containerInherit)
          && (entry.inheritedObjectType == nil || entry.inheritedObjectType == type)
      }.map { entry in
        var entry = entry
        entry.flags.remove(.inheritOnly)
        return entry
      })
  }
}
