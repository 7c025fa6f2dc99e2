// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Logging
import Store
import Wire

/// One pass of the synchronisation engine: import, synchronise, guard, export, confirm.
///
/// Between import and export, what references name outside the imported partitions is looked up; what is found is
/// synchronised like what was imported.
///
/// Each phase keeps its progress in the store, so that a pass that ends anywhere is taken up by the next one.
struct Cycle {
  let configuration: ConnectConfiguration
  let sources: [any ImportSource]
  let targets: [any ExportTarget]
  let anchorWriters: [any AnchorWriter]
  let resolvers: [any ReferenceResolver]
  let store: any Store
  let logger: Logger
  let now: @Sendable () -> Double
  let progress: Progress
  let readings: SourceReadings

  var clock: PhaseClock { PhaseClock(logger: logger, now: now) }
  private var offer: TargetOffer {
    TargetOffer(targets: targets, configuration: configuration, store: store, logger: logger, now: now)
  }
  private func synchroniser(_ profiles: [TargetProfile]) -> Synchroniser {
    Synchroniser(configuration: configuration, targets: profiles, logger: logger, now: now)
  }

  /// Import and synchronise once; guard, export and confirm for each target.
  func run(full: Bool, into report: inout CycleReport) async throws {
    try await importChanges(full: full, &report)
    try await takeToTargets(full: full, &report)
  }

  /// What follows an import.
  func takeToTargets(full: Bool, _ report: inout CycleReport) async throws {
    try await offer.ask(full ? .full : .due)
    let profiles = try await offer.profiles()
    try await synchronise(profiles, full: full, &report)
    try await writeAnchors(&report)
    try await passToTargets(profiles, full: full, &report)
  }

  /// The catalogs of forests that could not be read are not asked, either.
  private func resolution(_ report: CycleReport) -> ReferenceResolution {
    let left = report.leftBehind ?? []
    let resolvers = resolvers.filter { !left.contains($0.source) }
    return ReferenceResolution(
      resolvers: resolvers, targets: targets.map(\.name), store: store, logger: logger, now: now)
  }

  /// Import, synchronise and guard; the last two leave nothing behind.
  func preview(
    full: Bool, into report: inout CycleReport, _ body: @escaping @Sendable (ObjectDifference) -> Void
  ) async throws {
    try await importChanges(full: full, &report)
    // What was never asked would leave out of the preview what the first pass takes along.
    try await offer.ask(.first)
    let synchroniser = synchroniser(try await offer.profiles())
    let guards = targets.map { ExportGuard(configuration: configuration, target: $0.name) }
    try await clock.timed(.synchronise, &report) { report in
      let preview = Preview(synchroniser: synchroniser, exportGuards: guards, resolution: resolution(report))
      let result = try await preview.run(store, full: full, body)
      report.synchronised = result.synchronised
      report.preview = result.summary
      if !result.references.isEmpty { report.references = result.references }
      report.errors += result.references.compactMap(\.failure)
    }
  }

  /// What was imported, and then what its references name outside the imported partitions.
  private func synchronise(_ profiles: [TargetProfile], full: Bool, _ report: inout CycleReport) async throws {
    let synchroniser = synchroniser(profiles)
    try await clock.timed(.synchronise, &report) { report in
      report.synchronised += try await synchroniser.run(store, full: full, progress: progress)
      let placeless = try await store.read { try Placeless(transaction: $0).counts() }
      report.placeless = placeless.isEmpty ? nil : placeless
      guard !resolvers.isEmpty else { return }
      let found = try await resolution(report).run(full: full)
      guard !found.isEmpty else { return }
      report.references = found
      report.errors += found.compactMap(\.failure)
      report.synchronised += try await synchroniser.run(store, full: false, progress: progress)
    }
  }

  /// Before the first request about an object its anchor is in its directory: once in a pass, whatever targets there are.
  /// Where the guard stops the export to all of them, nothing is written here either.
  private func writeAnchors(_ report: inout CycleReport) async throws {
    let left = report.leftBehind ?? []
    let writeback = AnchorWriteback(
      writers: anchorWriters.filter { !left.contains($0.source) }, store: store, now: now)
    guard !configuration.isStaging, try await writeback.isDue() else { return }
    let guards = targets.map { ExportGuard(configuration: configuration, target: $0.name) }
    let isStopped = try await store.read { [time = now()] transaction in
      try guards.allSatisfy { try !$0.lets(through: transaction, at: time) }
    }
    if isStopped { return }
    try await clock.timed(.export, &report) { report in report.errors += try await writeback.run() }
  }

  /// Guard, export and confirm, the targets side by side: one that is down or stopped by the guard does not hold up the
  /// others.
  private func passToTargets(_ profiles: [TargetProfile], full: Bool, _ report: inout CycleReport) async throws {
    let synchroniser = synchroniser(profiles)
    var failures: [(target: String, error: any Error)] = []
    let mode = report.mode
    await withTaskGroup(of: (String, CycleReport, (any Error)?).self) { group in
      for (target, profile) in zip(targets, profiles) {
        let pass = TargetPass(
          target: target, profile: profile, configuration: configuration, synchroniser: synchroniser,
          store: store, logger: logger, now: now, progress: progress)
        group.addTask {
          var part = CycleReport(mode: mode, started: pass.now())
          do {
            try await pass.run(full: full, into: &part)
            return (target.name, part, nil)
          } catch {
            return (target.name, part, error)
          }
        }
      }
      for await (name, part, error) in group {
        report.add(part)
        if let error { failures.append((name, error)) }
      }
    }
    if targets.count > 1 {
      for failure in failures {
        let reason = failure.error.explanation
        logger.error("a target was left behind", metadata: ["target": "\(failure.target)", "reason": "\(reason)"])
        report.errors.append("\(failure.target): \(reason)")
      }
    }
    if let first = failures.first { throw first.error }
    report.quarantined += try await store.read { transaction in
      try transaction.value("SELECT COUNT(*) FROM quarantine WHERE target = ?", [.text(Quarantine.everyTarget)]) ?? 0
    }
  }
}
