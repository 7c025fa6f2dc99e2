// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import SCIM
import Store
import SyncAPI

/// Applies objects of the Sync API to the directory, inside one transaction. Objects are found by their source anchor, by the
/// tenant's own name, or, when they are new, by name and address (soft match); a privileged account is never taken over.
struct SyncObjectWriter {
  let writer: ResourceWriter
  let features: DirsyncFeatures

  private var transaction: any Transaction { writer.transaction }

  /// Why one object was not taken.
  private struct Refusal: Error {
    let code: String
    let detail: String
  }

  /// What became of the object; when it was refused, the caller undoes what was begun.
  func apply(_ object: SyncObject) throws -> SyncObjectResult {
    do {
      let stored = object.operation == .delete ? try delete(object) : try set(object)
      return SyncObjectResult(object, cloudAnchor: SyncAnchor.named(object.type, stored.id).text)
    } catch let refusal as Refusal {
      return SyncObjectResult(object, errorCode: refusal.code, errorDescription: refusal.detail)
    } catch let error as SCIMError {
      let code =
        switch error.status {
        case 409: SyncObjectResult.Problem.valueTaken
        case 413: SyncObjectResult.Problem.tooLarge
        default: SyncObjectResult.Problem.invalidValue
        }
      return SyncObjectResult(object, errorCode: code, errorDescription: error.detail)
    }
  }

  private func delete(_ object: SyncObject) throws -> StoredResource {
    guard let stored = try find(object) else {
      throw Refusal(code: SyncObjectResult.Problem.notFound, detail: "There is no such object.")
    }
    guard stored.externalId != nil else {
      throw Refusal(
        code: SyncObjectResult.Problem.hardMatch, detail: "The object is not synchronised; it is the tenant's own.")
    }
    try writer.delete(stored)
    return stored
  }

  private func set(_ object: SyncObject) throws -> StoredResource {
    if let stored = try find(object) { return try change(stored, object) }
    guard let anchor = object.sourceAnchor else {
      throw Refusal(code: SyncObjectResult.Problem.notFound, detail: "There is no such object, and no source anchor.")
    }
    let kind = ResourceKind(object.type)
    if let deleted = try findDeleted(kind, anchor) {
      try refusePrivileged(deleted.resource(base: ""))
      return try change(try writer.restore(deleted), object)
    }
    if let match = try softMatch(object) { return try change(match, object) }
    let resource = kind.form.resource(
      externalId: anchor, SyncForm.of(object.type).attributes(object.properties))
    return try setReferences(of: try writer.create(kind, resource.json), object, [])
  }

  /// Changes what the object names, and leaves all else.
  private func change(_ stored: StoredResource, _ object: SyncObject) throws -> StoredResource {
    var operations: [PatchOperation] = []
    let resource = stored.resource(base: "")
    if let anchor = object.sourceAnchor, stored.externalId != anchor {
      guard stored.externalId == nil else {
        throw Refusal(
          code: SyncObjectResult.Problem.hardMatch,
          detail: "The object has another source anchor, which is never changed.")
      }
      try refusePrivileged(resource)
      operations.append(try SCIMFieldPath("externalId").operation(.string(anchor)))
    } else if stored.externalId == nil {
      throw Refusal(
        code: SyncObjectResult.Problem.hardMatch, detail: "The object is not synchronised; it is the tenant's own.")
    }
    let form = stored.kind.form
    let changes = SyncForm.of(object.type).attributes(object.properties)
    var attributes = form.attributes(of: resource)
    attributes.merge(changes)
    operations += try form.operations(changed: Set(changes.names), attributes)
    return try setReferences(of: stored, object, operations)
  }

  private func setReferences(
    of stored: StoredResource, _ object: SyncObject, _ operations: [PatchOperation]
  ) throws -> StoredResource {
    var operations = operations
    var members = MemberChange()
    for (attribute, property) in SyncForm.of(object.type).links {
      guard let value = object.properties[property] else { continue }
      if attribute == "members" {
        members = try setMembers(of: stored, value)
      } else if let path = stored.kind.form.links[attribute] {
        operations.append(try path.operation(try reference(value).map { ["value": .string($0)] }))
      }
    }
    guard !operations.isEmpty || !members.isEmpty else { return stored }
    let patched = try PatchApplier(stored.kind.definition).apply(
      PatchRequest(operations), to: stored.resource(base: ""))
    return try writer.update(stored, StoredResource.storable(patched), members, .patch)
  }

  // MARK: References

  private func reference(_ value: SyncValue) throws -> String? {
    guard case .string(let text) = value, !text.isEmpty else { return nil }
    return try require(SyncAnchor(text))
  }

  /// Changes of references one by one, or the whole list, as the two versions of the operation send them.
  private func setMembers(of group: StoredResource, _ value: SyncValue) throws -> MemberChange {
    let table = MemberTable(transaction: transaction, group: group)
    switch value {
    case .references(let changes):
      let removed = try changes.filter { $0.operation == .remove }.compactMap { try resolve($0.anchor) }
      let added = try changes.filter { $0.operation == .add }.map { try require($0.anchor) }
      return try table.remove(removed) + table.add(added)
    case .strings(let anchors): return try table.replace(try anchors.map { try require(SyncAnchor($0)) })
    case .string(let anchor) where !anchor.isEmpty: return try table.replace([try require(SyncAnchor(anchor))])
    case .null, .string: return try table.replace([])
    default:
      throw Refusal(code: SyncObjectResult.Problem.invalidValue, detail: "The members are no list of anchors.")
    }
  }

