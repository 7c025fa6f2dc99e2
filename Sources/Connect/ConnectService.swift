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
  private let resolvers: [any ReferenceResolver]
  private let ledger: FlowLedger
  private let logger: Logger
  private let now: @Sendable () -> Date
  private let memory = PassMemory()
  private let readings = SourceReadings()

  package init(
    configuration: ConnectConfiguration, store: any Store, sources: [any ImportSource], targets: [any ExportTarget],
    anchorWriters: [any AnchorWriter] = [], resolvers: [any ReferenceResolver] = [],
    ledger: FlowLedger, logger: Logger, now: @escaping @Sendable () -> Date
  ) {
    self.configuration = configuration
    self.store = store
    self.sources = sources
    self.targets = targets
    self.anchorWriters = anchorWriters
    self.resolvers = resolvers
    self.ledger = ledger
    self.logger = logger
    self.now = now
  }

  /// Makes one pass and notes it in the run history. One pass at a time may use a store: the caller sees to that.
  ///
  /// - Throws: ``ConnectError``, or what a collaborator threw; the pass is then noted as failed and the next one goes on
  ///   where it stopped.
  package func run(_ options: Options = Options(), progress: Progress = .none) async throws -> CycleReport {
    try await recorded(report(options.full ? .full : .delta)) { report in
      try await cycle(progress).run(full: options.full, into: &report)
    }
  }

  /// Reads what changed and goes on only where there is something to do. A pass that finds nothing writes nothing but the
  /// watermark; it is counted, and told with the next one in the run history. One that had to leave a source behind is told
  /// in any case.
  ///
  /// - Parameters:
  ///   - patience: as for ``SourceReadings/settle(_:patience:)``.
  ///   - start: begins a reading that the pass may not wait for, because its source stays silent; what it brings is taken by
  ///     the pass after its end (``hasNews``).
  /// - Throws: as ``run(_:progress:)``.
  func poll(patience: Duration, _ start: Cycle.Start) async throws -> CycleReport {
    var report = report(.delta)
    let cycle = cycle(.none)
    let isWorth: Bool
    do {
      try await cycle.importChanges(&report, patience: patience, start)
      isWorth = memory.isWorth(try await look(leftBehind: report.leftBehind ?? []), at: now().timeIntervalSince1970)
    } catch {
      return try await recorded(report) { _ in throw error }
    }
    if !isWorth, report.leftBehind == nil {
      memory.change { $0.quiet += 1 }
      measure(report, outcome: .quiet)
      return report
    }
    if !isWorth, memory.isRepeated(report.errors.joined(separator: "\n"), at: now().timeIntervalSince1970) {
      measure(report, outcome: .partial)
      return report
    }
    return try await recorded(report) { report in
      if isWorth { try await cycle.takeToTargets(full: false, &report) }
    }
  }

  /// As ``poll(patience:_:)``, to the end of all readings that it begins.
  func poll() async throws -> CycleReport {
    try await withThrowingDiscardingTaskGroup { group in
      try await poll(patience: SchedulePlan.defaultPatience) { reading in group.addTask { await reading() } }
    }
  }

  /// Whether a source was read since the last pass.
  var hasNews: Bool { readings.hasNews }

  private func look(leftBehind: [String] = []) async throws -> Work {
    try await store.read { [configuration, time = now().timeIntervalSince1970] transaction in
      try Work.look(configuration, leftBehind: leftBehind, now: time, in: transaction)
    }
  }

  /// Reads the directories and tells what an export would do; leaves no export state.
  package func preview(
    _ options: Options = Options(), progress: Progress = .none,
    _ body: @escaping @Sendable (ObjectDifference) -> Void
  ) async throws -> CycleReport {
    try await recorded(report(.preview)) { report in
      try await cycle(progress).preview(full: options.full, into: &report, body)
    }
  }

  private func cycle(_ progress: Progress) -> Cycle {
    Cycle(
      configuration: configuration, sources: sources, targets: targets, anchorWriters: anchorWriters,
      resolvers: resolvers, store: store, logger: logger,
      now: { [now] in now().timeIntervalSince1970 }, progress: progress, readings: readings)
  }

  /// Seconds since the last full pass that succeeded; nil when the run history has none.
  func ageOfLastFull() async -> Duration? {
    let started = try? await RunHistory(store: store).lastFull()
    return started.map { .seconds(max(0, now().timeIntervalSince1970 - $0)) }
  }

  /// Changes when somebody asks for a pass at once.
  func lastCall() async -> String? {
    try? await store.read { transaction in try Setting.load(.call, in: transaction) }
  }

  /// Writes what was only counted so far.
  func end() async {
    // A task of its own, because the store refuses a cancelled one.
    await Task { try? await ledger.flush(to: store, at: now().timeIntervalSince1970) }.value
  }

  private func report(_ mode: CycleReport.Mode) -> CycleReport {
    CycleReport(mode: mode, started: now().timeIntervalSince1970, isStaging: configuration.isStaging)
  }

  private func recorded(
    _ report: CycleReport, _ body: (inout CycleReport) async throws -> Void
  ) async throws -> CycleReport {
    var report = report
    let quiet = memory.change { $0.quiet }
    if quiet > 0 { report.quietBefore = quiet }
    let history = RunHistory(store: store)
    let id = try await history.begin(report)
    do {
      try await body(&report)
    } catch {
      let isStopped = error is CancellationError || Task.isCancelled
      let reason = isStopped ? "The run was stopped." : error.explanation
      report.limitErrors()
      report.errors.append(reason)
      // A task of its own, because the store refuses a cancelled one. The first error is what matters; a store that
      // fails again here would only hide it.
      await Task { [report] in
        if isStopped {
          try? await history.end(id, report, outcome: .interrupted, at: now().timeIntervalSince1970)
        } else {
          try? await noteFailure(id, report, reason, history)
        }
        try? await ledger.flush(to: store, at: now().timeIntervalSince1970)
      }.value
      measure(report, outcome: isStopped ? .interrupted : .failed)
      throw error
    }
    report.limitErrors()
    try await noteSuccess(id, &report, history)
    try await ledger.flush(to: store, at: now().timeIntervalSince1970)
    let (leftovers, time) = (try await look().leftovers, now().timeIntervalSince1970)
    memory.change {
      $0.quiet = 0
      ($0.leftovers, $0.leftoversAt) = (leftovers, time)
    }
    measure(report, outcome: report.outcome)
    return report
  }

  /// A pass that left a source behind and found nothing else is noted as a failure is: in place of the one before it.
  private func noteSuccess(_ id: Int64, _ report: inout CycleReport, _ history: RunHistory) async throws {
    guard report.leftBehind != nil, report.changedNothing else {
      memory.change { $0.failure = nil }
      return try await history.end(id, report, outcome: report.outcome, at: now().timeIntervalSince1970)
    }
    try await noteRepeatable(id, &report, report.errors.joined(separator: "\n"), outcome: .partial, history)
  }

  /// A pass that failed as the one before it takes that one's place: whoever waits for a domain controller all night shall
  /// find the runs of the day before in the history.
  private func noteFailure(_ id: Int64, _ report: CycleReport, _ reason: String, _ history: RunHistory) async throws {
    var report = report
    try await noteRepeatable(id, &report, reason, outcome: .failed, history)
  }

  private func noteRepeatable(
    _ id: Int64, _ report: inout CycleReport, _ reason: String, outcome: RunOutcome, _ history: RunHistory
  ) async throws {
    let last = memory.change { $0.failure }
    let isRepeated = last?.reason == reason
    let repetitions = isRepeated ? (last?.repetitions ?? 1) + 1 : 1
    if isRepeated { report.repetitions = repetitions }
    let time = now().timeIntervalSince1970
    try await history.end(id, report, outcome: outcome, at: time, inPlaceOf: isRepeated ? last?.run : nil)
    memory.change { $0.failure = (id, reason, repetitions, time) }
  }

  private func measure(_ report: CycleReport, outcome: RunOutcome) {
    Counter(
      label: "bridgehead_connect_passes_total",
      dimensions: [("mode", report.mode.rawValue), ("outcome", outcome.rawValue)]
    ).increment()
    let time = now().timeIntervalSince1970
    Metrics.Timer(label: "bridgehead_connect_pass", dimensions: [("outcome", outcome.rawValue)])
      .recordNanoseconds(Int64(max(0, time - report.started) * 1e9))
    // A source that cannot be read makes the time grow old, also while the others have nothing new.
    if [.succeeded, .quiet].contains(outcome), report.leftBehind == nil {
      Metrics.Gauge(label: "bridgehead_connect_last_success_seconds").record(time)
    }
    Metrics.Gauge(label: "bridgehead_connect_sources_left_behind").record(report.leftBehind?.count ?? 0)
    guard [.succeeded, .partial].contains(outcome) else { return }
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
  }
}

extension CycleReport {
  /// Of a pass that came to its end.
  fileprivate var outcome: RunOutcome { leftBehind == nil ? .succeeded : .partial }
}
