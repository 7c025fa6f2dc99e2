// SPDX-License-Identifier: Apache-2.0

import Store

/// The index by which references to an entry are found, which is built in one go when a source is read for the first
/// time: that costs a third of keeping it up to date row by row.
enum LinkIndex {
  /// Before a first reading, where nothing has references yet.
  static func drop(_ store: any Store) async throws {
    _ = try await store.write { transaction in
      let link: Int? = try transaction.value("SELECT 1 FROM link LIMIT 1")
      guard link == nil else { return }
      try transaction.run("DROP INDEX IF EXISTS link_target")
      try Setting.save(.linksUnindexed, "1", in: transaction)
    }
  }

  /// After the first reading; before any other one, because the first may have been cut off. Sources are read side by
  /// side: another one may have built it meanwhile.
  static func complete(_ store: any Store) async throws {
    // A look that waits for no writer: a service reads every second.
    guard try await store.read({ try Setting.load(.linksUnindexed, in: $0) }) != nil else { return }
    try await store.write { transaction in
      try transaction.run("CREATE INDEX IF NOT EXISTS link_target ON link (target_guid)")
      try Setting.remove(.linksUnindexed, in: transaction)
    }
  }
}
