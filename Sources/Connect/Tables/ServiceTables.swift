// SPDX-License-Identifier: Apache-2.0

import Store

extension ConnectSchema {
  /// What the service notes of itself.
  ///
  /// | table | one row is |
  /// |---|---|
  /// | `run` | a pass that was made |
  /// | `flow_use` | a row of the port reference that was really used |
  /// | `setting` | a single value of the engine's own |
  static let serviceTables = Migration(
    name: "connect-6-service",
    statements: [
      """
      CREATE TABLE run (
        id INTEGER PRIMARY KEY, started REAL NOT NULL, ended REAL, mode TEXT NOT NULL, outcome TEXT NOT NULL,
        report TEXT)
      """,
      """
      CREATE TABLE flow_use (
        row TEXT NOT NULL, transport TEXT NOT NULL, host TEXT NOT NULL, address TEXT NOT NULL,
        port INTEGER NOT NULL, protection TEXT NOT NULL, first_at REAL NOT NULL, last_at REAL NOT NULL,
        count INTEGER NOT NULL, PRIMARY KEY (row, transport, host, address, port, protection)) WITHOUT ROWID
      """,
      "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    ])
}
