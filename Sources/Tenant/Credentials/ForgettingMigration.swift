// SPDX-License-Identifier: Apache-2.0

import Store

extension TenantDirectory {
  /// Finds deleted users by their externalId, whose passwords are to be forgotten.
  static let forgettingMigration = Migration(
    name: "tenant-forgetting",
    statements: [
      """
      CREATE INDEX resource_deleted_external_id ON resource (external_id)
      WHERE deleted IS NOT NULL AND external_id IS NOT NULL
      """
    ])
}
