// SPDX-License-Identifier: Apache-2.0

package import Wire

/// One value of a link attribute that came or went.
package struct LinkChange: Sendable, Hashable {
  package enum Kind: Sendable { case added, removed }
  /// The link attribute, without options.
  package var attribute: String
  package var kind: Kind
  package var target: ExtendedDN

  package init(_ attribute: String, _ kind: Kind, _ target: ExtendedDN) {
    self.attribute = attribute
    self.kind = kind
    self.target = target
  }
}

/// What a DirSync answer says of one object: the attributes that changed, not the whole object.
package struct DirectoryChange: Sendable, Hashable {
  /// `objectGUID`: stable over renames, moves and deletion.
  package var guid: GUID
  /// The name now; a deleted object's is mangled (MS-ADTS 3.1.1.5.5.1.1).
  package var dn: String
  /// The object became a tombstone; servers say it only when `isDeleted` is among the attributes or by control.
  package var isDeleted: Bool
  /// Changed attributes with all their values, links that changed by values excluded.
  package var entry: SearchEntry
  /// Link values that came or went, in no particular order; for a value that came and went only the end shows.
  package var links: [LinkChange]
  /// Attributes that lost their last value, or may not be read.
  package var cleared: [String]

  package init(
    guid: GUID, dn: String, isDeleted: Bool, entry: SearchEntry, links: [LinkChange] = [], cleared: [String] = []
  ) {
    self.guid = guid
    self.dn = dn
    self.isDeleted = isDeleted
    self.entry = entry
    self.links = links
    self.cleared = cleared
  }

  /// Reads an entry of a DirSync answer. MS-ADTS 3.1.1.3.4.1.3: with incremental values, `range=1-1` marks added and
  /// `range=0-0` removed values.
  package init(_ entry: SearchEntry) throws(ByteError) {
    let name = try ExtendedDN(Array(entry.dn.utf8))
    guard let guid = entry.guid("objectGUID") ?? name.guid else {
      throw .malformed(offset: 0, reason: "a change without objectGUID")
    }
    self.guid = guid
    dn = name.dn
    isDeleted = entry.bool("isDeleted") ?? false
    links = []
    cleared = []
    self.entry = SearchEntry(dn: name.dn, attributes: [])
    self.entry.attributes.reserveCapacity(entry.attributes.count)
    for attribute in entry.attributes {
      switch attribute.range {
      case .some(let range) where range.low == 1 && range.high == 1:
        try append(attribute, .added)
      case .some(let range) where range.low == 0 && range.high == 0:
        try append(attribute, .removed)
      case .some:
        throw .malformed(offset: 0, reason: "a change with the values \(attribute.name)")
      case nil where attribute.values.isEmpty: cleared.append(attribute.name)
      case nil: self.entry.attributes.append(attribute)
      }
    }
  }

  private mutating func append(_ attribute: Attribute, _ kind: LinkChange.Kind) throws(ByteError) {
    let name = String(attribute.type)
    links.reserveCapacity(links.count + attribute.values.count)
    for value in attribute.values { links.append(LinkChange(name, kind, try ExtendedDN(value))) }
  }

  /// Where a deleted object stood (`lastKnownParent`).
  package var lastKnownParent: ExtendedDN? {
    entry["lastKnownParent"]?.values.first.flatMap { try? ExtendedDN($0) }
  }
}
