// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Logging
import Store
import SynchronisationRules
import Wire

/// Phase 1 for all sources, side by side: one that cannot be read keeps what it last said and does not hold up the others.
extension Cycle {
  /// Begins something that may outlive the pass.
  typealias Start = (@escaping @Sendable () async -> Void) -> Void

  /// Reads every source to its end.
  func importChanges(full: Bool, _ report: inout CycleReport) async throws {
    try await clock.timed(.import, &report) { report in
      let begun = readings.begin(sources, at: now(), isInsisting: true)
      await withTaskGroup(of: Void.self) { group in
        for source in begun { group.addTask { await read(source, full: full) } }
      }
      try Task.checkCancellation()
      try tell(&report)
    }
  }

  /// Reads what changed in the sources whose time it is, and goes on without those that stay silent.
  ///
  /// - Parameters:
  ///   - patience: as for ``SourceReadings/settle(_:patience:)``.
  ///   - start: begins a reading that this pass may not wait for.
  func importChanges(_ report: inout CycleReport, patience: Duration, _ start: Start) async throws {
    try await clock.timed(.import, &report) { report in
      let begun = readings.begin(sources, at: now(), isInsisting: false)
      for source in begun { start { await read(source, full: false) } }
      await readings.settle(Set(begun.map(\.name)), patience: patience)
      try Task.checkCancellation()
      try tell(&report)
    }
  }

  private func read(_ source: any ImportSource, full: Bool) async {
    let heard = Progress { [readings, progress, name = source.name] phase, done, total in
      readings.answered(name)
      progress.report(phase, done: done, total: total)
    }
    do {
      let imports = try await read(source, full: full, heard)
      readings.end(SourceReading(source: source.name, result: .success(imports)), at: now())
    } catch {
      if error is CancellationError || Task.isCancelled { return readings.abandon(source.name) }
      readings.end(
        SourceReading(source: source.name, result: .failure(error), isOfSource: Self.isOfSource(error)), at: now())
    }
  }

  private func read(
    _ source: any ImportSource, full: Bool, _ progress: Progress
  ) async throws -> [CycleReport.Import] {
    let importer = Importer(
      source: source, resolver: resolvers.first { $0.source == source.name }, store: store, logger: logger,
      now: now, progress: progress, names: NameDependence(configuration.rules))
    let isAnew =
      try await store.read { try Setting.load(.requested, of: source.name, in: $0) ?? "" } != source.fingerprint
    let imports = try await importer.run(full: full || isAnew)
    if isAnew {
      try await store.write { try Setting.save(.requested, of: source.name, source.fingerprint, in: $0) }
    }
    return imports
  }

  /// What became of the readings.
  ///
  /// - Throws: when no source could be read.
  private func tell(_ report: inout CycleReport) throws {
    let (ended, behind) = readings.take()
    var failures: [(source: String, error: (any Error)?)] = behind
    // In the order of the configuration, whichever ended first.
    for source in sources {
      for reading in ended where reading.source == source.name {
        switch reading.result {
        case .success(let imports):
          report.imports += imports
          for hidden in imports.compactMap(\.hidden) { tell(hidden, source.name, &report) }
        case .failure(let error):
          guard reading.isOfSource else { throw error }
          logger.error(
            "a source was left behind", metadata: ["source": "\(source.name)", "reason": "\(error.explanation)"])
          failures.append((source.name, error))
        }
      }
    }
    guard !failures.isEmpty else { return }
    if sources.count > 1 {
      report.leftBehind = failures.map(\.source)
      report.errors += failures.map { "\($0.source): \($0.error?.explanation ?? "It has not answered yet.")" }
    }
    if failures.count == sources.count, let error = failures.lazy.compactMap(\.error).first { throw error }
  }

  private func tell(_ hidden: CycleReport.Hidden, _ source: String, _ report: inout CycleReport) {
    logger.error(
      "what the account is not shown any more stays", metadata: ["source": "\(source)", "reason": "\(hidden.message)"])
    report.errors.append("\(source): \(hidden.message)")
  }

  /// A forest that cannot be read keeps what it last said and does not hold up the others. The engine's own store is
  /// everybody's.
  private static func isOfSource(_ error: any Error) -> Bool {
    !(error is StoreError || (error as? ConnectError)?.code == .corruptStore)
  }
}
