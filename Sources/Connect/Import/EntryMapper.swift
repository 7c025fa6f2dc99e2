// SPDX-License-Identifier: Apache-2.0

package import IdentityModel
package import LDAP
import Wire

/// Makes changes of what a domain controller sends: in one walk over an entry's bytes, which holds for every entry of
/// every import.
package struct EntryMapper: Sendable {
  /// What an attribute description means.
  private enum Role: Sendable {
    /// Kept, by its place among ``names``.
    case value(Int)
    /// A link attribute, by its place among ``links``: all its values, or those that came or went (MS-ADTS
    /// 3.1.1.3.4.1.3: `range=1-1` and `range=0-0`).
    case link(Int, IdentityModel.LinkChange.Operation)
    case objectClass, objectGUID, parentGUID, isDeleted
  }

  private let roles: DescriptionTable<Role>
  /// The names in the connector space, in their order, as an encoding begins with them.
  private let names: [[UInt8]]
  private let links: [String]

  /// - Parameters:
  ///   - attributes: those that the rules name.
  ///   - links: those of them that refer to objects.
  package init(_ attributes: [String], links: [String] = ImportSelection.plain.links) {
    self.links = links
    var roles = DescriptionTable<Role>()
    let kept = Set(attributes.map { $0.lowercased() }).subtracting(links.map { $0.lowercased() } + ["objectclass"])
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    for (place, name) in kept.enumerated() { roles[name] = .value(place) }
    names = kept.map { AttributesWriter.encode(name: $0) }
    for (place, name) in links.enumerated() {
      roles[name] = .link(place, .replace)
      roles[name + ";range=1-1"] = .link(place, .add)
      roles[name + ";range=0-0"] = .link(place, .remove)
    }
    // Samba's DirSync tells the common name only as `name`, which has the same value (MS-ADA3 2.1).
    if let cn = kept.firstIndex(of: "cn"), !kept.contains("name") { roles["name"] = .value(cn) }
    roles["objectClass"] = .objectClass
    roles["objectGUID"] = .objectGUID
    roles["parentGUID"] = .parentGUID
    roles["isDeleted"] = .isDeleted
    self.roles = roles
  }

  /// A change of a DirSync answer.
  ///
  /// - Parameter isFull: the answer tells all that an object has.
  package func change(_ entry: UnparsedEntry, isFull: Bool) throws -> Change {
    var parts = try parts(of: entry)
    guard !parts.isDeleted else { return Change(anchor: parts.anchor, isDeleted: true) }
    // Values that left stand before those that came. A list without values is that of a server that tells links otherwise.
    parts.links.removeAll { $0.operation == .replace && $0.targets.isEmpty }
    parts.links.sort { $0.operation == .remove && $1.operation != .remove }
    var change = Change(
      anchor: parts.anchor, kind: parts.kind, name: parts.name, parent: parts.parent, isComplete: isFull,
      attributes: try attributes(of: parts, in: entry, keepingCleared: !isFull), links: parts.links)
    change.isRestored = parts.isRestored && !isFull
    return change
  }

  /// An entry of a search with extended names: the object as it is now.
  package func change(whole entry: SearchEntry, links operation: IdentityModel.LinkChange.Operation) throws -> Change {
    let entry = UnparsedEntry(entry)
    var parts = try parts(of: entry)
    var links: [IdentityModel.LinkChange] = []
    for name in self.links where parts.kind != .structure {
      let targets = parts.links.first { $0.attribute == name }?.targets ?? []
      if operation == .replace || !targets.isEmpty { links.append(IdentityModel.LinkChange(name, operation, targets)) }
    }
    parts.links = links
    return Change(
      anchor: parts.anchor, kind: parts.kind, name: parts.name, parent: parts.parent, isComplete: true,
      attributes: try attributes(of: parts, in: entry, keepingCleared: false), links: links)
  }

  func deletion(_ entry: SearchEntry) -> Change? {
    (entry.guid("objectGUID") ?? entry.extendedDN?.guid).map { Change(anchor: Anchor($0.bytes), isDeleted: true) }
  }

  // MARK: The walk

  private struct Parts {
    var anchor = Anchor([])
    var name: String
    var kind: ObjectKind?
    var parent: Anchor?
    var isDeleted = false
    /// `isDeleted` came without a value: it was cleared (MS-ADTS 3.1.1.5.3.7).
    var isRestored = false
    /// Where the values of each kept attribute stand; nil for those that did not come.
    var values: [Range<Int>?]
    /// About how many bytes they and their names take.
    var length = 64
    var links: [IdentityModel.LinkChange] = []
  }

  private func parts(of entry: UnparsedEntry) throws -> Parts {
    let (name, list) = try entry.read()
    var attributes = list
    var parts = Parts(name: ExtendedDN.plain(entry.bytes[name]), values: Array(repeating: nil, count: names.count))
    while let (description, found) = try attributes.next() {
      var values = found
      guard let role = roles.find(entry.bytes, description) else {
        try refuseRange(entry.bytes[description])
        continue
      }
      switch role {
      case .value(let place):
        parts.values[place] = values.position..<values.end
        parts.length += values.remaining + names[place].count
      case .link(let place, let operation):
        parts.links.append(
          IdentityModel.LinkChange(links[place], operation, try Self.targets(&values, entry.bytes)))
      case .objectClass: parts.kind = try Self.kind(&values, entry.bytes)
      case .objectGUID: parts.anchor = try Self.anchor(&values, entry.bytes) ?? parts.anchor
      case .parentGUID: parts.parent = try Self.anchor(&values, entry.bytes)
      case .isDeleted:
        parts.isRestored = values.isAtEnd
        if !values.isAtEnd { parts.isDeleted = try values.readOctetString().elementsEqual("TRUE".utf8) }
      }
    }
    if parts.anchor.bytes.isEmpty {
      guard let guid = try ExtendedDN.guid(ofName: entry.bytes[name]) else {
        throw LDAPError(
          .incomplete, "\(parts.name) came without its objectGUID.", remedy: "Let the account read objectGUID.")
      }
      parts.anchor = Anchor(guid.bytes)
    }
    return parts
  }

  /// A part of an attribute's values is not taken for the whole.
  private func refuseRange(_ description: ArraySlice<UInt8>) throws {
    guard description.contains(UInt8(ascii: ";")) else { return }
    let text = String(decoding: description, as: UTF8.self)
    guard text.lowercased().contains(";range=") else { return }
    throw LDAPError(
      .incomplete, "An answer told only a part of \(text).", remedy: "The server was asked for changes only: read anew."
    )
  }

  private func attributes(of parts: Parts, in entry: UnparsedEntry, keepingCleared: Bool) throws -> Attributes {
    var writer = AttributesWriter(capacity: parts.length)
    for (place, range) in parts.values.enumerated() {
      guard let range else { continue }
      var count = 0
      var values = BERReader(entry.bytes, range)
      while !values.isAtEnd {
        _ = try values.readContent(BERTag.octetString)
        count += 1
      }
      guard count > 0 || keepingCleared else { continue }
      writer.begin(names[place], count: count)
      values = BERReader(entry.bytes, range)
      while !values.isAtEnd {
        let value = try values.readContent(BERTag.octetString)
        entry.bytes.withUnsafeBytes { writer.append(UnsafeRawBufferPointer(rebasing: $0[value])) }
      }
    }
    return writer.attributes
  }

  private static func anchor(_ values: inout BERReader, _ bytes: [UInt8]) throws -> Anchor? {
    guard !values.isAtEnd else { return nil }
    let range = try values.readContent(BERTag.octetString)
    return range.count == 16 ? Anchor(Array(bytes[range])) : nil
  }

  private static func targets(_ values: inout BERReader, _ bytes: [UInt8]) throws -> [Anchor] {
    var targets: [Anchor] = []
    while !values.isAtEnd {
      if let guid = try ExtendedDN.guid(ofName: bytes[try values.readContent(BERTag.octetString)]) {
        targets.append(Anchor(guid.bytes))
      }
    }
    return targets
  }

  private static func kind(_ classes: inout BERReader, _ bytes: [UInt8]) throws -> ObjectKind? {
    var kind: ObjectKind?
    while !classes.isAtEnd {
      let name = bytes[try classes.readContent(BERTag.octetString)]
      if name.elementsEqual("group".utf8) { return .group }
      if name.elementsEqual("computer".utf8) { return .device }
      if name.elementsEqual("user".utf8) {
        kind = .user
      } else if name.elementsEqual("contact".utf8) {
        kind = .contact
      } else if name.elementsEqual("foreignSecurityPrincipal".utf8) {
        kind = .foreign
      } else if kind == nil {
        kind = .structure
      }
    }
    return kind
  }
}
