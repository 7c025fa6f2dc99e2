// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts what statements make SQLite do: steps of its virtual machine, some of which each row takes that is looked at,
/// whether it is found or passed over (sqlite.org/c3ref/c_stmtstatus_counter.html, `SQLITE_STMTSTATUS_VM_STEP`). How deep
/// the tree of an index is does not count: the number follows the rows that are visited, not those that exist.
package final class StoreWork: Sendable {
  /// What one statement did so far.
  package struct Share: Sendable, Equatable {
    package var sql: String
    package var uses = 0
    package var steps = 0
  }

  private let shares = Mutex<[String: Share]>([:])

  package init() {}

  func note(_ sql: String, steps: Int) {
    shares.withLock { shares in
      shares[sql, default: Share(sql: sql)].uses += 1
      shares[sql, default: Share(sql: sql)].steps += steps
    }
  }

  /// The steps of all statements together.
  package var steps: Int { shares.withLock { $0.values.reduce(0) { $0 + $1.steps } } }

  /// The statements that did most, at most `count`.
  package func heaviest(_ count: Int) -> [Share] {
    Array(shares.withLock { Array($0.values) }.sorted { ($0.steps, $1.sql) > ($1.steps, $0.sql) }.prefix(count))
  }
}
