// SPDX-License-Identifier: Apache-2.0

import Store

extension ConnectSchema {
  /// What targets confirmed, what they have yet to be told, and why something is held back.
  ///
  /// | table | one row is |
  /// |---|---|
  /// | `remote`, `remote_link` | what the target confirmed; `adoption` says what an object lacks to be ours |
  /// | `reading_link` | references that a full reading under way has met, until everything was read |
  /// | `stranger` | what a target holds that is no object of ours, or can restore; matches are found here |
  /// | `anchor_write` | a source anchor that has yet to be written to its directory; its object's export waits for that |
  /// | `pending`, `pending_link` | what the target has yet to be told; `sent` is the revision of an unanswered request |
  /// | `parked` | an object that has a temporary name at a target, with what it had before (``NameExchange``) |
  /// | `quarantine` | why an object or one of its values is held back; without a target's name: for all of them |
  static let targetTables = Migration(
    name: "connect-3-targets",
    statements: [
      """
      CREATE TABLE remote (
        target TEXT NOT NULL, mv INTEGER NOT NULL, remote_id TEXT NOT NULL, etag TEXT, baseline BLOB NOT NULL,
        seen INTEGER NOT NULL DEFAULT 0, adoption INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (target, mv),
        UNIQUE (target, remote_id))
      """,
      """
      CREATE TABLE remote_link (
        target TEXT NOT NULL, owner INTEGER NOT NULL, attr TEXT NOT NULL, member INTEGER NOT NULL,
        PRIMARY KEY (target, owner, attr, member)) WITHOUT ROWID
      """,
      "CREATE INDEX remote_link_member ON remote_link (target, member)",
      """
      CREATE TABLE reading_link (
        target TEXT NOT NULL, owner INTEGER NOT NULL, kind TEXT NOT NULL, links BLOB NOT NULL,
        PRIMARY KEY (target, owner))
      """,
      """
      CREATE TABLE stranger (
        target TEXT NOT NULL, remote_id TEXT NOT NULL, kind TEXT NOT NULL, source_anchor TEXT, user_name TEXT,
        address TEXT, privileged INTEGER NOT NULL, deleted INTEGER NOT NULL, etag TEXT, attrs BLOB NOT NULL,
        reading INTEGER NOT NULL, PRIMARY KEY (target, remote_id))
      """,
      "CREATE INDEX stranger_anchor ON stranger (target, source_anchor) WHERE source_anchor IS NOT NULL",
      "CREATE INDEX stranger_name ON stranger (target, user_name) WHERE user_name IS NOT NULL",
      "CREATE INDEX stranger_address ON stranger (target, address) WHERE address IS NOT NULL",
      "CREATE TABLE anchor_write (entry INTEGER PRIMARY KEY, mv INTEGER NOT NULL, anchor BLOB NOT NULL)",
      "CREATE INDEX anchor_write_mv ON anchor_write (mv)",
      """
      CREATE TABLE pending (
        target TEXT NOT NULL, mv INTEGER NOT NULL, op TEXT NOT NULL, revision INTEGER NOT NULL, sent INTEGER,
        state TEXT NOT NULL, PRIMARY KEY (target, mv)) WITHOUT ROWID
      """,
      "CREATE INDEX pending_sent ON pending (target, mv) WHERE sent IS NOT NULL",
      """
      CREATE TABLE pending_link (
        target TEXT NOT NULL, owner INTEGER NOT NULL, attr TEXT NOT NULL, member INTEGER NOT NULL,
        op TEXT NOT NULL, revision INTEGER NOT NULL, sent INTEGER, state TEXT NOT NULL,
        PRIMARY KEY (target, owner, attr, member)) WITHOUT ROWID
      """,
      "CREATE INDEX pending_link_member ON pending_link (target, member)",
      """
      CREATE TABLE parked (
        target TEXT NOT NULL, anchor TEXT NOT NULL, former BLOB NOT NULL, temporary BLOB NOT NULL,
        PRIMARY KEY (target, anchor)) WITHOUT ROWID
      """,
      """
      CREATE TABLE quarantine (
        target TEXT NOT NULL, entry INTEGER NOT NULL, reason TEXT NOT NULL, mv INTEGER, detail TEXT NOT NULL,
        other TEXT, since REAL NOT NULL, attempts INTEGER NOT NULL, next_try REAL,
        PRIMARY KEY (target, entry, reason)) WITHOUT ROWID
      """,
      "CREATE INDEX quarantine_mv ON quarantine (mv)",
      "CREATE INDEX quarantine_other ON quarantine (other) WHERE other IS NOT NULL",
    ])
}
