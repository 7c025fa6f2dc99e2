// SPDX-License-Identifier: Apache-2.0

package import Store

/// The tables of the synchronisation engine.
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
/// | `mv` | an object of the metaverse; `gone` is 1 until its deletion is confirmed; `anchor_entry` gave the anchor; `outside` is 1 where it is only referred to, and never written |
/// | `join_key` | a value by which an entry may be joined by those of other forests |
/// | `target` | a target that the engine writes to: what concerns an object is looked up at each of them |
/// | `placeless` | an entry of which nothing is concluded, because what stands above it was not read |
/// | `replaced_name` | an object whose sign-in name a target could not take, and what it wanted |
/// | `form` | what an object is at a target, where that differs from the metaverse |
/// | `claim` | a sign-in name or address that a metaverse object wants at a target; one of them holds it |
/// | `due` | an entry that must be looked at again at a time (seconds since 1970) |
/// | `remote`, `remote_link` | what the target confirmed; `adoption` says what an object lacks to be ours |
/// | `anchor_write` | a source anchor that has yet to be written to its directory; its object's export waits for that |
/// | `stranger` | what a target holds that is no object of ours, or can restore; matches are found here |
/// | `pending`, `pending_link` | what the target has yet to be told; `sent` is the revision of an unanswered request |
/// | `parked` | an object that has a temporary name at a target, with what it had before (``NameExchange``) |
/// | `quarantine` | why an object or one of its values is held back; without a target's name: for all of them |
/// | `approval` | a difference that was let past the guard, by its fingerprint, with when it was approved and used |
/// | `cleared` | an attribute that an object has no more at a target, until that knows |
/// | `passed` | a deletion that the guard let a service export, and when |
/// | `approved` | a deletion (`member` is 0), the clearing of values (-1), or a removal from a group, of such a difference that is not done yet |
/// | `password_watermark` | how far the password hashes of a domain were read |
/// | `password_policy` | how long passwords of a domain live, and when that was read |
/// | `credential` | a user's password at a target: its state and version, never the password |
/// | `password_look` | an anchor whose user came to a target or left it since passwords were last looked at |
/// | `password_departure` | a password that a target still has to forget, because its user left |
/// | `run` | a pass that was made |
/// | `flow_use` | a row of the port reference that was really used |
/// | `setting` | a single value of the engine's own |
package enum ConnectSchema {
  package static let migrations = [
    Migration(
      name: "connect-1-initial",
      statements: [
        """
        CREATE TABLE watermark (
          id INTEGER PRIMARY KEY, source TEXT NOT NULL, partition TEXT NOT NULL, cookie BLOB, dc TEXT,
          invocation BLOB, usn INTEGER, generation INTEGER NOT NULL DEFAULT 0, mode TEXT, read_at REAL,
          UNIQUE (source, partition))
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
        "CREATE INDEX entry_dirty ON entry (id) WHERE dirty = 1",
        "CREATE INDEX entry_structure ON entry (source) WHERE kind = 'structure'",
        """
        CREATE TABLE link (
          owner INTEGER NOT NULL, attr TEXT NOT NULL, target_guid BLOB NOT NULL, generation INTEGER NOT NULL,
          change INTEGER, PRIMARY KEY (owner, attr, target_guid)) WITHOUT ROWID
        """,
        "CREATE INDEX link_target ON link (target_guid)",
        "CREATE INDEX link_change ON link (owner) WHERE change IS NOT NULL",
        """
        CREATE TABLE scope (
          source TEXT NOT NULL, dn TEXT NOT NULL, guid BLOB NOT NULL, PRIMARY KEY (source, dn)) WITHOUT ROWID
        """,
        """
        CREATE TABLE mv (
          id INTEGER PRIMARY KEY, kind TEXT NOT NULL, source_anchor TEXT NOT NULL UNIQUE, nickname TEXT,
          attrs BLOB NOT NULL, gone INTEGER NOT NULL DEFAULT 0)
        """,
        """
        CREATE TABLE claim (
          attr TEXT NOT NULL, folded TEXT NOT NULL, mv INTEGER NOT NULL, held INTEGER NOT NULL,
          PRIMARY KEY (attr, folded, mv)) WITHOUT ROWID
        """,
        "CREATE UNIQUE INDEX claim_holder ON claim (attr, folded) WHERE held = 1",
        "CREATE INDEX claim_mv ON claim (mv)",
        "CREATE TABLE due (mv INTEGER PRIMARY KEY, at INTEGER NOT NULL, why TEXT NOT NULL)",
        "CREATE INDEX due_at ON due (at)",
        """
        CREATE TABLE remote (
          target TEXT NOT NULL, mv INTEGER NOT NULL, remote_id TEXT NOT NULL, etag TEXT, baseline BLOB NOT NULL,
          seen INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (target, mv), UNIQUE (target, remote_id))
        """,
        """
        CREATE TABLE remote_link (
          target TEXT NOT NULL, owner INTEGER NOT NULL, attr TEXT NOT NULL, member INTEGER NOT NULL,
          PRIMARY KEY (target, owner, attr, member)) WITHOUT ROWID
        """,
        "CREATE INDEX remote_link_member ON remote_link (target, member)",
        """
        CREATE TABLE pending (
          target TEXT NOT NULL, mv INTEGER NOT NULL, op TEXT NOT NULL, revision INTEGER NOT NULL, sent INTEGER,
          state TEXT NOT NULL, PRIMARY KEY (target, mv)) WITHOUT ROWID
        """,
        "CREATE INDEX pending_sent ON pending (target, mv) WHERE sent IS NOT NULL",
        """
        CREATE TABLE pending_link (
          target TEXT NOT NULL, owner INTEGER NOT NULL, attr TEXT NOT NULL, member INTEGER NOT NULL, op TEXT NOT NULL,
          revision INTEGER NOT NULL, sent INTEGER, state TEXT NOT NULL,
          PRIMARY KEY (target, owner, attr, member)) WITHOUT ROWID
        """,
        "CREATE INDEX pending_link_member ON pending_link (target, member)",
        """
        CREATE TABLE quarantine (
          target TEXT NOT NULL, entry INTEGER NOT NULL, reason TEXT NOT NULL, mv INTEGER, detail TEXT NOT NULL,
          other TEXT, since REAL NOT NULL, attempts INTEGER NOT NULL, next_try REAL,
          PRIMARY KEY (target, entry, reason)) WITHOUT ROWID
        """,
        "CREATE INDEX quarantine_mv ON quarantine (mv)",
        """
        CREATE TABLE run (
          id INTEGER PRIMARY KEY, started REAL NOT NULL, ended REAL, mode TEXT NOT NULL, outcome TEXT NOT NULL,
          report TEXT)
        """,
        """
        CREATE TABLE flow_use (
          row TEXT NOT NULL, transport TEXT NOT NULL, host TEXT NOT NULL, address TEXT NOT NULL, port INTEGER NOT NULL,
          protection TEXT NOT NULL, first_at REAL NOT NULL, last_at REAL NOT NULL, count INTEGER NOT NULL,
          PRIMARY KEY (row, transport, host, address, port, protection)) WITHOUT ROWID
        """,
        "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
      ]),
    Migration(
      name: "connect-2-joins",
      statements: [
        """
        CREATE TABLE join_key (
          attr TEXT NOT NULL, folded TEXT NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (attr, folded, entry))
          WITHOUT ROWID
        """,
        "CREATE INDEX join_key_entry ON join_key (entry)",
        "ALTER TABLE mv ADD COLUMN anchor_entry INTEGER",
        "UPDATE mv SET anchor_entry = (SELECT MIN(entry.id) FROM entry WHERE entry.mv = mv.id)",
        """
        UPDATE quarantine SET other = (SELECT mv FROM entry WHERE entry.id = CAST(other AS INTEGER))
        WHERE reason = 'duplicateAnchor'
        """,
        """
        UPDATE quarantine SET target = ''
        WHERE reason IN ('duplicateUserName', 'duplicateAddress', 'duplicateAnchor')
        """,
        "CREATE INDEX quarantine_other ON quarantine (other) WHERE other IS NOT NULL",
        "CREATE INDEX mv_rare ON mv (kind) WHERE kind IN ('contact', 'device')",
      ]),
    Migration(
      name: "connect-3-matching",
      statements: [
        "ALTER TABLE remote ADD COLUMN adoption INTEGER NOT NULL DEFAULT 0",
        """
        CREATE TABLE stranger (
          target TEXT NOT NULL, remote_id TEXT NOT NULL, kind TEXT NOT NULL, source_anchor TEXT, user_name TEXT,
          address TEXT, privileged INTEGER NOT NULL, deleted INTEGER NOT NULL, etag TEXT, attrs BLOB NOT NULL,
          reading INTEGER NOT NULL, PRIMARY KEY (target, remote_id))
        """,
        "CREATE INDEX stranger_anchor ON stranger (target, source_anchor) WHERE source_anchor IS NOT NULL",
        "CREATE INDEX stranger_name ON stranger (target, user_name) WHERE user_name IS NOT NULL",
        "CREATE INDEX stranger_address ON stranger (target, address) WHERE address IS NOT NULL",
      ]),
    Migration(
      name: "connect-4-anchors",
      statements: [
        "CREATE TABLE anchor_write (entry INTEGER PRIMARY KEY, mv INTEGER NOT NULL, anchor BLOB NOT NULL)",
        "CREATE INDEX anchor_write_mv ON anchor_write (mv)",
      ]),
    Migration(
      name: "connect-5-approvals",
      statements: [
        """
        CREATE TABLE approval (
          target TEXT NOT NULL, fingerprint TEXT NOT NULL, approved_at REAL NOT NULL, used_at REAL,
          PRIMARY KEY (target, fingerprint)) WITHOUT ROWID
        """,
        """
        CREATE TABLE approved (
          target TEXT NOT NULL, mv INTEGER NOT NULL, member INTEGER NOT NULL, PRIMARY KEY (target, mv, member))
          WITHOUT ROWID
        """,
      ]),
    Migration(
      name: "connect-6-window",
      statements: [
        """
        CREATE TABLE passed (
          target TEXT NOT NULL, anchor TEXT NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL,
          PRIMARY KEY (target, anchor)) WITHOUT ROWID
        """
      ]),
    Migration(
      name: "connect-7-departures",
      statements: [
        "ALTER TABLE watermark ADD COLUMN unswept INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE watermark ADD COLUMN had_cookie INTEGER NOT NULL DEFAULT 0",
        "UPDATE watermark SET had_cookie = 1 WHERE length(cookie) > 0",
        """
        CREATE TABLE departure (
          source TEXT NOT NULL, anchor BLOB NOT NULL, partition INTEGER NOT NULL, PRIMARY KEY (source, anchor))
          WITHOUT ROWID
        """,
      ]),
    Migration(
      name: "connect-8-references",
      statements: [
        """
        CREATE TABLE unresolved (
          source TEXT NOT NULL, guid BLOB NOT NULL, next_try REAL NOT NULL, attempts INTEGER NOT NULL, detail TEXT,
          PRIMARY KEY (source, guid)) WITHOUT ROWID
        """,
        "CREATE INDEX unresolved_due ON unresolved (source, next_try)",
        "ALTER TABLE mv ADD COLUMN outside INTEGER NOT NULL DEFAULT 0",
        """
        UPDATE link SET change = 1 WHERE change IS NULL
          AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.anchor = link.target_guid)
        """,
      ]),
    Migration(
      name: "connect-9-cleared",
      statements: [
        "CREATE TABLE cleared (mv INTEGER NOT NULL, attr TEXT NOT NULL, PRIMARY KEY (mv, attr)) WITHOUT ROWID"
      ]),
    Migration(
      name: "connect-10-passwords",
      statements: [
        """
        CREATE TABLE password_watermark (
          source TEXT NOT NULL, partition TEXT NOT NULL, server TEXT, invocation BLOB NOT NULL,
          object_usn INTEGER NOT NULL, reserved_usn INTEGER NOT NULL, property_usn INTEGER NOT NULL, known BLOB,
          read_at REAL NOT NULL, PRIMARY KEY (source, partition)) WITHOUT ROWID
        """,
        """
        CREATE TABLE credential (
          target TEXT NOT NULL, entry INTEGER NOT NULL, state TEXT NOT NULL, version INTEGER, originated INTEGER,
          invocation BLOB, reason TEXT, detail TEXT, since REAL NOT NULL, next_try REAL,
          PRIMARY KEY (target, entry)) WITHOUT ROWID
        """,
        "CREATE INDEX credential_due ON credential (target, next_try) WHERE state = 'due'",
      ]),
    passwordDepartures, targetForms, entriesDue, shortWays, writebackMigration, clearedAtTarget, seamlessSSOIntent,
    fineGrainedPolicies, arrivals, hiddenValues, deferredLinks, engineNotes, matching, returns, scopeGroups,
  ]
}

/// Single values of the engine's own.
enum Setting: String {
  /// A fingerprint of what the rules depend on: when it changes, every entry is synchronised again.
  case rules
  /// The rules changed, and not every entry has been synchronised by them yet: what objects lose, the rules took.
  case rulesChanged = "rules-changed"
  /// Followed by a source's name: a fingerprint of what was asked of it.
  case requested = "requested:"
  /// Followed by a target's name: when the target was last read in full.
  case reconciled = "reconciled:"
  /// Followed by a target's name: the number of the last full reading of the target.
  case reading = "reading:"
  /// Followed by a target's name: it was held in staging mode, so that what it holds has to be read before an export.
  case staged = "staged:"
  /// Followed by a target's name: the kinds of objects that it takes, as it last said.
  case offer = "offer:"
  /// Followed by a target's name: when all users' passwords were last looked at, and of which sources.
  case passwordsScanned = "passwords-scanned:"
  /// A source is read for the first time: references are indexed after that.
  case linksUnindexed = "links-unindexed"
  /// When somebody last asked for a pass at once: after an approval, or to try again what was refused.
  case call

  static func load(_ setting: Setting, of suffix: String = "", in transaction: any Transaction) throws -> String? {
    try transaction.value("SELECT value FROM setting WHERE name = ?", [.text(setting.rawValue + suffix)])
  }

  static func remove(_ setting: Setting, of suffix: String = "", in transaction: any Transaction) throws {
    try transaction.run("DELETE FROM setting WHERE name = ?", [.text(setting.rawValue + suffix)])
  }

  static func save(
    _ setting: Setting, of suffix: String = "", _ value: String, in transaction: any Transaction
  ) throws {
    try transaction.run(
      "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      [.text(setting.rawValue + suffix), .text(value)])
  }
}
