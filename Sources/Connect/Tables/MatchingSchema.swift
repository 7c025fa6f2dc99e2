// SPDX-License-Identifier: Apache-2.0

import Store

extension ConnectSchema {
  /// Whether a type has an object left is found without a walk through those of other types, and whose password has to be
  /// sent or forgotten without a walk through all users. What objects had that are parked under a temporary name.
  static let matching = Migration(
    name: "connect-24-matching",
    statements: [
      "CREATE INDEX mv_group ON mv (id) WHERE kind = 'group'",
      """
      CREATE TABLE password_look (
        target TEXT NOT NULL, anchor TEXT NOT NULL, PRIMARY KEY (target, anchor)) WITHOUT ROWID
      """,
      """
      CREATE TABLE parked (
        target TEXT NOT NULL, anchor TEXT NOT NULL, former BLOB NOT NULL, temporary BLOB NOT NULL,
        PRIMARY KEY (target, anchor)) WITHOUT ROWID
      """,
      "UPDATE credential SET next_try = 0 WHERE state = 'due' AND next_try IS NULL",
      "CREATE INDEX credential_anchor ON credential (target, anchor)",
    ])
}