  private func require(_ anchor: SyncAnchor) throws -> String {
    guard let id = try resolve(anchor) else {
      throw Refusal(
        code: SyncObjectResult.Problem.invalidValue,
        detail: "What is referred to as \(anchor.text.prefix(128)) does not exist.")
    }
    return id
  }

  /// The resource's identifier.
  private func resolve(_ anchor: SyncAnchor) throws -> String? {
    switch anchor {
    case .source(let text):
      try transaction.value(
        "SELECT id FROM resource WHERE kind IN (1, 2, 3, 4) AND external_id = ? AND deleted IS NULL LIMIT 1",
        [.text(text)])
    case .cloud(let text): try Self.identified(text).flatMap { try StoredResource.find($0, $1, transaction)?.id }
    }
  }

  /// `User_<id>` taken apart.
  static func identified(_ text: String) -> (ResourceKind, String)? {
    let parts = text.split(separator: "_", maxSplits: 1)
    guard parts.count == 2, let type = SyncObjectType(rawValue: String(parts[0])) else { return nil }
    return (ResourceKind(type), String(parts[1]))
  }

  // MARK: Finding

  private func find(_ object: SyncObject) throws -> StoredResource? {
    let kind = ResourceKind(object.type)
    if let anchor = object.sourceAnchor, let found = try find(kind, anchor) { return found }
    guard let name = object.cloudAnchor else { return nil }
    guard let (named, id) = Self.identified(name), named == kind else {
      throw Refusal(
        code: SyncObjectResult.Problem.otherType, detail: "\(name.prefix(128)) is no name of a \(object.type.rawValue)."
      )
    }
    return try StoredResource.find(kind, id, transaction)
  }

  private func find(_ kind: ResourceKind, _ anchor: String) throws -> StoredResource? {
    try transaction.first(
      "SELECT \(StoredResource.columns) FROM resource WHERE kind = ? AND external_id = ? AND deleted IS NULL",
      [.integer(Int64(kind.rawValue)), .text(anchor)], StoredResource.init)
  }

  private func findDeleted(_ kind: ResourceKind, _ anchor: String) throws -> StoredResource? {
    try transaction.first(
      """
      SELECT \(StoredResource.columns) FROM resource WHERE kind = ? AND external_id = ? AND deleted IS NOT NULL
      ORDER BY deleted DESC LIMIT 1
      """, [.integer(Int64(kind.rawValue)), .text(anchor)], StoredResource.init)
  }

  /// A user of the tenant's own with the new object's name or primary address.
  private func softMatch(_ object: SyncObject) throws -> StoredResource? {
    guard object.type == .user, !features.contains(.blockSoftMatch) else { return nil }
    var found: [Int64: StoredResource] = [:]
    if features.contains(.enableSoftMatchOnUPN), let name = object.properties.text("userPrincipalName") {
      for stored in try strangers("user_name = ?", SCIMText.folded(name)) { found[stored.sequence] = stored }
    }
    if case .strings(let addresses)? = object.properties["proxyAddresses"],
      let primary = addresses.first(where: { $0.hasPrefix("SMTP:") }).map({ SCIMText.folded(Address.bare($0)) })
    {
      let holders = try strangers("seq IN (SELECT resource FROM email WHERE value = ?)", primary)
      for stored in holders where stored.hasPrimaryAddress(primary) { found[stored.sequence] = stored }
    }
    guard let match = found.values.first else { return nil }
    guard found.count == 1 else {
      throw Refusal(
        code: SyncObjectResult.Problem.softMatch,
        detail: "The tenant holds \(found.count) accounts of this name or address that are not synchronised.")
    }
    return match
  }

  private func strangers(_ condition: String, _ value: String) throws -> [StoredResource] {
    try transaction.query(
      """
      SELECT \(StoredResource.columns) FROM resource
      WHERE \(condition) AND kind = 1 AND external_id IS NULL AND deleted IS NULL
      """, [.text(value)], StoredResource.init)
  }

  private func refusePrivileged(_ resource: SCIMResource) throws {
    guard !resource.isPrivileged else {
      throw Refusal(
        code: SyncObjectResult.Problem.administrator,
        detail: "The tenant's account of this name or source anchor is privileged and is not taken over.")
    }
  }
}

extension StoredResource {
  /// The source anchor of a resource that is synchronised.
  var externalId: String? { attributes["externalId"]?.string.flatMap { $0.isEmpty ? nil : $0 } }

  fileprivate func hasPrimaryAddress(_ folded: String) -> Bool {
    SCIMUser(SCIMResource(attributes)).emails.contains { $0.primary && SCIMText.folded($0.value) == folded }
  }
}

extension ResourceKind {
  init(_ type: SyncObjectType) {
    switch type {
    case .user: self = .user
    case .group: self = .group
    case .contact: self = .contact
    case .device: self = .device
    }
  }

  var syncType: SyncObjectType {
    switch self {
    case .user: .user
    case .group: .group
    case .contact: .contact
    case .device: .device
    }
  }

  /// Where the attributes of an object stand in a resource of this kind.
  var form: SCIMForm {
    switch self {
    case .user: .user
    case .group: .group
    case .contact: .contact
    case .device: .device
    }
  }
}
