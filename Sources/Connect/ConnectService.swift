// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import IdentityModel
package import Logging
import Metrics
package import Store
import Wire

/// The role's entry point: a synchronisation server with its collaborators.
package struct ConnectService: Sendable {
  package struct Options: Sendable {
    /// Reads every directory and the target from the start.
    package var full: Bool

    package init(full: Bool = false) { self.full = full }
  }

  private let configuration: ConnectConfiguration
  private let store: any Store
  private let sources: [any ImportSource]
  private let targets: [any ExportTarget]
  private let anchorWriters: [any AnchorWriter]
  private let ledger: FlowLedger
  private let logger: Logger
  private let now: @Sendable () -> Date

  package init(
    configuration: ConnectConfiguration, store: any Store, sources: [any ImportSource], targets: [any ExportTarget],
    anchorWriters: [any AnchorWriter] = [],
    ledger: FlowLedger, logger: Logger, now: @escaping @Sendable () -> Date
  ) {
    self.configuration = configuration
    self.store = store
    self.sources = sources
    self.targets = targets
    self.anchorWriters = anchorWriters
    self.ledger = ledger
    self.logger = logger
    self.now = now
  }

  /// Makes one pass and notes it in the run history. One pass at a time may use a store: the caller sees to that.
  ///
  /// - Throws: ``ConnectError``, or what a collaborator threw; the pass is then noted as failed and the next one goes on
  ///   where it stopped.
  package func run(_ options: Options = Options(), progress: Progress = .none) async throws -> CycleReport {
    try await recorded(options.full ? .full : .delta) { report in
      try await cycle(progress).run(full: options.full, into: &report)
    }
  }

  /// Reads the directories and tells what an export would do; leaves no export state.
  package func preview(
    _ options: Options = Options(), progress: Progress = .none,
    _ body: @escaping @Sendable (ObjectDifference) -> Void
  ) async throws -> CycleReport {
    try await recorded(.preview) { report in
      try await cycle(progress).preview(full: options.full, into: &report, body)
    }
  }

  private func cycle(_ progress: Progress) -> Cycle {
    Cycle(
      configuration: configuration, sources: sources, targets: targets, anchorWriters: anchorWriters, store: store,
      logger: logger,
      now: { [now] in now().timeIntervalSince1970 }, progress: progress)
  }

  private func recorded(
    _ mode: CycleReport.Mode, _ body: (inout CycleReport) async throws -> Void
  ) async throws -> CycleReport {
    var report = CycleReport(mode: mode, started: now().timeIntervalSince1970, isStaging: configuration.isStaging)
    let history = RunHistory(store: store)
    let id = try await history.begin(report)
    do {
      try await body(&report)
    } catch {
      let isStopped = error is CancellationError || Task.isCancelled
      let reason = isStopped ? "The run was stopped." : (error as? any DiagnosableError)?.message ?? "\(error)"
      report.errors.append(reason)
      // A task of its own, because the store refuses a cancelled one. The first error is what matters; a store that
      // fails again here would only hide it.
      await Task { [report] in
        try? await history.end(
          id, report, outcome: isStopped ? "interrupted" : "failed", at: now().timeIntervalSince1970)
        try? await ledger.flush(to: store, at: now().timeIntervalSince1970)
      }.value
      throw error
    }
    try await history.end(id, report, outcome: "succeeded", at: now().timeIntervalSince1970)
    try await ledger.flush(to: store, at: now().timeIntervalSince1970)
    measure(report)
    return report
  }

  private func measure(_ report: CycleReport) {
    for (kind, counts) in report.exported {
      for (operation, count) in [
        ("created", counts.created), ("adopted", counts.adopted), ("updated", counts.updated),
        ("deleted", counts.deleted), ("links_added", counts.linksAdded), ("links_removed", counts.linksRemoved),
      ] where count > 0 {
        Counter(label: "bridgehead_connect_exported_total", dimensions: [("kind", kind), ("operation", operation)])
          .increment(by: Int64(count))
      }
    }
    for phase in Phase.allCases {
      guard let elapsed = report.elapsed(phase) else { continue }
      Metrics.Gauge(label: "bridgehead_connect_phase_seconds", dimensions: [("phase", phase.rawValue)]).record(elapsed)
    }
    Metrics.Gauge(label: "bridgehead_connect_quarantined").record(report.quarantined)
    Metrics.Gauge(label: "bridgehead_connect_pending").record(report.pending)
    Metrics.Gauge(label: "bridgehead_connect_last_success_seconds").record(now().timeIntervalSince1970)
  }
}
