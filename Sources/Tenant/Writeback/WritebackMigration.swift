// SPDX-License-Identifier: Apache-2.0

import Store

extension TenantDirectory {
  /// Password writeback. A request holds what only Connect can open, and the sealed value that signs the person in once the
  /// directory has accepted; both are gone when it is answered or over.
  static let writebackMigration = Migration(
    name: "tenant-4-writeback",
    statements: [
      """
      CREATE TABLE writeback_connector (
        id INTEGER PRIMARY KEY CHECK (id = 1), key BLOB NOT NULL, enabled BIGINT NOT NULL, polled BIGINT)
      """,
      """
      CREATE TABLE writeback_request (
        id TEXT PRIMARY KEY, resource INTEGER NOT NULL REFERENCES resource (seq) ON DELETE CASCADE,
        operation TEXT NOT NULL, anchor TEXT NOT NULL, encapsulated BLOB, ciphertext BLOB, fingerprint TEXT NOT NULL,
        verifier BLOB, must_change INTEGER NOT NULL, created BIGINT NOT NULL, expires BIGINT NOT NULL, delivered BIGINT,
        status TEXT, reason TEXT, number BIGINT, answered BIGINT)
      """,
      "CREATE INDEX writeback_request_open ON writeback_request (created) WHERE status IS NULL",
      "CREATE INDEX writeback_request_resource ON writeback_request (resource)",
      // A link that an administrator made for a person to choose a new password with.
      """
      CREATE TABLE password_link (
        hash BLOB PRIMARY KEY, resource INTEGER NOT NULL REFERENCES resource (seq) ON DELETE CASCADE,
        expires BIGINT NOT NULL, used BIGINT)
      """,
      "CREATE INDEX password_link_resource ON password_link (resource)",
    ])
}
