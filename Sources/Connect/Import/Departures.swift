// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// Entries that left a partition, told by the directory or absent from a complete enumeration. They are deleted when all
/// partitions of their forest have been read: an object that moved to another domain keeps its GUID and is found there.
struct Departures {
  private let source: String
  private let transaction: any Transaction
  /// Whether any departure may wait.
  private var areWaiting: Bool

  init(source: String, in transaction: any Transaction) throws {
    self.source = source
    self.transaction = transaction
    areWaiting =
      try transaction.value("SELECT 1 FROM departure WHERE source = ? LIMIT 1", [.text(source)], as: Int.self) != nil
  }

  mutating func add(_ anchor: Anchor, from partition: Int64) throws {
    areWaiting = true
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

  /// What was done, by the partition's name.
  typealias Work = [String: (entries: Int, rows: Int)]

  /// What complete enumerations did not meet has left.
  static func sweep(_ source: String, in store: any Store) async throws -> Work {
    let unswept = try await store.read { transaction in
      try transaction.query(
        "SELECT id, partition, unswept FROM watermark WHERE source = ? AND unswept > 0", [.text(source)]
      ) { row in (partition: try row[0] as Int64, name: try row[1] as String, generation: try row[2] as Int64) }
    }
    var work: Work = [:]
    for (partition, name, generation) in unswept {
      let sweep = Sweep(source: source, partition: partition, generation: generation)
      var rows = 0
      var last: Int64? = 0
      while let position = last {
        try Task.checkCancellation()
        let step = try await store.write { transaction in
          let before = transaction.rowsWritten
          return (last: try sweep.departures(after: position, transaction), rows: transaction.rowsWritten - before)
        }
        rows += step.rows
        last = step.last
      }
      rows += try await store.write { transaction in
        let before = transaction.rowsWritten
        try sweep.end(transaction)
        return transaction.rowsWritten - before
      }
      work[name] = (0, rows)
    }
    return work
  }

  /// Those that do not wait for a time to come.
  ///
  /// - Parameter now: seconds since 1970.
  static func due(of source: String, at now: Double, in store: any Store) async throws -> Set<Anchor> {
    try await store.read { transaction in
      Set(
        try transaction.query(
          "SELECT anchor FROM departure WHERE source = ? AND COALESCE(waits_until, ?) <= ?",
          [.text(source), .real(now), .real(now)]
        ) { row in Anchor(try row[0]) })
    }
  }

  /// Deletes those of some that have not come back since, and are on no way.
  ///
  /// - Parameter whereabouts: what is known of them besides.
  static func settle(
    _ due: Set<Anchor>, of source: String, _ whereabouts: Whereabouts, in store: any Store
  ) async throws -> Work {
    let left = due.subtracting(whereabouts.waiting)
    guard !left.isEmpty else { return [:] }
    let partitions = try await store.read { transaction in
      try transaction.query(
        """
        SELECT id, partition, generation FROM watermark WHERE source = ?1
          AND EXISTS (SELECT 1 FROM departure WHERE source = ?1 AND partition = watermark.id)
        """, [.text(source)]
      ) { row in
        (staging: Staging(source: source, partition: try row[0], generation: try row[2]), name: try row[1] as String)
      }
    }
    var work: Work = [:]
    for (staging, name) in partitions {
      let departed = try await store.read { try staging.departed($0) }.filter { left.contains($0) }
      var (entries, rows) = (0, 0)
      for slice in departed.chunks(of: Importer.transactionSize) {
        try Task.checkCancellation()
        let step = try await store.write { transaction in
          let before = transaction.rowsWritten
          return (
            entries: try staging.delete(departed: slice, whereabouts, transaction),
            rows: transaction.rowsWritten - before
          )
        }
        entries += step.entries
        rows += step.rows
      }
      work[name] = (entries, rows)
    }
    return work
  }
}

/// Takes what a complete enumeration did not meet for departed.
private struct Sweep: Sendable {
  let source: String
  let partition: Int64
  /// That of the enumeration; a later one that was cut off has left newer ones.
  let generation: Int64

  /// One stretch of the entries.
  ///
  /// - Returns: where the next one begins; nil after the last.
  func departures(after last: Int64, _ transaction: any Transaction) throws -> Int64? {
    let absent = try transaction.query(
      """
      SELECT id, anchor FROM entry WHERE partition = ? AND source = ? AND generation < ? AND deleted = 0 AND id > ?
      ORDER BY id LIMIT ?
      """,
      [
        .integer(partition), .text(source), .integer(generation), .integer(last),
        .integer(Int64(Importer.transactionSize)),
      ]
    ) { row in (id: try row[0] as Int64, anchor: Anchor(try row[1])) }
    var departures = try Departures(source: source, in: transaction)
    for entry in absent { try departures.add(entry.anchor, from: partition) }
    return absent.count < Importer.transactionSize ? nil : absent.last?.id
  }

  /// The references that those who were met have no more go. Those of who was not met stay with them.
  func end(_ transaction: any Transaction) throws {
    try transaction.run(
      """
      UPDATE link SET change = -1 WHERE generation < ?1 AND change IS NOT -1
        AND owner IN (SELECT id FROM entry WHERE partition = ?2 AND source = ?3 AND generation >= ?1)
      """, [.integer(generation), .integer(partition), .text(source)])
    try transaction.run("UPDATE watermark SET unswept = 0 WHERE id = ?", [.integer(partition)])
  }
}

extension Staging {
  /// What left this partition.
  fileprivate func departed(_ transaction: any Transaction) throws -> [Anchor] {
    try transaction.query(
      "SELECT anchor FROM departure WHERE source = ? AND partition = ?", [.text(source), .integer(partition)]
    ) { row in Anchor(try row[0]) }
  }

  /// - Returns: how many entries there were.
  fileprivate func delete(
    departed: ArraySlice<Anchor>, _ whereabouts: Whereabouts, _ transaction: any Transaction
  ) throws -> Int {
    var count = 0
    for anchor in departed {
      let id: Int64? = try transaction.value(
        "SELECT id FROM entry WHERE anchor = ? AND source = ? AND deleted = 0 AND partition = ?",
        [.blob(anchor.bytes), .text(source), .integer(partition)])
      if let id {
        try delete(id, anchor, isOutside: whereabouts.outside.contains(anchor), in: transaction)
        count += 1
      }
      try transaction.run(
        "DELETE FROM departure WHERE source = ? AND anchor = ?", [.text(source), .blob(anchor.bytes)])
    }
    return count
  }
}
