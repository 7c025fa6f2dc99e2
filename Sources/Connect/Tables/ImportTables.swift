// SPDX-License-Identifier: Apache-2.0

import Store

extension ConnectSchema {
  /// What readings of directories leave: the connector space, and how far each was read.
  ///
  /// | table | one row is |
  /// |---|---|
  /// | `watermark` | a partition of a source and how far it has been read |
  /// | `departure` | a deletion that waits until all partitions of its source are read: the object may have moved |
  /// | `returned` | an entry that came back after its deletion, and a partition that has yet to be asked who refers to it |
  /// | `entry` | an object of a source (the connector space); in partition 0 those that only the Global Catalog told of |
  /// | `link` | a reference that an entry holds; `change` is 1 or -1 until it is synchronised |
  /// | `unresolved` | something that references name and no import told of, and when the Global Catalog is asked for it |
  /// | `scope` | an organisational unit named in the configuration, by the GUID it had when first seen |
  /// | `scope_group` | a group that scopes of rules ask for, by the GUID it had when first seen |
  /// | `placeless` | an entry of which nothing is concluded, because what stands above it was not read |
  static let importTables = Migration(
    name: "connect-1-import",
    statements: [
      """
      CREATE TABLE watermark (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL, partition TEXT NOT NULL, cookie BLOB, dc TEXT,
        invocation BLOB, usn INTEGER, generation INTEGER NOT NULL DEFAULT 0, mode TEXT, read_at REAL,
        unswept INTEGER NOT NULL DEFAULT 0, had_cookie INTEGER NOT NULL DEFAULT 0, hidden TEXT,
        UNIQUE (source, partition))
      """,
      """
      CREATE TABLE departure (
        source TEXT NOT NULL, anchor BLOB NOT NULL, partition INTEGER NOT NULL, waits_until REAL,
        unasked INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (source, anchor)) WITHOUT ROWID
      """,
      """
      CREATE TABLE returned (
        partition INTEGER NOT NULL, anchor BLOB NOT NULL, PRIMARY KEY (partition, anchor)) WITHOUT ROWID
      """,
      """
      CREATE TABLE entry (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL, partition INTEGER NOT NULL, anchor BLOB NOT NULL,
        kind TEXT NOT NULL, parent BLOB, dn TEXT NOT NULL, hash BLOB NOT NULL, attrs BLOB NOT NULL,
        generation INTEGER NOT NULL, dirty INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, mv INTEGER,
        UNIQUE (anchor, source))
      """,
      "CREATE INDEX entry_parent ON entry (parent)",
      "CREATE INDEX entry_mv ON entry (mv) WHERE mv IS NOT NULL",
      "CREATE INDEX entry_structure ON entry (source) WHERE kind = 'structure'",
      "CREATE INDEX entry_dirty ON entry (source, id) WHERE dirty = 1",
      """
      CREATE TABLE link (
        owner INTEGER NOT NULL, attr TEXT NOT NULL, target_guid BLOB NOT NULL, generation INTEGER NOT NULL,
        change INTEGER, PRIMARY KEY (owner, attr, target_guid)) WITHOUT ROWID
      """,
      "CREATE INDEX link_change ON link (change) WHERE change IS NOT NULL",
      "CREATE INDEX link_target ON link (target_guid)",
      """
      CREATE TABLE unresolved (
        source TEXT NOT NULL, guid BLOB NOT NULL, next_try REAL NOT NULL, attempts INTEGER NOT NULL, detail TEXT,
        PRIMARY KEY (source, guid)) WITHOUT ROWID
      """,
      "CREATE INDEX unresolved_due ON unresolved (source, next_try)",
      """
      CREATE TABLE scope (
        source TEXT NOT NULL, dn TEXT NOT NULL, guid BLOB NOT NULL, PRIMARY KEY (source, dn)) WITHOUT ROWID
      """,
      """
      CREATE TABLE scope_group (
        name TEXT NOT NULL, source TEXT NOT NULL, guid BLOB NOT NULL, PRIMARY KEY (name, source)) WITHOUT ROWID
      """,
      "CREATE TABLE placeless (entry INTEGER PRIMARY KEY)",
    ])
}
