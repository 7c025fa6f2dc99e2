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
  static func settle(
    of source: String, in store: any Store
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
      while true {
        try Task.checkCancellation()
        let (found, written) = try await store.write { transaction in
          let before = transaction.rowsWritten
          var found = try staging.deleteDeparted(transaction)
          if found == 0, isUnswept { found = try staging.deleteAbsent(transaction) }
          return (found, transaction.rowsWritten - before)
        }
        entries += found
        rows += written
        if found == 0 { break }
      }
      if isUnswept { rows += try await store.write { transaction in try staging.endSweep(transaction) } }
      result[name] = (entries, rows)
    }
    return result
  }
}

extension Staging {
  private static var limit: SQLValue { .integer(Int64(Importer.transactionSize)) }

  /// - Returns: how many were told to be deleted and are.
  fileprivate func deleteDeparted(_ transaction: any Transaction) throws -> Int {
    let departed = try transaction.query(
      """
      SELECT departure.anchor, entry.id FROM departure
      LEFT JOIN entry ON entry.anchor = departure.anchor AND entry.source = departure.source AND entry.deleted = 0
        AND entry.partition = departure.partition
      WHERE departure.source = ? AND departure.partition = ? LIMIT ?
      """, [.text(source), .integer(partition), Self.limit]
    ) { row in (anchor: Anchor(try row[0]), id: try row[1] as Int64?) }
    for entry in departed {
      if let id = entry.id { try delete(id, entry.anchor, in: transaction) }
      try transaction.run(
        "DELETE FROM departure WHERE source = ? AND anchor = ?", [.text(source), .blob(entry.anchor.bytes)])
    }
    return departed.count
  }

  /// - Returns: how many a complete enumeration did not meet and are deleted.
  fileprivate func deleteAbsent(_ transaction: any Transaction) throws -> Int {
    let absent = try transaction.query(
      """
      SELECT id, anchor FROM entry WHERE partition = ? AND source = ? AND generation < ? AND deleted = 0 LIMIT ?
      """, [.integer(partition), .text(source), .integer(generation), Self.limit]
    ) { row in (id: try row[0] as Int64, anchor: Anchor(try row[1])) }
    for entry in absent { try delete(entry.id, entry.anchor, in: transaction) }
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
