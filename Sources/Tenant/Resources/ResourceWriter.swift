// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SCIM
import Store

/// Changes resources inside one transaction, each change with its audit entry. What is wrong with a change is
/// thrown as a `SCIMError`; the caller then undoes the transaction or goes back to its savepoint.
struct ResourceWriter {
  let transaction: any Transaction
  let actor: Actor
  let now: Date
  let random: @Sendable (Int) -> [UInt8]

  /// POST (RFC 7644 3.3).
  func create(_ kind: ResourceKind, _ value: JSONValue) throws -> StoredResource {
    let resource = try ResourceNormalizer(kind.definition).create(value)
    let attributes = StoredResource.storable(resource)
    let columns = IndexedColumns(attributes)
    try checkNames(kind, columns, except: nil)
    let id = Identifier.make(random)
    let milliseconds = now.milliseconds
    let sequence: Int64? = try transaction.value(
      """
      INSERT INTO resource
        (id, kind, user_name, external_id, display_name, shown, active, security_identifier, attributes, version,
         created, modified)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?) RETURNING seq
      """,
      [
        .text(id), .integer(Int64(kind.rawValue)), SQLValue(columns.userName), SQLValue(columns.externalId),
        SQLValue(columns.displayName), .text(columns.shown), columns.active.map { SQLValue($0) } ?? .null,
        SQLValue(columns.securityIdentifier),
        .text(JSONValue.object(attributes).text), .integer(milliseconds), .integer(milliseconds),
      ])
    let stored = StoredResource(
      sequence: sequence ?? 0, id: id, kind: kind, attributes: attributes, version: 1, created: milliseconds,
      modified: milliseconds)
    try insertEmails(columns.emails, of: stored)
    var members = MemberChange()
    if kind == .group {
      members = try MemberTable(transaction: transaction, group: stored).add(try memberIDs(resource))
    }
    try audit(.create, stored, before: nil, after: .object(members.noted(in: attributes)))
    return stored
  }

  /// PUT (RFC 7644 3.5.1).
  func replace(_ stored: StoredResource, _ value: JSONValue) throws -> StoredResource {
    let resource = try ResourceNormalizer(stored.kind.definition).replace(value, existing: stored.resource(base: ""))
    var members = MemberChange()
    if stored.kind == .group {
      let table = MemberTable(transaction: transaction, group: stored)
      members = try table.replace(try memberIDs(resource))
    }
    return try update(stored, StoredResource.storable(resource), members, .replace)
  }

  private func memberIDs(_ resource: SCIMResource) throws -> [String] {
    try (resource.attributes["members"]?.array ?? []).map { element in
      guard let member = GroupMember(element) else {
        throw SCIMError.invalidValue("Each member must have a value, the id of its resource.")
      }
      return member.value
    }
  }

  /// Writes what differs; a change that changes nothing leaves the version alone (RFC 7644 3.5.2).
  func update(
    _ stored: StoredResource, _ attributes: JSONObject, _ members: MemberChange, _ action: AuditEntry.Action
  ) throws -> StoredResource {
    let attributesChanged = attributes != stored.attributes
    guard attributesChanged || !members.isEmpty else { return stored }
    var new = stored
    new.attributes = attributes
    new.version += 1
    new.modified = now.milliseconds
    if attributesChanged {
      let old = IndexedColumns(stored.attributes)
      let columns = IndexedColumns(attributes)
      try checkNames(stored.kind, columns, except: stored, old: old)
      try transaction.run(
        """
        UPDATE resource SET user_name = ?, external_id = ?, display_name = ?, shown = ?, active = ?,
          security_identifier = ?, attributes = ?, version = ?, modified = ? WHERE seq = ?
        """,
        [
          SQLValue(columns.userName), SQLValue(columns.externalId), SQLValue(columns.displayName),
          .text(columns.shown), columns.active.map { SQLValue($0) } ?? .null, SQLValue(columns.securityIdentifier),
          .text(JSONValue.object(attributes).text),
          .integer(new.version), .integer(new.modified), .integer(stored.sequence),
        ])
      if columns.emails != old.emails {
        try transaction.run("DELETE FROM email WHERE resource = ?", [.integer(stored.sequence)])
        try insertEmails(columns.emails, of: stored)
      }
    } else {
      try transaction.run(
        "UPDATE resource SET version = ?, modified = ? WHERE seq = ?",
        [.integer(new.version), .integer(new.modified), .integer(stored.sequence)])
    }
    let (before, after) = Self.difference(stored.attributes, attributes)
    try audit(action, stored, before: .object(before), after: .object(members.noted(in: after)))
    return new
  }

  /// DELETE (RFC 7644 3.6). The resource can be restored until it is purged; its memberships come back with it.
  func delete(_ stored: StoredResource) throws {
    try transaction.run(
      "UPDATE resource SET deleted = ?, version = version + 1 WHERE seq = ?",
      [.integer(now.milliseconds), .integer(stored.sequence)])
    try audit(.delete, stored, before: .object(stored.attributes), after: nil)
  }

  /// Refuses names that others hold or that this tenant may not give.
  func checkNames(
    _ kind: ResourceKind, _ columns: IndexedColumns, except stored: StoredResource?, old: IndexedColumns? = nil
  ) throws {
    let own = SQLValue.integer(stored?.sequence ?? -1)
    if let userName = columns.userName, userName != old?.userName {
      try TenantDirectory.requireVerifiedDomain(of: userName, transaction)
      let holder: String? = try transaction.value(
        "SELECT id FROM resource WHERE user_name = ? AND deleted IS NULL AND seq <> ?", [.text(userName), own])
      if let holder { throw SCIMError.uniqueness("The userName \(userName.prefix(256)) is held by \(holder).") }
    }
    if let externalId = columns.externalId, externalId != old?.externalId {
      let holder: String? = try transaction.value(
        "SELECT id FROM resource WHERE kind = ? AND external_id = ? AND deleted IS NULL AND seq <> ?",
        [.integer(Int64(kind.rawValue)), .text(externalId), own])
      if let holder { throw SCIMError.uniqueness("The externalId \(externalId.prefix(256)) is held by \(holder).") }
    }
  }

  private func insertEmails(_ emails: [IndexedColumns.Email], of stored: StoredResource) throws {
    try transaction.run(
      "INSERT INTO email (resource, value, type) VALUES (?, ?, ?)",
      rows: emails.map { [.integer(stored.sequence), .text($0.value), SQLValue($0.type)] })
  }

  func audit(_ action: AuditEntry.Action, _ stored: StoredResource, before: JSONValue?, after: JSONValue?) throws {
    try AuditEntry(
      actor: actor, at: now, action: action, kind: stored.kind.name, target: stored.id, before: before?.text,
      after: after?.text
    ).insert(transaction)
  }

  /// The attributes that differ, as they were and as they are.
  private static func difference(_ old: JSONObject, _ new: JSONObject) -> (before: JSONObject, after: JSONObject) {
    var (before, after) = (JSONObject(), JSONObject())
    for name in old.names where old[name] != new[name] { before[name] = old[name] }
    for name in new.names where old[name] != new[name] { after[name] = new[name] }
    return (before, after)
  }
}
