// SPDX-License-Identifier: Apache-2.0

package import IdentityModel
package import LDAP
import Wire

/// Makes changes of what a domain controller sends.
package struct EntryMapper: Sendable {
  /// The attributes that are kept, by the spelling of the schema; the values are the names in the connector space.
  private let names: [String: String]
  private static let links: Set<String> = Set(DefaultRules.links.values.flatMap(\.keys))

  /// - Parameter attributes: those that the rules name, as the schema spells them.
  package init(_ attributes: [String]) {
    var names: [String: String] = [:]
    for name in attributes where !Self.links.contains(name) && name != "objectClass" {
      names[name] = name.lowercased()
    }
    self.names = names
  }

  /// A change of a DirSync answer.
  package func change(_ change: DirectoryChange, isFull: Bool) throws -> Change {
    let anchor = Anchor(change.guid.bytes)
    if change.isDeleted { return Change(anchor: anchor, isDeleted: true) }
    let kind = Self.kind(change.entry)
    var result = Change(
      anchor: anchor, kind: kind, name: change.dn, parent: Self.parent(change.entry),
      isComplete: isFull, attributes: attributes(of: change.entry))
    for name in change.cleared {
      if let name = names[name] { result.attributes[name] = [] }
    }
    result.links = links(change.links)
    for name in Self.links {
      // A server that does not know incremental values sends the whole list.
      guard let list = change.entry[name] else { continue }
      result.links.append(
        IdentityModel.LinkChange(name, .replace, try list.extendedDNs().compactMap { $0.guid.map { Anchor($0.bytes) } })
      )
    }
    return result
  }

  /// An entry of a search with extended names: the object as it is now.
  package func change(whole entry: SearchEntry, links operation: IdentityModel.LinkChange.Operation) throws -> Change {
    let name = try ExtendedDN(Array(entry.dn.utf8))
    guard let guid = name.guid ?? entry.guid("objectGUID") else {
      throw LDAPError(
        .incomplete, "\(name.dn) came without its objectGUID.", remedy: "Let the account read objectGUID.")
    }
    var result = Change(
      anchor: Anchor(guid.bytes), kind: Self.kind(entry), name: name.dn, parent: Self.parent(entry), isComplete: true,
      attributes: attributes(of: entry))
    for name in Self.links where result.kind != .structure {
      let targets = try entry.links(name).compactMap { $0.guid.map { Anchor($0.bytes) } }
      if operation == .replace || !targets.isEmpty {
        result.links.append(IdentityModel.LinkChange(name, operation, targets))
      }
    }
    return result
  }

  func deletion(_ entry: SearchEntry) -> Change? {
    (entry.guid("objectGUID") ?? entry.extendedDN?.guid).map { Change(anchor: Anchor($0.bytes), isDeleted: true) }
  }

  private func attributes(of entry: SearchEntry) -> Attributes {
    var storage: [String: [[UInt8]]] = [:]
    storage.reserveCapacity(entry.attributes.count)
    for attribute in entry.attributes {
      if let name = names[attribute.name] { storage[name] = attribute.values.map { Array($0) } }
    }
    return Attributes(storage)
  }

  private func links(_ changes: [LDAP.LinkChange]) -> [IdentityModel.LinkChange] {
    Self.targets(changes, .removed, .remove) + Self.targets(changes, .added, .add)
  }

  /// The values of an attribute follow each other: each run becomes one change.
  private static func targets(
    _ changes: [LDAP.LinkChange], _ kind: LDAP.LinkChange.Kind, _ operation: IdentityModel.LinkChange.Operation
  ) -> [IdentityModel.LinkChange] {
    var result: [IdentityModel.LinkChange] = []
    for change in changes where change.kind == kind {
      guard let guid = change.target.guid else { continue }
      if result.last?.attribute != change.attribute {
        result.append(IdentityModel.LinkChange(change.attribute, operation, []))
      }
      result[result.count - 1].targets.append(Anchor(guid.bytes))
    }
    return result
  }

  private static func parent(_ entry: SearchEntry) -> Anchor? {
    entry.guid("parentGUID").map { Anchor($0.bytes) }
  }

  private static let group = Array("group".utf8)
  private static let user = Array("user".utf8)

  private static func kind(_ entry: SearchEntry) -> ObjectKind? {
    guard let classes = entry["objectClass"]?.values, !classes.isEmpty else { return nil }
    if classes.contains(where: { $0.elementsEqual(group) }) { return .group }
    return classes.contains { $0.elementsEqual(user) } ? .user : .structure
  }
}
