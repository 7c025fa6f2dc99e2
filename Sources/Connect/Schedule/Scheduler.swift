// SPDX-License-Identifier: Apache-2.0

package import Logging
import Wire

/// Makes one pass after the other until its task is cancelled. No error ends it: a pass that fails is made again, after a
/// wait that doubles with each failure.
package struct Scheduler<Waiting: Clock>: Sendable where Waiting.Duration == Duration {
  private let service: ConnectService
  private let plan: SchedulePlan
  private let clock: Waiting
  private let logger: Logger

  package init(_ service: ConnectService, plan: SchedulePlan, clock: Waiting, logger: Logger) {
    self.service = service
    self.plan = plan
    self.clock = clock
    self.logger = logger
  }

  package func run() async {
    // Readings that a pass did not wait for end with the service.
    await withDiscardingTaskGroup { group in
      await passes { reading in group.addTask { await reading() } }
      group.cancelAll()
    }
    await service.end()
  }

  private func passes(_ startReading: Cycle.Start) async {
    var failures = 0
    var nextFull = plan.full.map { _ in clock.now }
    if let full = plan.full, let age = await service.ageOfLastFull(), age < full {
      nextFull = clock.now.advanced(by: full - age)
    }
    var isFirst = true
    while !Task.isCancelled {
      let start = clock.now
      // Before the pass: what somebody asks for while it runs may come too late for it.
      let call = await service.lastCall()
      let isFull = nextFull.map { $0 <= start } ?? false
      do {
        // The first one always goes through all phases: the configuration may have changed.
        if isFull || isFirst {
          _ = try await service.run(.init(full: isFull))
        } else {
          _ = try await service.poll(patience: plan.patience, startReading)
        }
        if isFull, let full = plan.full { nextFull = start.advanced(by: full) }
        (failures, isFirst) = (0, false)
      } catch {
        if Task.isCancelled { break }
        failures += 1
        logger.failure(
          error, otherwise: "the pass failed; the run history says why", "connect.pass",
          metadata: ["failures": "\(failures)", "next": "\(plan.wait(afterFailures: failures))"])
      }
      await wait(until: start.advanced(by: plan.wait(afterFailures: failures)), unlessCalledSince: call)
    }
  }

  /// Returns early when somebody asks for a pass, when a source was read that the last one did not wait for, and when the
  /// task is cancelled.
  private func wait(until deadline: Waiting.Instant, unlessCalledSince call: String?) async {
    while !Task.isCancelled, clock.now < deadline {
      let step = min(deadline, clock.now.advanced(by: SchedulePlan.lookEvery))
      guard (try? await clock.sleep(until: step, tolerance: nil)) != nil else { return }
      if service.hasNews { return }
      if clock.now < deadline, await service.lastCall() != call { return }
    }
  }
}

/// When passes are made.
package struct SchedulePlan: Sendable, Equatable {
  /// From the start of one pass to the start of the next.
  package var interval: Duration
  /// From one full pass to the next; nil for never.
  package var full: Duration?
  /// How long a pass waits for a source that stays silent while others have been read.
  package var patience = SchedulePlan.defaultPatience

  package static let defaultPatience: Duration = .seconds(5)
  package static let defaultInterval: Duration = .seconds(30)
  /// With `--follow`: so that a change is at the target within two seconds.
  package static let followInterval: Duration = .milliseconds(500)
  /// The longest wait after failures, unless the interval is longer.
  package static let longestWait: Duration = .seconds(300)
  /// How often a wait looks whether somebody asked for a pass.
  static let lookEvery: Duration = .seconds(1)

  package init(interval: Duration = SchedulePlan.defaultInterval, full: Duration? = nil) {
    self.interval = interval
    self.full = full
  }

  /// From the start of a pass to the start of the next, after so many failures in a row.
  package func wait(afterFailures failures: Int) -> Duration {
    guard failures > 0 else { return interval }
    return max(interval, Backoff(first: interval, longest: Self.longestWait).wait(afterFailures: failures))
  }
}
