// SPDX-License-Identifier: Apache-2.0

import Store

extension ConnectSchema {
  /// What is known of passwords: never a password.
  ///
  /// | table | one row is |
  /// |---|---|
  /// | `password_watermark` | how far the password hashes of a domain were read |
  /// | `password_policy` | how long passwords of a domain live, and when that was read |
  /// | `credential` | a user's password at a target: its state and version, never the password |
  /// | `password_look` | an anchor whose user came to a target or left it since passwords were last looked at |
  /// | `password_departure` | a password that a target still has to forget, because its user left |
  static let passwordTables = Migration(
    name: "connect-5-passwords",
    statements: [
      """
      CREATE TABLE password_watermark (
        source TEXT NOT NULL, partition TEXT NOT NULL, server TEXT, invocation BLOB NOT NULL,
        object_usn INTEGER NOT NULL, reserved_usn INTEGER NOT NULL, property_usn INTEGER NOT NULL, known BLOB,
        read_at REAL NOT NULL, PRIMARY KEY (source, partition)) WITHOUT ROWID
      """,
      // maximum_age in negative ticks of 100 ns, read_at in seconds since 1970; fine_grained is JSON.
      """
      CREATE TABLE password_policy (
        source TEXT NOT NULL, partition TEXT NOT NULL, maximum_age INTEGER, read_at REAL NOT NULL,
        fine_grained TEXT, PRIMARY KEY (source, partition)) WITHOUT ROWID
      """,
      """
      CREATE TABLE credential (
        target TEXT NOT NULL, entry INTEGER NOT NULL, state TEXT NOT NULL, version INTEGER, originated INTEGER,
        invocation BLOB, reason TEXT, detail TEXT, since REAL NOT NULL, next_try REAL, anchor TEXT,
        PRIMARY KEY (target, entry)) WITHOUT ROWID
      """,
      "CREATE INDEX credential_due ON credential (target, next_try) WHERE state = 'due'",
      "CREATE INDEX credential_anchor ON credential (target, anchor)",
      """
      CREATE TABLE password_look (
        target TEXT NOT NULL, anchor TEXT NOT NULL, PRIMARY KEY (target, anchor)) WITHOUT ROWID
      """,
      """
      CREATE TABLE password_departure (
        target TEXT NOT NULL, anchor TEXT NOT NULL, version INTEGER NOT NULL, originated INTEGER NOT NULL,
        invocation BLOB NOT NULL, reason TEXT, detail TEXT, since REAL NOT NULL, next_try REAL,
        PRIMARY KEY (target, anchor)) WITHOUT ROWID
      """,
    ])
}
