// SPDX-License-Identifier: Apache-2.0

import Store

extension TenantDirectory {
  /// Signing in with Kerberos tickets.
  static let seamlessSSOMigration = Migration(
    name: "tenant-seamless-sso",
    statements: [
      // The keys of a service that forests make tickets for. One that is activated takes the place of those before it,
      // which go on for tickets that live until they retire.
      """
      CREATE TABLE service_key (
        id TEXT PRIMARY KEY, forest TEXT NOT NULL, realm TEXT NOT NULL, account TEXT NOT NULL, version BIGINT NOT NULL,
        domains TEXT NOT NULL, sealed BLOB NOT NULL, created BIGINT NOT NULL, activated BIGINT, retires BIGINT)
      """,
      "CREATE INDEX service_key_forest ON service_key (forest)",
      // From the host that takes tickets to the one that signs in.
      """
      CREATE TABLE ticket_code (
        hash BLOB PRIMARY KEY, resource INTEGER NOT NULL REFERENCES resource (seq) ON DELETE CASCADE,
        binding TEXT NOT NULL, expires BIGINT NOT NULL)
      """,
    ])
}
