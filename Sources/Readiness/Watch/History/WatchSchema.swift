// SPDX-License-Identifier: Apache-2.0

package import Store

/// The tables of `ports watch`. Times are seconds since 1970.
///
/// | table | one row is |
/// |---|---|
/// | `watch_flow` | a flow that was ever checked: both ends, row and transport; what tells a host's addresses apart is `ordinal`, their place in a check, or `address` where each is watched by itself |
/// | `watch_state` | a time in which a flow's verdict and diagnosis stayed the same, with the latest finding of it |
/// | `watch_notice` | a change that is to be told, until it is |
package enum WatchSchema {
  package static let migrations = [
    Migration(
      name: "watch-1-initial",
      statements: [
        """
        CREATE TABLE watch_flow (
          id INTEGER PRIMARY KEY, source TEXT NOT NULL, row TEXT NOT NULL, transport TEXT NOT NULL, kind TEXT NOT NULL,
          role TEXT NOT NULL, host TEXT NOT NULL, ordinal INTEGER NOT NULL, address TEXT NOT NULL,
          required INTEGER NOT NULL, checked REAL NOT NULL,
          UNIQUE (source, row, transport, kind, host, ordinal, address))
        """,
        """
        CREATE TABLE watch_state (
          id INTEGER PRIMARY KEY, flow INTEGER NOT NULL REFERENCES watch_flow (id) ON DELETE CASCADE,
          since REAL NOT NULL, until REAL NOT NULL, checks INTEGER NOT NULL, verdict TEXT NOT NULL,
          diagnosis TEXT NOT NULL, finding TEXT NOT NULL)
        """,
        "CREATE INDEX watch_state_flow ON watch_state (flow, since)",
        "CREATE INDEX watch_state_until ON watch_state (until)",
        """
        CREATE TABLE watch_notice (
          id INTEGER PRIMARY KEY, flow INTEGER NOT NULL REFERENCES watch_flow (id) ON DELETE CASCADE, at REAL NOT NULL,
          body TEXT NOT NULL, attempts INTEGER NOT NULL, next_try REAL NOT NULL)
        """,
      ])
  ]
}
