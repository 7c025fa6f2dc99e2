// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import Wire

/// Writes source anchors back to the directories before their objects are exported for the first time: the rows of
/// `anchor_write`, for which the exports wait.
struct AnchorWriteback: Sendable {
  let writers: [any AnchorWriter]
  let store: any Store
  let now: @Sendable () -> Double

  /// Entries in one turn.
  static let batchSize = 500
  /// So many refusals end a pass: where the right is missing, it is missing for all.
  static let maximumRefusals = 10

  private struct Row: Sendable {
    var entry: Int64
    var object: Int64
    var partition: String
    var write: AnchorWrite
  }

  /// Whether anything waits to be written.
  func isDue() async throws -> Bool {
    try await store.read { try $0.value("SELECT 1 FROM anchor_write LIMIT 1", as: Int.self) != nil }
  }

  /// Writes to all directories at once. One that does not answer holds up the objects that wait for it, and nobody else.
  ///
  /// - Returns: why entries were refused, and why directories did not answer.
  func run() async throws -> [String] {
    try await withThrowingTaskGroup(of: [String].self) { group in
      for writer in writers { group.addTask { try await run(writer) } }
      return try await group.reduce(into: []) { $0 += $1 }
    }
  }

  private func run(_ writer: any AnchorWriter) async throws -> [String] {
    var refusals: [String] = []
    var silent: Set<String> = []
    var last: Int64 = -1
    while refusals.count < Self.maximumRefusals {
      try Task.checkCancellation()
      let rows = try await next(writer.source, after: last)
      guard let first = rows.first else { break }
      // One partition at a time: each has its own domain controllers.
      let batch = rows.prefix { $0.partition == first.partition }
      last = batch.last?.entry ?? last
      if silent.contains(first.partition) { continue }
      do {
        let outcomes = try await writer.write(batch.map(\.write), in: first.partition)
        try await record(Array(zip(batch, outcomes)))
        refusals += outcomes.compactMap { $0 }
      } catch let error as any DiagnosableError where !(error is StoreError) {
        silent.insert(first.partition)
        refusals.append("\(first.partition): \(error.message)")
      }
    }
    return refusals
  }

  private func next(_ source: String, after last: Int64) async throws -> [Row] {
    try await store.read { transaction in
      try transaction.query(
        """
        SELECT entry.id, anchor_write.mv, watermark.partition, entry.anchor, anchor_write.anchor FROM anchor_write
        JOIN entry ON entry.id = anchor_write.entry JOIN watermark ON watermark.id = entry.partition
        WHERE entry.source = ? AND entry.id > ? AND entry.deleted = 0 ORDER BY entry.id LIMIT ?
        """, [.text(source), .integer(last), .integer(Int64(Self.batchSize))]
      ) { row in
        Row(
          entry: try row[0], object: try row[1], partition: try row[2],
          write: AnchorWrite(entry: Anchor(try row[3]), anchor: try row[4]))
      }
    }
  }

  private func record(_ outcomes: [(Row, String?)]) async throws {
    try await store.write { [time = now()] transaction in
      let quarantine = Quarantine(transaction: transaction, target: Quarantine.everyTarget, now: time)
      for (row, refusal) in outcomes {
        if let refusal {
          try quarantine.put(
            entry: row.entry, mv: row.object, .anchorNotWritten,
            "\(SourceAnchor.attribute) could not be written, so it is not exported: \(refusal)", other: nil)
        } else {
          try transaction.run("DELETE FROM anchor_write WHERE entry = ?", [.integer(row.entry)])
          try quarantine.remove(entry: row.entry, .anchorNotWritten)
        }
      }
    }
  }
}
