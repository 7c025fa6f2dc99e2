// SPDX-License-Identifier: Apache-2.0

import Store

extension TenantDirectory {
  /// Who may synchronise by the Sync API, and what it knows of the synchronisation.
  static let syncMigration = Migration(
    name: "tenant-sync-api",
    statements: [
      // Certificates with which an application proves who it is. The key is a JSON Web Key.
      """
      CREATE TABLE application_certificate (
        application TEXT NOT NULL REFERENCES application (id) ON DELETE CASCADE, thumbprint TEXT NOT NULL,
        subject TEXT NOT NULL, key TEXT NOT NULL, expires BIGINT NOT NULL, PRIMARY KEY (application, thumbprint))
      """,
      // resource is NULL where the application acts for itself, and a user where somebody signs in to it.
      """
      CREATE TABLE sync_permission (
        application TEXT NOT NULL REFERENCES application (id) ON DELETE CASCADE,
        resource INTEGER REFERENCES resource (seq) ON DELETE CASCADE, passwords INTEGER NOT NULL, created BIGINT NOT NULL)
      """,
      "CREATE UNIQUE INDEX sync_permission_holder ON sync_permission (application, coalesce(resource, 0))",
      "CREATE INDEX sync_permission_resource ON sync_permission (resource)",
      "CREATE TABLE sync_setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
      """
      CREATE TABLE sync_kerberos_domain (
        name TEXT PRIMARY KEY, id TEXT NOT NULL, display_name TEXT, key_version BIGINT, key_updated TEXT)
      """,
    ])
}
