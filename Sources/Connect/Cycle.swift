// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Logging
import Store
import SynchronisationRules
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

  private var clock: PhaseClock { PhaseClock(logger: logger, now: now) }
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

  private var resolution: ReferenceResolution {
    ReferenceResolution(resolvers: resolvers, targets: targets.map(\.name), store: store, logger: logger, now: now)
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
      let preview = Preview(synchroniser: synchroniser, exportGuards: guards, resolution: resolution)
      let result = try await preview.run(store, full: full, body)
      report.synchronised = result.synchronised
      report.preview = result.summary
      if !result.references.isEmpty { report.references = result.references }
      report.errors += result.references.compactMap(\.failure)
    }
  }

  func importChanges(full: Bool, _ report: inout CycleReport) async throws {
    try await clock.timed(.import, &report) { report in
      var failures: [any Error] = []
      for source in sources {
        let importer = Importer(
          source: source, resolver: resolvers.first { $0.source == source.name }, store: store, logger: logger,
          now: now,
          progress: progress, names: NameDependence(configuration.rules))
        do {
          let isAnew =
            try await store.read { try Setting.load(.requested, of: source.name, in: $0) ?? "" }
            != source.fingerprint
          let imports = try await importer.run(full: full || isAnew)
          report.imports += imports
          for hidden in imports.compactMap(\.hidden) { tell(hidden, source.name, &report) }
          if isAnew {
            try await store.write { try Setting.save(.requested, of: source.name, source.fingerprint, in: $0) }
          }
        } catch  where Self.isOfSource(error) {
          failures.append(error)
          let reason = error.explanation
          logger.error("a source was left behind", metadata: ["source": "\(source.name)", "reason": "\(reason)"])
          guard sources.count > 1 else { break }
          report.errors.append("\(source.name): \(reason)")
          report.leftBehind = (report.leftBehind ?? []) + [source.name]
        }
      }
      if failures.count == sources.count, let first = failures.first { throw first }
    }
  }

  private func tell(_ hidden: CycleReport.Hidden, _ source: String, _ report: inout CycleReport) {
    logger.error(
      "what the account is not shown any more stays", metadata: ["source": "\(source)", "reason": "\(hidden.message)"])
    report.errors.append("\(source): \(hidden.message)")
  }

  /// A forest that cannot be read keeps what it last said and does not hold up the others. The engine's own store is
  /// everybody's.
  private static func isOfSource(_ error: any Error) -> Bool {
    !(error is CancellationError || error is StoreError || Task.isCancelled
      || (error as? ConnectError)?.code == .corruptStore)
  }

  /// What was imported, and then what its references name outside the imported partitions.
  private func synchronise(_ profiles: [TargetProfile], full: Bool, _ report: inout CycleReport) async throws {
    let synchroniser = synchroniser(profiles)
    try await clock.timed(.synchronise, &report) { report in
      report.synchronised += try await synchroniser.run(store, full: full, progress: progress)
      let placeless = try await store.read { try Placeless(transaction: $0).counts() }
      report.placeless = placeless.isEmpty ? nil : placeless
      guard !resolvers.isEmpty else { return }
      let found = try await resolution.run(full: full)
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
