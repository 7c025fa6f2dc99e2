// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Logging
import Store

/// One pass of the synchronisation engine: import, synchronise, guard, export, confirm.
///
/// Each phase keeps its progress in the store, so that a pass that ends anywhere is taken up by the next one.
struct Cycle {
  let configuration: ConnectConfiguration
  let sources: [any ImportSource]
  let target: any ExportTarget
  let store: any Store
  let logger: Logger
  let now: @Sendable () -> Double
  let progress: Progress

  /// Rounds of export and confirm in one pass: names that change hands need a second one, a value that the target changes
  /// or refuses a third, and then it waits.
  static let maximumRounds = 3

  private var profile: TargetProfile { TargetProfile(name: target.name, vocabulary: target.vocabulary) }
  private var synchroniser: Synchroniser {
    Synchroniser(configuration: configuration, target: profile, logger: logger, now: now)
  }
  private var exportGuard: ExportGuard { ExportGuard(configuration: configuration, target: target.name) }

  /// Import, synchronise, guard, export, confirm.
  func run(full: Bool, acceptedDeletions: String?, into report: inout CycleReport) async throws {
    try await importChanges(full: full, &report)
    try await timed(.synchronise, &report) { report in
      report.synchronised = try await synchroniser.run(store, full: full, progress: progress)
    }
    let capabilities = try await timed(.export, &report) { _ in try await target.prepare() }
    try await reconcile(full: full, &report)
    try await timed(.guard, &report) { _ in
      try await exportGuard.check(store, accepting: acceptedDeletions)
    }
    for round in 1...Self.maximumRounds {
      let again = try await export(capabilities, isLast: round == Self.maximumRounds, &report)
      if again == 0 { break }
    }
    try await timed(.confirm, &report) { report in try await summarise(&report) }
  }

  /// Import, synchronise and guard; the last two leave nothing behind.
  func preview(
    full: Bool, into report: inout CycleReport, _ body: @escaping @Sendable (ObjectDifference) -> Void
  ) async throws {
    try await importChanges(full: full, &report)
    try await timed(.synchronise, &report) { report in
      let result = try await Preview(synchroniser: synchroniser, exportGuard: exportGuard).run(store, body)
      report.synchronised = result.synchronised
      report.preview = result.summary
    }
  }

  private func importChanges(full: Bool, _ report: inout CycleReport) async throws {
    try await timed(.import, &report) { report in
      for source in sources {
        let importer = Importer(source: source, store: store, logger: logger, now: now, progress: progress)
        report.imports += try await importer.run(full: full)
      }
    }
  }

  private func reconcile(full: Bool, _ report: inout CycleReport) async throws {
    try await timed(.confirm, &report) { _ in
      // Requests of an earlier pass come first: what became of them is part of what the target holds.
      try await recover()
      let reconciliation = Reconciliation(
        target: target, profile: profile, store: store, logger: logger, now: now)
      let isDue = try await reconciliation.isDue()
      if full || isDue {
        let count = try await reconciliation.run(progress: progress)
        logger.info("target read in full", metadata: ["phase": "confirm", "objects": "\(count)"])
      }
    }
  }

  private func recover() async throws {
    let recovery = Recovery(target: target, profile: profile, store: store, now: now)
    let count = try await recovery.run()
    if count > 0 { logger.notice("unanswered requests were looked up", metadata: ["count": "\(count)"]) }
    try await synchroniser.settleLinks(store)
  }

  /// - Returns: how many operations another round may bring to an end.
  private func export(
    _ capabilities: TargetCapabilities, isLast: Bool, _ report: inout CycleReport
  ) async throws -> Int {
    try await timed(.export, &report) { report in
      try await store.write { [target = target.name, time = now()] transaction in
        try Quarantine(transaction: transaction, target: target, now: time).release()
      }
      let exporter = Exporter(target: target, profile: profile, store: store, logger: logger, now: now)
      let result = try await exporter.run(capabilities, isLast: isLast, progress: progress)
      for (kind, counts) in result.exported { report.count(kind) { $0.add(counts) } }
      report.requests += result.requests
      if isLast || result.again == 0 { report.errors += result.errors }
      if result.again > 0 { try await recover() }
      return result.again
    }
  }

  private func summarise(_ report: inout CycleReport) async throws {
    let counts = try await store.read { [name = target.name] transaction in
      func count(_ sql: String) throws -> Int { try transaction.value(sql, [.text(name)]) ?? 0 }
      return (
        differing: try count(
          "SELECT COUNT(*) FROM quarantine WHERE target = ? AND reason = 'notAccepted'"),
        quarantined: try count("SELECT COUNT(*) FROM quarantine WHERE target = ?"),
        pending: try count(
          """
          SELECT (SELECT COUNT(*) FROM pending WHERE target = ?1)
            + (SELECT COUNT(*) FROM pending_link WHERE target = ?1)
          """)
      )
    }
    report.differing = counts.differing
    report.quarantined = counts.quarantined
    report.pending = counts.pending
  }

  private func timed<R>(
    _ phase: Phase, _ report: inout CycleReport, _ body: (inout CycleReport) async throws -> R
  ) async throws -> R {
    let start = now()
    logger.debug("phase begins", metadata: ["phase": "\(phase.rawValue)"])
    do {
      let result = try await body(&report)
      report.phases.append(.init(phase: phase, elapsed: now() - start))
      return result
    } catch {
      report.phases.append(.init(phase: phase, elapsed: now() - start))
      throw error
    }
  }
}
