// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import SCIM
import Store
import Wire

/// A deleted resource that can still be restored.
package struct DeletedResource: Sendable, Hashable {
  package let kind: ResourceKind
  package let id: String
  /// The user's name, or the display name of all else.
  package let name: String
  package let externalId: String?
  /// Whether it holds an administrative role.
  package let isPrivileged: Bool
  package let deleted: Date
  /// When it will be purged for good.
  package let purge: Date
}

extension TenantDirectory {
  /// The deleted ones that can be restored, the latest first.
  package func deleted(_ kind: ResourceKind) async throws -> [DeletedResource] {
    let days = limits.restorableDays
    return try await store.read { transaction in
      try transaction.query(
        """
        SELECT id, coalesce(user_name, shown), external_id, deleted, attributes FROM resource
        WHERE deleted IS NOT NULL AND kind = ? ORDER BY deleted DESC, seq
        """, [.integer(Int64(kind.rawValue))]
      ) { row in
        let deleted = Date(milliseconds: try row[3])
        return DeletedResource(
          kind: kind, id: try row[0], name: try row[1], externalId: try row[2],
          isPrivileged: SCIMResource(try JSONValue.parse(row[4] as String).object ?? JSONObject()).isPrivileged,
          deleted: deleted,
          purge: deleted.addingTimeInterval(Double(days) * 86_400))
      }
    }
  }

  /// Brings a deleted resource back, with its memberships.
  ///
  /// - Parameter includingPrivileged: for an administrator of the tenant. A client would take a role over with the source
  ///   anchor that it may choose.
  /// - Throws: ``TenantError`` `unknownResource`, `notDeleted`, `privileged`, and `nameTaken` when another holds its name
  ///   or the domain of its name is no longer verified.
  package func restore(
    _ kind: ResourceKind, _ id: String, includingPrivileged: Bool = false, by actor: Actor
  ) async throws -> SCIMResource {
    try await write(by: actor) { [limits] writer in
      let transaction = writer.transaction
      let found = try transaction.first(
        "SELECT \(StoredResource.columns) FROM resource WHERE id = ? AND kind = ?",
        [.text(id), .integer(Int64(kind.rawValue))], StoredResource.init)
      guard let found else {
        throw TenantError(
          .unknownResource, "There is no \(kind.name) \(id).",
          remedy: "List the deleted ones; what was deleted more than \(limits.restorableDays) days ago is gone.")
      }
      guard found.deleted != nil else {
        throw TenantError(.notDeleted, "The \(kind.name) \(id) is not deleted.", remedy: "Use it as it is.")
      }
      guard includingPrivileged || !found.resource(base: "").isPrivileged else {
        throw TenantError(
          .privileged, "The \(kind.name) \(id) is privileged and is not restored for a client.",
          remedy: "Restore it as an administrator, with 'bridgehead tenant \(kind.name.lowercased())s restore \(id)'.")
      }
      let restored: StoredResource
      do {
        restored = try writer.restore(found)
      } catch let error as SCIMError {
        throw TenantError(
          .nameTaken, "The \(kind.name) \(id) cannot be restored. \(error.detail)",
          remedy: "Rename or delete the holder, or verify the domain, then restore again.")
      }
      return try ResourceReader(transaction: transaction, base: "", limits: limits)
        .represent(restored, Projection(all: kind.definition))
    }
  }

  /// Deletes for good what was deleted longer ago than it can be restored.
  ///
  /// - Returns: how many resources.
  package func purge(by actor: Actor) async throws -> Int {
    let limit = environment.now().addingTimeInterval(-Double(limits.restorableDays) * 86_400).milliseconds
    var purged = 0
    while true {
      // In steps, so that no client waits long for the writer.
      let step = try await write(by: actor) { writer in
        let due = try writer.transaction.query(
          """
          SELECT \(StoredResource.columns) FROM resource WHERE deleted IS NOT NULL AND deleted <= ?
          ORDER BY deleted LIMIT \(Self.purgeStep)
          """, [.integer(limit)], StoredResource.init)
        for stored in due {
          try writer.transaction.run("DELETE FROM resource WHERE seq = ?", [.integer(stored.sequence)])
          try writer.audit(.purge, stored, before: nil, after: nil)
        }
        return due.count
      }
      purged += step
      if step < Self.purgeStep { return purged }
    }
  }

  private static let purgeStep = 500
}
