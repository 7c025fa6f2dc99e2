// SPDX-License-Identifier: Apache-2.0

import IdentityModel
package import Logging
package import Store

/// Phase 1: reads each partition of a source into its connector space.
///
/// Entries, links and dirty marks are committed 1,000 changes at a time; the watermark is committed last, so that a
/// reading that was cut off is made again from where the last complete one stopped. Replaying changes is harmless: they
/// carry values, not differences.
package struct Importer: Sendable {
  let source: any ImportSource
  let store: any Store
  let logger: Logger
  let now: @Sendable () -> Double
  let progress: Progress

  /// Changes in one transaction.
  static let transactionSize = 1_000
  /// Changes in one transaction while there is nothing yet: nobody waits for the store, and each commit writes all pages
  /// of the indexes that it touched.
  static let firstLoadSize = 4_000
  /// How often a reading that lost its server is begun anew before the pass gives up.
  static let maximumAttempts = 4

  package init(
    source: any ImportSource, store: any Store, logger: Logger, now: @escaping @Sendable () -> Double,
    progress: Progress
  ) {
    self.source = source
    self.store = store
    self.logger = logger
    self.now = now
    self.progress = progress
  }

  package func run(full: Bool) async throws -> [CycleReport.Import] {
    var reports: [CycleReport.Import] = []
    for partition in try await source.partitions() {
      reports.append(try await read(partition, full: full))
    }
    return reports
  }

  private func read(_ partition: String, full: Bool) async throws -> CycleReport.Import {
    var attempt = 1
    while true {
      do {
        return try await attemptReading(partition, full: full)
      } catch let interruption as ImportInterruption {
        guard attempt < Self.maximumAttempts else {
          throw ConnectError(
            .importIncomplete,
            "The reading of \(partition) was cut off \(attempt) times, last because \(interruption.reason).",
            remedy: "Nothing was deleted for it. See that a domain controller stays reachable, then run again.")
        }
        attempt += 1
        logger.warning(
          "import cut off, beginning anew",
          metadata: ["source": "\(source.name)", "partition": "\(partition)", "reason": "\(interruption.reason)"])
      }
    }
  }

  private func attemptReading(_ partition: String, full: Bool) async throws -> CycleReport.Import {
    let position = try await ImportPosition.open(partition, of: source.name, in: store)
    let reading = try await source.read(partition, since: full ? nil : position.watermark)
    var report = CycleReport.Import(source: source.name, partition: partition, mode: reading.mode, note: reading.note)
    let generation =
      reading.mode == .full ? try await position.beginGeneration(in: store) : position.generation
    var staging = Staging(source: source.name, partition: position.id, generation: generation)
    if reading.mode == .full {
      staging.isFirstLoad = try await store.write { [name = source.name] transaction in
        try LinkIndex.prepare(for: name, in: transaction)
      }
    }
    if !staging.isFirstLoad { try await LinkIndex.complete(store) }
    let size = staging.isFirstLoad ? Self.firstLoadSize : Self.transactionSize
    var expected = reading.expected
    if expected == nil, reading.mode == .full { expected = try await position.knownEntries(in: store) }
    progress.report(.import, done: 0, total: expected)

    var end: Batch.End?
    var waiting: [Change] = []
    for try await batch in reading.batches {
      waiting += batch.changes
      end = batch.end
      if waiting.count < size, end == nil { continue }
      for slice in waiting.chunks(of: size) {
        try await apply(slice, staging, partition, &report)
        progress.report(.import, done: report.read, total: expected.map { [read = report.read] in max($0, read) })
      }
      waiting = []
    }
    guard let end else { throw ImportInterruption(reason: "the answer ended without saying that it was complete") }
    if staging.isFirstLoad { try await LinkIndex.complete(store) }
    if reading.mode == .full, end.isComplete {
      report.deleted += try await staging.sweep(store)
    }
    try await position.commit(end.watermark, mode: reading.mode, at: now(), in: store)
    report.server = end.watermark.server
    report.isComplete = reading.mode == .delta || end.isComplete
    return report
  }
}

extension Importer {
  /// Writes some changes; of those that tell too little the whole entry is read.
  private func apply(
    _ changes: ArraySlice<Change>, _ staging: Staging, _ partition: String, _ report: inout CycleReport.Import
  ) async throws {
    try Task.checkCancellation()
    let outcome = try await store.write { transaction in try staging.apply(changes, in: transaction) }
    report.add(outcome)
    guard !outcome.incomplete.isEmpty else { return }
    let complete = try await source.reread(outcome.incomplete, in: partition)
    report.add(try await store.write { transaction in try staging.apply(complete[...], in: transaction) })
  }
}

/// Where the reading of a partition stands.
struct ImportPosition: Sendable {
  let id: Int64
  let generation: Int64
  let watermark: Watermark?

  static func open(_ partition: String, of source: String, in store: any Store) async throws -> ImportPosition {
    try await store.write { transaction in
      try transaction.run(
        "INSERT INTO watermark (source, partition) VALUES (?, ?) ON CONFLICT (source, partition) DO NOTHING",
        [.text(source), .text(partition)])
      let position = try transaction.first(
        "SELECT id, generation, cookie, dc, invocation, usn FROM watermark WHERE source = ? AND partition = ?",
        [.text(source), .text(partition)]
      ) { row in
        let cookie: [UInt8]? = try row[2]
        var watermark: Watermark?
        if let cookie {
          watermark = Watermark(cookie: cookie, server: try row[3], invocation: try row[4], sequence: try row[5])
        }
        return ImportPosition(id: try row[0], generation: try row[1], watermark: watermark)
      }
      guard let position else { throw ConnectError.corrupt("a watermark") }
      return position
    }
  }

  /// How many entries the last readings left: about as many as a full one will meet. Nil before the first.
  func knownEntries(in store: any Store) async throws -> Int? {
    let count: Int? = try await store.read { [id] transaction in
      try transaction.value("SELECT COUNT(*) FROM entry WHERE partition = ? AND deleted = 0", [.integer(id)])
    }
    return count == 0 ? nil : count
  }

  /// Entries that this full reading meets carry the new generation; those left with an older one are absent.
  func beginGeneration(in store: any Store) async throws -> Int64 {
    try await store.write { [id] transaction in
      try transaction.run("UPDATE watermark SET generation = generation + 1 WHERE id = ?", [.integer(id)])
      return try transaction.value("SELECT generation FROM watermark WHERE id = ?", [.integer(id)]) ?? 0
    }
  }

  func commit(_ watermark: Watermark, mode: ImportReading.Mode, at time: Double, in store: any Store) async throws {
    _ = try await store.write { [id] transaction in
      try transaction.run(
        "UPDATE watermark SET cookie = ?, dc = ?, invocation = ?, usn = ?, mode = ?, read_at = ? WHERE id = ?",
        [
          .blob(watermark.cookie), .text(watermark.server), .blob(watermark.invocation), .integer(watermark.sequence),
          .text(mode.rawValue), .real(time), .integer(id),
        ])
    }
  }
}

extension Array {
  /// Consecutive slices of at most `size` elements.
  func chunks(of size: Int) -> [ArraySlice<Element>] {
    stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
  }
}
