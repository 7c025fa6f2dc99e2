// SPDX-License-Identifier: Apache-2.0

package import Store
import Synchronization
package import Wire

/// Notes which rows of the port reference were really used; shared by every transport of the process.
///
/// Transports call it from event loops: it only counts. The engine flushes it to the store.
package final class FlowLedger: FlowRecorder {
  private let counts = Mutex<[FlowUse: Int]>([:])

  /// Peers beyond this number are no longer told apart until the next flush: a bound for a process that never flushes.
  static let maximumUses = 10_000

  package init() {}

  package func record(_ use: FlowUse) {
    counts.withLock { counts in
      guard counts.count < Self.maximumUses || counts[use] != nil else { return }
      counts[use, default: 0] += 1
    }
  }

  /// The uses since the last flush.
  package var current: [FlowUse] { counts.withLock { Array($0.keys) } }

  /// Moves what was counted to the `flow_use` table. `time` is in seconds since 1970.
  package func flush(to store: any Store, at time: Double) async throws {
    let taken = counts.withLock { counts in
      defer { counts = [:] }
      return counts
    }
    guard !taken.isEmpty else { return }
    do {
      try await store.write { transaction in
        try transaction.run(
          """
          INSERT INTO flow_use (row, transport, host, address, port, protection, first_at, last_at, count)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (row, transport, host, address, port, protection) DO UPDATE SET
            last_at = excluded.last_at, count = flow_use.count + excluded.count
          """,
          rows: taken.map { use, count -> [SQLValue] in
            [
              .text(use.row), .text(use.transport.rawValue), .text(use.host), .text(use.address),
              .integer(Int64(use.port)), .text(use.protection), .real(time), .real(time), .integer(Int64(count)),
            ]
          })
      }
    } catch {
      counts.withLock { counts in
        for (use, count) in taken { counts[use, default: 0] += count }
      }
      throw error
    }
  }
}
