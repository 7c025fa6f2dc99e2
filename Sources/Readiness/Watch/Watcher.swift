// SPDX-License-Identifier: Apache-2.0

package import Logging
import Metrics
import PortReference
import Wire

/// Checks the flows of a topology again and again, keeps what was found, and tells what changed, once.
package struct Watcher: Sendable {
  /// When checks are made.
  package struct Schedule: Sendable, Equatable {
    /// From the start of one check to that of the next.
    package var interval = Duration.seconds(60)
    /// By which share of the interval a check may come earlier or later, so that watchers that began together part.
    package var jitter = 0.1
    /// How long the history is kept.
    package var retention = Duration.seconds(90 * 86_400)

    package init() {}

    /// A longer pause than this between two checks of a flow is a gap in its history.
    package var longestGap: Duration { interval * 3 }

    /// The pause before the next check.
    ///
    /// - Parameters:
    ///   - elapsed: what the last one took.
    ///   - random: from 0 to 1.
    func pause(after elapsed: Duration, random: Double) -> Duration {
      let share = 1 + jitter * (2 * min(max(random, 0), 1) - 1)
      return max(interval * share - elapsed, interval * Self.leastPause)
    }

    /// A check that takes longer than the interval is followed by a pause of this share of it all the same.
    private static let leastPause = 0.1
  }

  private let check: @Sendable () async throws -> [Finding]
  package let history: WatchHistory
  private let schedule: Schedule
  private let notifier: WatchNotifier?
  private let now: @Sendable () -> Double
  private let sleep: @Sendable (Duration) async throws -> Void
  private let random: @Sendable () -> Double
  private let logger: Logger

  /// - Parameters:
  ///   - check: has all conversations and returns in time; see `CheckRunner`.
  ///   - notifier: nil when nobody but the log is told.
  ///   - now: seconds since 1970.
  package init(
    check: @escaping @Sendable () async throws -> [Finding], history: WatchHistory, schedule: Schedule,
    notifier: WatchNotifier?, now: @escaping @Sendable () -> Double,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    random: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }, logger: Logger
  ) {
    self.check = check
    self.history = history
    self.schedule = schedule
    self.notifier = notifier
    self.now = now
    self.sleep = sleep
    self.random = random
    self.logger = logger
  }

  /// Goes on until it is cancelled.
  package func run() async {
    let clock = ContinuousClock()
    while !Task.isCancelled {
      let start = clock.now
      await pass()
      do { try await sleep(schedule.pause(after: clock.now - start, random: random())) } catch { return }
    }
  }

  /// One check. What goes wrong is logged; the next one is made all the same.
  package func pass() async {
    do {
      let findings = try await check()
      // Found after a stop was asked for, it would say of flows what the stop did to them.
      try Task.checkCancellation()
      try await record(findings, kind: .check)
      try await history.forget(before: now() - schedule.retention / .seconds(1))
    } catch is CancellationError {
      return
    } catch {
      logger.error("a check failed", metadata: ["error": "\(error.explanation)"])
      Counter(label: "bridgehead_watch_checks_total", dimensions: [("outcome", "failed")]).increment()
      return
    }
    Counter(label: "bridgehead_watch_checks_total", dimensions: [("outcome", "succeeded")]).increment()
    Gauge(label: "bridgehead_watch_last_check_timestamp_seconds").record(now())
  }

  package func record(_ findings: [Finding], kind: WatchKind) async throws {
    let changes = try await history.record(findings, kind: kind, at: now(), notifies: notifier != nil)
    for change in changes { log(change) }
    if !changes.isEmpty { notifier?.wake() }
  }

  private func log(_ change: WatchChange) {
    let finding = change.finding
    var metadata: Logger.Metadata = [
      "row": "\(finding.row)", "transport": "\(finding.transport.rawValue)", "target": "\(finding.target.host)",
      "verdict": "\(finding.verdict.rawValue)", "diagnosis": "\(finding.diagnosis.rawValue)",
      "summary": "\(finding.summary)", "flow": "\(change.flow)",
    ]
    if let before = change.before {
      metadata["before"] = "\(before.verdict.rawValue)"
      metadata["before_diagnosis"] = "\(before.diagnosis.rawValue)"
    }
    if let remedy = finding.remedy { metadata["remedy"] = "\(remedy.owner.rawValue): \(remedy.action)" }
    // Also that all is well again: who was told of trouble waits for it.
    logger.log(level: finding.verdict.isFailure ? .error : .warning, "a flow changed", metadata: metadata)
  }
}
