// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SCIM
import Store
import Wire

/// A row of `resource`: what the tenant itself knows about a resource, and the attributes that clients write.
///
/// `attributes` has neither `id`, `meta` and `schemas`, which are made from the columns, nor `members` and `groups`,
/// which have a table of their own.
struct StoredResource {
  let sequence: Int64
  let id: String
  let kind: ResourceKind
  var attributes: JSONObject
  var version: Int64
  let created: Int64
  var modified: Int64
  let deleted: Int64?

  static let columns = "seq, id, kind, attributes, version, created, modified, deleted"

  init(_ row: SQLRow) throws {
    sequence = try row[0]
    id = try row[1]
    kind = try row.word(2, "resource.kind", of: id)
    guard let object = (try? JSONValue.parse(row[3] as String))?.object else {
      throw StoreError.corrupt("resource.attributes", row: id)
    }
    attributes = object
    version = try row[4]
    created = try row[5]
    modified = try row[6]
    deleted = try row[7]
  }

  init(
    sequence: Int64, id: String, kind: ResourceKind, attributes: JSONObject, version: Int64, created: Int64,
    modified: Int64
  ) {
    self.sequence = sequence
    self.id = id
    self.kind = kind
    self.attributes = attributes
    self.version = version
    self.created = created
    self.modified = modified
    deleted = nil
  }

  /// The live resource of this kind and id, or nil.
  static func find(_ kind: ResourceKind, _ id: String, _ transaction: any Transaction) throws -> StoredResource? {
    try transaction.first(
      "SELECT \(columns) FROM resource WHERE id = ? AND kind = ? AND deleted IS NULL",
      [.text(id), .integer(Int64(kind.rawValue))], StoredResource.init)
  }

  /// RFC 7644 3.14: weak, because the same version can be written in several ways.
  var entityTag: EntityTag { EntityTag(String(version)) }

  /// The resource with `schemas`, `id` and `meta`, without members, groups and the manager's name.
  func resource(base: String) -> SCIMResource {
    var resource = SCIMResource(schemas: [kind.definition.schema.id])
    resource.id = id
    for member in attributes.members { resource.attributes[member.name] = member.value }
    for entry in kind.definition.extensions where attributes[entry.schema.id] != nil {
      resource.declare(entry.schema.id)
    }
    resource.meta = SCIMMeta(
      resourceType: kind.name, created: SCIMDateTime.string(from: Date(milliseconds: created)),
      lastModified: SCIMDateTime.string(from: Date(milliseconds: modified)), location: kind.uri(id, base: base),
      version: entityTag.description)
    return resource
  }

  /// What is left of a client's normalised representation when everything that has its own place is taken out. The
  /// password goes as well: the tenant keeps none (its service provider configuration says so).
  static func storable(_ resource: SCIMResource) -> JSONObject {
    var attributes = resource.attributes
    for name in ["schemas", "id", "meta", "members", "groups", "password"] { attributes[name] = nil }
    return attributes
  }
}

/// The columns that are looked up or sorted by, taken from the attributes.
struct IndexedColumns: Equatable {
  let userName: String?
  let externalId: String?
  let displayName: String?
  /// What members of a group are shown as.
  let shown: String
  let active: Bool?
  let emails: [Email]
  /// In the directory on the premises, in its only text form.
  let securityIdentifier: String?

  struct Email: Hashable {
    let value: String
    let type: String?
  }

  init(_ attributes: JSONObject) {
    let user = SCIMUser(SCIMResource(attributes))
    userName = user.userName.map(SCIMText.folded)
    externalId = user.externalId
    displayName = user.displayName.map(SCIMText.folded)
    shown = user.displayName ?? user.userName ?? ""
    active = user.active
    securityIdentifier =
      attributes[SCIMURI.onPremisesUser]?.object?["securityIdentifier"]?.string
      .flatMap { SecurityIdentifier($0) }?.description
    emails = user.emails.map { Email(value: SCIMText.folded($0.value), type: $0.type.map(SCIMText.folded)) }
  }
}
