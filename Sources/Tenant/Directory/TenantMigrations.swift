// SPDX-License-Identifier: Apache-2.0

package import Store

extension TenantDirectory {
  /// The tenant's schema. Times are milliseconds since 1970; folded texts are compared without regard to case.
  package static let migrations = [
    Migration(
      name: "tenant-1-directory",
      statements: [
        """
        CREATE TABLE domain (
          name TEXT PRIMARY KEY, initial INTEGER NOT NULL, proof TEXT NOT NULL, added BIGINT NOT NULL, verified BIGINT)
        """,
        """
        CREATE TABLE resource (
          seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind INTEGER NOT NULL,
          user_name TEXT, external_id TEXT, display_name TEXT, shown TEXT NOT NULL, active INTEGER,
          attributes TEXT NOT NULL, version BIGINT NOT NULL, created BIGINT NOT NULL, modified BIGINT NOT NULL,
          deleted BIGINT, security_identifier TEXT)
        """,
        // Names are free again while their holder is deleted; a restore claims them back.
        "CREATE UNIQUE INDEX resource_user_name ON resource (user_name) WHERE deleted IS NULL",
        "CREATE UNIQUE INDEX resource_external_id ON resource (kind, external_id) WHERE deleted IS NULL",
        "CREATE INDEX resource_display_name ON resource (kind, display_name) WHERE deleted IS NULL",
        "CREATE INDEX resource_live ON resource (kind, seq) WHERE deleted IS NULL",
        "CREATE INDEX resource_deleted ON resource (deleted) WHERE deleted IS NOT NULL",
        // Deleted users whose passwords are to be forgotten are told by their anchor.
        """
        CREATE INDEX resource_deleted_external_id ON resource (external_id)
        WHERE deleted IS NOT NULL AND external_id IS NOT NULL
        """,
        "CREATE INDEX resource_synchronised ON resource (seq) WHERE external_id IS NOT NULL",
        "CREATE INDEX resource_security_identifier ON resource (security_identifier) WHERE deleted IS NULL",
        """
        CREATE TABLE email (
          resource INTEGER NOT NULL REFERENCES resource (seq) ON DELETE CASCADE, value TEXT NOT NULL, type TEXT)
        """,
        "CREATE INDEX email_resource ON email (resource)",
        "CREATE INDEX email_value ON email (value)",
        """
        CREATE TABLE member (
          owner INTEGER NOT NULL REFERENCES resource (seq) ON DELETE CASCADE,
          member INTEGER NOT NULL REFERENCES resource (seq) ON DELETE CASCADE,
          PRIMARY KEY (owner, member))
        """,
        "CREATE INDEX member_member ON member (member)",
        """
        CREATE TABLE token (
          id TEXT PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL, scopes TEXT NOT NULL,
          created BIGINT NOT NULL, expires BIGINT NOT NULL, revoked BIGINT)
        """,
        """
        CREATE TABLE audit (
          seq INTEGER PRIMARY KEY, at BIGINT NOT NULL, who TEXT NOT NULL, request TEXT NOT NULL, action TEXT NOT NULL,
          kind TEXT NOT NULL, target TEXT NOT NULL, before TEXT, after TEXT)
        """,
        "CREATE INDEX audit_target ON audit (target)",
      ]),
    Migration(
      name: "tenant-2-credentials",
      statements: [
        // sealed is NULL for a password that was forgotten: its version still refuses older ones. written is the version
        // of unicodePwd that writeback brought about, until password hash synchronisation sends that one.
        """
        CREATE TABLE credential (
          resource INTEGER PRIMARY KEY REFERENCES resource (seq) ON DELETE CASCADE, sealed BLOB,
          version BIGINT NOT NULL, originated BIGINT NOT NULL, invocation BLOB NOT NULL, last_set BIGINT,
          must_change INTEGER NOT NULL, expires BIGINT, stored BIGINT NOT NULL,
          written BIGINT)
        """
      ]),
    signInMigration,
    seamlessSSOMigration,
    syncMigration,
    writebackMigration,
  ]
}
