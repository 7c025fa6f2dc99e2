// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// Entries that left a partition, told by the directory or absent from a complete enumeration. They are deleted when all
/// partitions of their forest have been read: an object that moved to another domain keeps its GUID and is found there.
struct Departures {
  private let source: String
  private let transaction: any Transaction
  /// Whether any departure waited when the transaction began.
  private let areWaiting: Bool

  init(source: String, in transaction: any Transaction) throws {
    self.source = source
    self.transaction = transaction
    areWaiting =
      try transaction.value("SELECT 1 FROM departure WHERE source = ? LIMIT 1", [.text(source)], as: Int.self) != nil
  }

  func add(_ anchor: Anchor, from partition: Int64) throws {
    try transaction.run(
      "INSERT INTO departure (source, anchor, partition) VALUES (?, ?, ?) ON CONFLICT (source, anchor) DO NOTHING",
      [.text(source), .blob(anchor.bytes), .integer(partition)])
  }

  /// Whether an entry that is met had left; it has not any more.
  func isReturning(_ anchor: Anchor) throws -> Bool {
    guard areWaiting else { return false }
    return try transaction.run(
      "DELETE FROM departure WHERE source = ? AND anchor = ?", [.text(source), .blob(anchor.bytes)]) > 0
  }

  /// Deletes what left, by partition.
  ///
  /// - Parameter whereabouts: what is known of it besides.
  static func settle(
    of source: String, _ whereabouts: Whereabouts, in store: any Store
  ) async throws -> [String: (entries: Int, rows: Int)] {
    let partitions = try await store.read { transaction in
      try transaction.query(
        """
        SELECT id, partition, generation, unswept FROM watermark WHERE source = ?1
          AND (unswept = 1 OR EXISTS (SELECT 1 FROM departure WHERE source = ?1 AND partition = watermark.id))
        """, [.text(source)]
      ) { row in
        (
          staging: Staging(source: source, partition: try row[0], generation: try row[2]), name: try row[1] as String,
          isUnswept: try row[3] as Bool
        )
      }
    }
    var result: [String: (entries: Int, rows: Int)] = [:]
    for (staging, name, isUnswept) in partitions {
      var (entries, rows) = (0, 0)
      /// One stretch of the work; the result is how much of it there was.
      func delete(_ body: @escaping @Sendable (any Transaction) throws -> Int) async throws -> Int {
        try Task.checkCancellation()
        let (found, written) = try await store.write { transaction in
          let before = transaction.rowsWritten
          return (try body(transaction), transaction.rowsWritten - before)
        }
        entries += found
        rows += written
        return found
      }
      let departed = try await store.read { try staging.departed($0) }.filter { !whereabouts.arriving.contains($0) }
      for slice in departed.chunks(of: Importer.transactionSize) {
        _ = try await delete { try staging.delete(departed: slice, whereabouts, $0) }
      }
      if isUnswept {
        rows += try await store.write { transaction in try staging.hold(whereabouts.arriving, in: transaction) }
        while try await delete({ try staging.deleteAbsent(whereabouts, $0) }) > 0 {}
        rows += try await store.write { transaction in try staging.endSweep(transaction) }
      }
      result[name] = (entries, rows)
    }
    return result
  }
}

extension Staging {
  /// What was told to be deleted.
  fileprivate func departed(_ transaction: any Transaction) throws -> [Anchor] {
    try transaction.query(
      "SELECT anchor FROM departure WHERE source = ? AND partition = ?", [.text(source), .integer(partition)]
    ) { row in Anchor(try row[0]) }
  }

  /// - Returns: how many there were.
  fileprivate func delete(
    departed: ArraySlice<Anchor>, _ whereabouts: Whereabouts, _ transaction: any Transaction
  ) throws -> Int {
    for anchor in departed {
      let id: Int64? = try transaction.value(
        "SELECT id FROM entry WHERE anchor = ? AND source = ? AND deleted = 0 AND partition = ?",
        [.blob(anchor.bytes), .text(source), .integer(partition)])
      if let id { try delete(id, anchor, isOutside: whereabouts.outside.contains(anchor), in: transaction) }
      try transaction.run(
        "DELETE FROM departure WHERE source = ? AND anchor = ?", [.text(source), .blob(anchor.bytes)])
    }
    return departed.count
  }

  /// What a complete enumeration did not meet and another partition will bring waits for that.
  ///
  /// - Returns: rows that were written.
  fileprivate func hold(_ arriving: Set<Anchor>, in transaction: any Transaction) throws -> Int {
    let before = transaction.rowsWritten
    let departures = try Departures(source: source, in: transaction)
    for anchor in arriving {
      let absent: Int64? = try transaction.value(
        "SELECT id FROM entry WHERE anchor = ? AND source = ? AND partition = ? AND generation < ? AND deleted = 0",
        [.blob(anchor.bytes), .text(source), .integer(partition), .integer(generation)])
      guard absent != nil else { continue }
      try departures.add(anchor, from: partition)
      try keep([anchor], in: transaction)
    }
    return transaction.rowsWritten - before
  }

  /// - Returns: how many a complete enumeration did not meet and are deleted.
  fileprivate func deleteAbsent(_ whereabouts: Whereabouts, _ transaction: any Transaction) throws -> Int {
    let absent = try transaction.query(
      """
      SELECT id, anchor FROM entry WHERE partition = ? AND source = ? AND generation < ? AND deleted = 0 LIMIT ?
      """,
      [.integer(partition), .text(source), .integer(generation), .integer(Int64(Importer.transactionSize))]
    ) { row in (id: try row[0] as Int64, anchor: Anchor(try row[1])) }
    for entry in absent {
      try delete(entry.id, entry.anchor, isOutside: whereabouts.outside.contains(entry.anchor), in: transaction)
    }
    return absent.count
  }

  /// - Returns: rows that were written.
  fileprivate func endSweep(_ transaction: any Transaction) throws -> Int {
    let before = transaction.rowsWritten
    try transaction.run(
      """
      UPDATE link SET change = -1 WHERE generation < ? AND change IS NOT -1
        AND owner IN (SELECT id FROM entry WHERE partition = ? AND source = ?)
      """, [.integer(generation), .integer(partition), .text(source)])
    try transaction.run("UPDATE watermark SET unswept = 0 WHERE id = ?", [.integer(partition)])
    return transaction.rowsWritten - before
  }
}
