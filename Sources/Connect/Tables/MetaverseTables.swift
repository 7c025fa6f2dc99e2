// SPDX-License-Identifier: Apache-2.0

import Store

extension ConnectSchema {
  /// What the directories' entries make together, and what each target gets instead.
  ///
  /// | table | one row is |
  /// |---|---|
  /// | `mv` | an object of the metaverse; `gone` is 1 until its deletion is confirmed; `anchor_entry` gave the anchor; `outside` is 1 where it is only referred to, and never written |
  /// | `join_key` | a value by which an entry may be joined by those of other forests |
  /// | `target` | a target that the engine writes to: what concerns an object is looked up at each of them |
  /// | `form` | what an object is at a target, where that differs from the metaverse |
  /// | `replaced_name` | an object whose sign-in name a target could not take, and what it wanted |
  /// | `claim` | a sign-in name or address that a metaverse object wants at a target; one of them holds it |
  /// | `due` | an entry that must be looked at again at a time (seconds since 1970) |
  static let metaverseTables = Migration(
    name: "connect-2-metaverse",
    statements: [
      """
      CREATE TABLE mv (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, source_anchor TEXT NOT NULL UNIQUE, nickname TEXT,
        attrs BLOB NOT NULL, gone INTEGER NOT NULL DEFAULT 0, anchor_entry INTEGER,
        outside INTEGER NOT NULL DEFAULT 0)
      """,
      "CREATE INDEX mv_rare ON mv (kind) WHERE kind IN ('contact', 'device')",
      "CREATE INDEX mv_group ON mv (id) WHERE kind = 'group'",
      """
      CREATE TABLE join_key (
        attr TEXT NOT NULL, folded TEXT NOT NULL, entry INTEGER NOT NULL,
        PRIMARY KEY (attr, folded, entry)) WITHOUT ROWID
      """,
      "CREATE INDEX join_key_entry ON join_key (entry)",
      "CREATE TABLE target (name TEXT PRIMARY KEY) WITHOUT ROWID",
      """
      CREATE TABLE form (
        mv INTEGER NOT NULL, target TEXT NOT NULL, attrs BLOB NOT NULL, PRIMARY KEY (mv, target))
      """,
      """
      CREATE TABLE replaced_name (
        mv INTEGER NOT NULL, target TEXT NOT NULL, wanted TEXT, PRIMARY KEY (mv, target)) WITHOUT ROWID
      """,
      """
      CREATE TABLE claim (
        target TEXT NOT NULL, attr TEXT NOT NULL, folded TEXT NOT NULL, mv INTEGER NOT NULL,
        held INTEGER NOT NULL, PRIMARY KEY (target, attr, folded, mv)) WITHOUT ROWID
      """,
      "CREATE UNIQUE INDEX claim_holder ON claim (target, attr, folded) WHERE held = 1",
      "CREATE INDEX claim_mv ON claim (mv)",
      "CREATE TABLE due (entry INTEGER PRIMARY KEY, at INTEGER NOT NULL)",
      "CREATE INDEX due_at ON due (at)",
    ])
}
