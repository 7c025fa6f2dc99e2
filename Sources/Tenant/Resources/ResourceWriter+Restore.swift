// SPDX-License-Identifier: Apache-2.0

import SCIM
import Store

extension ResourceWriter {
  /// Brings a deleted resource back, with its memberships.
  ///
  /// - Throws: `SCIMError` when another holds one of its names meanwhile.
  func restore(_ deleted: StoredResource) throws -> StoredResource {
    try checkNames(deleted.kind, IndexedColumns(deleted.attributes), except: deleted)
    try transaction.run(
      "UPDATE resource SET deleted = NULL, version = version + 1, modified = ? WHERE seq = ?",
      [.integer(now.milliseconds), .integer(deleted.sequence)])
    try audit(.restore, deleted, before: nil, after: .object(deleted.attributes))
    return try StoredResource.find(deleted.kind, deleted.id, transaction) ?? deleted
  }
}
