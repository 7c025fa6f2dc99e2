// SPDX-License-Identifier: Apache-2.0

import IdentityModel
package import Logging
package import Store
package import SynchronisationRules
import Wire

/// Phase 1: reads each partition of a source into its connector space.
///
/// Entries, links and dirty marks are committed 1,000 changes at a time; the watermark is committed last, so that a
/// reading that was cut off is made again from where the last complete one stopped. Replaying changes is harmless: they
/// carry values, not differences.
package struct Importer: Sendable {
  let source: any ImportSource
  /// Knows where what left the imported partitions went; nil where nobody is asked.
  let resolver: (any ReferenceResolver)?
  let store: any Store
  let logger: Logger
  let now: @Sendable () -> Double
  let progress: Progress
  /// What the rules look at in distinguished names.
  let names: NameDependence

  /// Changes in one transaction.
  static let transactionSize = 1_000
  /// Changes in one transaction while there is nothing yet: nobody waits for the store, and each commit writes all pages
  /// of the indexes that it touched.
  static let firstLoadSize = 4_000
  /// Entries that came back, of which one question to another partition asks.
  static let returnsPerQuestion = 100
  /// A watermark that says nothing new is kept anew after so many seconds, so that it does not look abandoned.
  static let refreshInterval = 86_400.0
  /// How often a reading that lost its server is begun anew before the pass gives up.
  static let maximumAttempts = 4

  package init(
    source: any ImportSource, resolver: (any ReferenceResolver)? = nil, store: any Store, logger: Logger,
    now: @escaping @Sendable () -> Double,
    progress: Progress, names: NameDependence = NameDependence()
  ) {
    self.names = names
    self.source = source
    self.resolver = resolver
    self.store = store
    self.logger = logger
    self.now = now
    self.progress = progress
  }

  /// Reads all partitions of the source; then, and only then, deletes what left: an object that is gone from one may
  /// stand in another. It may have gone there after that one was read and before its old one was: who left is looked for
  /// in the changes of all once more.
  package func run(full: Bool) async throws -> [CycleReport.Import] {
    var reports: [CycleReport.Import] = []
    for partition in try await source.partitions() {
      reports.append(try await read(partition, full: full))
    }
    guard reports.allSatisfy(\.isComplete) else { return reports }
    count(try await Departures.sweep(source.name, in: store), &reports)
    let due = try await Departures.due(of: source.name, at: now(), in: store)
    if !due.isEmpty {
      if reports.count > 1 {
        for index in reports.indices { reports[index].add(try await read(reports[index].partition, full: false)) }
        guard reports.allSatisfy(\.isComplete) else { return reports }
      }
      let whereabouts = try await Whereabouts.find(
        due, of: source.name, partitions: reports.map(\.partition), by: resolver, in: store, at: now(), logger: logger)
      count(try await Departures.settle(due, of: source.name, whereabouts, in: store), &reports)
    }
    try await lookForReferrers(&reports)
    return reports
  }

  private func count(_ work: Departures.Work, _ reports: inout [CycleReport.Import]) {
    for index in reports.indices {
      guard let done = work[reports[index].partition] else { continue }
      reports[index].deleted += done.entries
      reports[index].rows = (reports[index].rows ?? 0) + done.rows
    }
  }

  /// Asks each partition who refers to what came back in another one.
  private func lookForReferrers(_ reports: inout [CycleReport.Import]) async throws {
    let questions = try await store.read { [name = source.name] transaction in
      try Returns(transaction: transaction).questions(of: name)
    }
    for question in questions {
      // A partition that is read no more has no entries that matter.
      let index = reports.firstIndex { $0.partition == question.name }
      for slice in question.anchors.chunks(of: Self.returnsPerQuestion) {
        try Task.checkCancellation()
        let found = index == nil ? [] : try await source.referrers(to: Array(slice), in: question.name)
        let (links, rows) = try await store.write { transaction in
          let before = transaction.rowsWritten
          var links = 0
          for change in found { links += try question.staging.apply(referrersOf: change, in: transaction) }
          try Returns(transaction: transaction).remove(slice, from: question.staging.partition)
          return (links, transaction.rowsWritten - before)
        }
        guard let index else { continue }
        reports[index].links += links
        reports[index].rows = (reports[index].rows ?? 0) + rows
      }
    }
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
    let position = try await ImportPosition.open(partition, of: source.name, in: store, at: now())
    let reading = try await source.read(partition, since: full ? nil : position.watermark)
    var report = CycleReport.Import(source: source.name, partition: partition, mode: reading.mode, note: reading.note)
    let generation =
      reading.mode == .full ? try await position.beginGeneration(in: store) : position.generation
    var staging = Staging(source: source.name, partition: position.id, generation: generation)
    staging.names = names
    staging.isFirstLoad = reading.mode == .full && generation == 1
    staging.isDelta = reading.mode == .delta
    if staging.isFirstLoad { try await LinkIndex.drop(store) } else { try await LinkIndex.complete(store) }
    if reading.mode == .full, !staging.isFirstLoad, let requested = reading.requested {
      staging.watch = try await AttributeWatch(requested, partition: position.id, in: store)
    }
    var rereading = staging
    (rereading.isDelta, rereading.isRereading) = (false, true)
    if reading.rights != nil {
      rereading.losses = .doubted
      rereading.needed = HiddenValues.ofUsers.intersection(reading.requested ?? [])
    }
    if reading.isFiltered { (staging.losses, staging.needed) = (rereading.losses, rereading.needed) }
    let size = staging.isFirstLoad ? Self.firstLoadSize : Self.transactionSize
    var expected = reading.expected
    if expected == nil, reading.mode == .full, !staging.isFirstLoad {
      expected = try await position.knownEntries(in: store)
    }
    progress.report(.import, done: 0, total: expected)

    var end: Batch.End?
    var waiting: [Change] = []
    for try await batch in reading.batches {
      waiting += batch.changes
      end = batch.end
      if waiting.count < size, end == nil { continue }
      for slice in waiting.chunks(of: size) {
        let doubtful = try await apply(slice, staging, rereading, reading.reread, &report)
        if !doubtful.isEmpty, let rights = reading.rights {
          // A full reading also makes up for what changed unseen: that an object has not changed since then proves nothing.
          let last = reading.mode == .delta ? position.watermark : nil
          try await apply(doubtful: doubtful, staging, rights, since: last, &report)
        }
        progress.report(.import, done: report.read, total: expected.map { [read = report.read] in max($0, read) })
      }
      waiting = []
    }
    guard let end else { throw ImportInterruption(reason: "the answer ended without saying that it was complete") }
    if staging.isFirstLoad { try await LinkIndex.complete(store) }
    try await staging.watch?.settle(partition, source.name, generation, store)
    // What was read with more rights is not deleted because fewer rights see less.
    let isComplete = end.isComplete && !(position.hadCookie && end.watermark.cookie.isEmpty)
    let hasAbsentees = reading.mode == .full && isComplete && !staging.isFirstLoad
    if hasAbsentees, reading.isFiltered, let rights = reading.rights { try await keepUnseen(staging, rights, &report) }
    report.bytes = end.bytes
    if report.read > 0 || !end.isUnchanged || (position.watermark?.age ?? .infinity) >= Self.refreshInterval {
      let commit = ImportPosition.Commit(
        watermark: end.watermark, mode: reading.mode, enumeration: hasAbsentees ? generation : nil,
        hidden: report.hidden?.message)
      try await position.commit(commit, at: now(), in: store)
      report.rows = (report.rows ?? 0) + 1
    }
    report.server = end.watermark.server
    report.isComplete = reading.mode == .delta || isComplete
    return report
  }
}

extension Importer {
  /// Writes some changes; of those that tell too little the whole entry is read.
  ///
  /// - Parameter rereading: writes those.
  /// - Returns: those that lack what their entries had.
  private func apply(
    _ changes: ArraySlice<Change>, _ staging: Staging, _ rereading: Staging,
    _ reread: @Sendable ([Anchor]) async throws -> [Change], _ report: inout CycleReport.Import
  ) async throws -> [(change: Change, loss: Loss)] {
    try Task.checkCancellation()
    let outcome = try await store.write { transaction in try staging.apply(changes, in: transaction) }
    report.add(outcome)
    if !outcome.partial.isEmpty { try await leaveOut(outcome.partial, staging.needed, &report) }
    guard !outcome.incomplete.isEmpty else { return outcome.doubtful }
    let complete = try await reread(outcome.incomplete)
    let further = try await store.write { transaction in try rereading.apply(complete[...], in: transaction) }
    report.add(further)
    if !further.partial.isEmpty { try await leaveOut(further.partial, rereading.needed, &report) }
    return outcome.doubtful + further.doubtful
  }
}
