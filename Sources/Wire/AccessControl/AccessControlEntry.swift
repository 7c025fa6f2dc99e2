// SPDX-License-Identifier: Apache-2.0

/// MS-ADTS 5.1.3.2: what an entry allows or denies on an object of the directory.
package struct AccessMask: OptionSet, Sendable, Hashable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let listContents = AccessMask(rawValue: 0x0000_0004)
  package static let readProperty = AccessMask(rawValue: 0x0000_0010)
  package static let writeProperty = AccessMask(rawValue: 0x0000_0020)
  package static let controlAccess = AccessMask(rawValue: 0x0000_0100)
  package static let genericAll = AccessMask(rawValue: 0x1000_0000)
  package static let genericRead = AccessMask(rawValue: 0x8000_0000)
  package static let genericWrite = AccessMask(rawValue: 0x4000_0000)

  /// With generic rights spelled out (MS-ADTS 5.1.3.2): entries that are only inherited may still have them.
  package var specific: AccessMask {
    var mask = self
    if contains(.genericAll) { mask.formUnion(AccessMask(rawValue: 0x000f_01ff)) }
    if contains(.genericRead) { mask.formUnion([.readProperty, .listContents, AccessMask(rawValue: 0x0002_0080)]) }
    if contains(.genericWrite) { mask.formUnion([.writeProperty, AccessMask(rawValue: 0x0002_0008)]) }
    return mask
  }
}

/// An entry of an access control list (MS-DTYP 2.4.4) that allows or denies; audit entries are not read.
///
///     UCHAR AceType; UCHAR AceFlags; USHORT AceSize;     ACE_HEADER, 2.4.4.1
///     ACCESS_MASK Mask;
///     DWORD Flags; GUID ObjectType; GUID InheritedObjectType;     object entries only, 2.4.4.3
///     SID Sid;
package struct AccessControlEntry: Sendable, Hashable {
  package struct Flags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `CONTAINER_INHERIT_ACE`: objects below inherit the entry.
    package static let containerInherit = Flags(rawValue: 0x02)
    /// `INHERIT_ONLY_ACE`: it does not count for the object itself.
    package static let inheritOnly = Flags(rawValue: 0x08)
  }

  package var isAllowing: Bool
  package var flags: Flags
  package var mask: AccessMask
  /// The property, property set or extended right that it is about; nil for all.
  package var objectType: GUID?
  /// The class of the objects that inherit it; nil for all.
  package var inheritedObjectType: GUID?
  package var trustee: SecurityIdentifier

  package init(
    isAllowing: Bool, flags: Flags = [], mask: AccessMask, objectType: GUID? = nil, inheritedObjectType: GUID? = nil,
    trustee: SecurityIdentifier
  ) {
    self.isAllowing = isAllowing
    self.flags = flags
    self.mask = mask
    self.objectType = objectType
    self.inheritedObjectType = inheritedObjectType
    self.trustee = trustee
  }

  /// Reads one entry, which is exactly the bytes from `AceType` to its end.
  /// - Returns: nil for an entry that neither allows nor denies, and for one that allows under a condition: it is not
  ///   known here whether that holds. One that denies under a condition is read as denying.
  init?(_ bytes: [UInt8]) throws(ByteError) {
    var reader = ByteReader(bytes)
    let type = try reader.readByte()
    flags = Flags(rawValue: try reader.readByte())
    try reader.skip(2)
    // MS-DTYP 2.4.4.1: 0, 5 allow; 1, 6 deny; 0x0a, 0x0c deny under a condition. 5, 6 and 0x0c are object entries.
    switch type {
    case 0, 5: isAllowing = true
    case 1, 6, 0x0a, 0x0c: isAllowing = false
    default: return nil
    }
    mask = AccessMask(rawValue: try reader.readLittleEndian())
    if type == 5 || type == 6 || type == 0x0c {
      let present = try reader.readLittleEndian() as UInt32
      if present & 1 != 0 { objectType = GUID(try reader.read(16)) }
      if present & 2 != 0 { inheritedObjectType = GUID(try reader.read(16)) }
    }
    let start = reader.position
    try reader.skip(1)
    let count = Int(try reader.readByte())
    try reader.seek(to: start)
    // What follows the identifier is application data.
    trustee = try SecurityIdentifier(try reader.read(8 + 4 * count))
  }
}
