// SPDX-License-Identifier: Apache-2.0

import Store

extension ConnectSchema {
  /// Passwords that targets have to forget, and what expiry depends on. Each credential knows the anchor that it was sent
  /// under, because its entry may be gone when that is asked for.
  static let passwordDepartures = Migration(
    name: "connect-passwords-departures",
    statements: [
      "ALTER TABLE credential ADD COLUMN anchor TEXT",
      """
      UPDATE credential SET anchor =
        (SELECT mv.source_anchor FROM entry JOIN mv ON mv.id = entry.mv WHERE entry.id = credential.entry)
      """,
      """
      CREATE TABLE password_departure (
        target TEXT NOT NULL, anchor TEXT NOT NULL, version INTEGER NOT NULL, originated INTEGER NOT NULL,
        invocation BLOB NOT NULL, reason TEXT, detail TEXT, since REAL NOT NULL, next_try REAL,
        PRIMARY KEY (target, anchor)) WITHOUT ROWID
      """,
      // maximum_age in negative ticks of 100 ns, read_at in seconds since 1970.
      """
      CREATE TABLE password_policy (
        source TEXT NOT NULL, partition TEXT NOT NULL, maximum_age INTEGER, read_at REAL NOT NULL,
        PRIMARY KEY (source, partition)) WITHOUT ROWID
      """,
    ])
}
