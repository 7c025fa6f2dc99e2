// SPDX-License-Identifier: Apache-2.0

import Store

extension ConnectSchema {
  /// What the guard was told to let through, and what it let through.
  ///
  /// | table | one row is |
  /// |---|---|
  /// | `cleared` | an attribute that an object has no more at a target, until that knows |
  /// | `approval` | a difference that was let past the guard, by its fingerprint, with when it was approved and used |
  /// | `approved` | a deletion (`member` is 0), the clearing of values (-1), or a removal from a group, of such a difference that is not done yet |
  /// | `passed` | a deletion that the guard let a service export, and when |
  static let guardTables = Migration(
    name: "connect-4-guard",
    statements: [
      """
      CREATE TABLE cleared (
        target TEXT NOT NULL, mv INTEGER NOT NULL, attr TEXT NOT NULL,
        PRIMARY KEY (target, mv, attr)) WITHOUT ROWID
      """,
      """
      CREATE TABLE approval (
        target TEXT NOT NULL, fingerprint TEXT NOT NULL, approved_at REAL NOT NULL, used_at REAL,
        PRIMARY KEY (target, fingerprint)) WITHOUT ROWID
      """,
      """
      CREATE TABLE approved (
        target TEXT NOT NULL, mv INTEGER NOT NULL, member INTEGER NOT NULL,
        PRIMARY KEY (target, mv, member)) WITHOUT ROWID
      """,
      """
      CREATE TABLE passed (
        target TEXT NOT NULL, anchor TEXT NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (target, anchor)) WITHOUT ROWID
      """,
    ])
}
