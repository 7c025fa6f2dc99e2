// SPDX-License-Identifier: Apache-2.0

import SCIM
import Store

/// Makes of rows what clients see: with members or groups, resolved references, and only what was asked for.
struct ResourceReader {
  let transaction: any Transaction
  /// The service's base URI, without a trailing slash.
  let base: String
  let limits: TenantLimits

  /// - Throws: `SCIMError` 404 when there is no such live resource.
  func require(_ kind: ResourceKind, _ id: String) throws -> StoredResource {
    guard let stored = try StoredResource.find(kind, id, transaction) else {
      throw SCIMError.notFound("There is no \(kind.name) \(id.prefix(64)).")
    }
    return stored
  }

  func represent(_ stored: StoredResource, _ projection: Projection) throws -> SCIMResource {
    try projection.apply(to: complete(stored, projection))
  }

  /// The whole resource, except for those parts kept elsewhere that the projection leaves out.
  func complete(_ stored: StoredResource, _ projection: Projection) throws -> SCIMResource {
    var resource = stored.resource(base: base)
    switch stored.kind {
    case .user:
      if projection.includes("groups") {
        let groups = try groups(of: stored)
        resource.attributes["groups"] = groups.isEmpty ? nil : .array(groups)
      }
      try resolve("manager", in: SCIMURI.enterpriseUser, of: &resource)
    case .contact: try resolve("manager", of: &resource)
    case .device: break
    case .group:
      if projection.includes("members") {
        let members = try members(of: stored)
        resource.attributes["members"] = members.isEmpty ? nil : .array(members)
      }
      try resolve("managedBy", in: SCIMURI.onPremisesGroup, of: &resource)
    }
    return resource
  }

  private func members(of group: StoredResource) throws -> [JSONValue] {
    var members: [JSONValue] = []
    try transaction.forEach(
      """
      SELECT r.id, r.kind, r.shown FROM member m JOIN resource r ON r.seq = m.member
      WHERE m.owner = ? AND r.deleted IS NULL ORDER BY m.member
      """, [.integer(group.sequence)]
    ) { row in
      guard members.count < limits.membersInAnswer else {
        throw SCIMError.tooMany(
          "The group \(group.id) has more than \(limits.membersInAnswer) members; exclude the attribute members.")
      }
      members.append(try reference(id: row[0], kind: row[1], shown: row[2]))
    }
    return members
  }

  /// RFC 7643 4.1.2: the groups that the user belongs to, directly or through other groups.
  private func groups(of user: StoredResource) throws -> [JSONValue] {
    try transaction.query(
      """
      WITH RECURSIVE holder (seq, direct) AS (
        SELECT owner, 1 FROM member WHERE member = ?
        UNION SELECT m.owner, 0 FROM holder h JOIN resource r ON r.seq = h.seq AND r.deleted IS NULL
          JOIN member m ON m.member = h.seq)
      SELECT r.id, r.shown, max(h.direct) FROM holder h JOIN resource r ON r.seq = h.seq
      WHERE r.deleted IS NULL GROUP BY r.seq, r.id, r.shown ORDER BY r.seq
      """, [.integer(user.sequence)]
    ) { row in
      let id: String = try row[0]
      return [
        "value": .string(id), "$ref": .string(ResourceKind.group.uri(id, base: base)), "display": .string(try row[1]),
        "type": try row[2] == 1 ? "direct" : "indirect",
      ]
    }
  }

  private func reference(id: String, kind: Int, shown: String) throws -> JSONValue {
    guard let kind = ResourceKind(rawValue: kind) else { throw StoreError.corrupt("resource.kind", row: id) }
    return [
      "value": .string(id), "$ref": .string(kind.uri(id, base: base)), "display": .string(shown),
      "type": .string(kind.name),
    ]
  }

  /// Completes a reference to a user, a group or a contact.
  ///
  /// - Parameter container: the URI of the extension that has the attribute; nil where the core schema has it.
  private func resolve(_ name: String, in container: String? = nil, of resource: inout SCIMResource) throws {
    var holder = container.map { resource.attributes[$0]?.object ?? JSONObject() } ?? resource.attributes
    guard var reference = holder[name]?.object, let id = reference["value"]?.string else { return }
    let found = try transaction.first(
      "SELECT kind, shown FROM resource WHERE id = ? AND kind IN (1, 2, 3) AND deleted IS NULL", [.text(id)]
    ) { row in (kind: try row[0] as Int, shown: try row[1] as String) }
    guard let found, let kind = ResourceKind(rawValue: found.kind) else { return }
    reference["$ref"] = .string(kind.uri(id, base: base))
    reference["displayName"] = .string(found.shown)
    holder[name] = .object(reference)
    if let container { resource.attributes[container] = .object(holder) } else { resource.attributes = holder }
  }
}
