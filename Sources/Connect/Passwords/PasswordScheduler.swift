// SPDX-License-Identifier: Apache-2.0

package import Logging
import Wire

/// When passwords are read.
package enum PasswordSchedule {
  /// As in Entra Connect.
  package static let defaultInterval = Duration.seconds(120)
  /// With `--follow`: so that a change is at the target within five seconds.
  package static let followInterval = Duration.seconds(2)
}

/// Makes one pass over the passwords after the other until its task is cancelled. No error ends it.
package struct PasswordScheduler<Waiting: Clock>: Sendable where Waiting.Duration == Duration {
  private let pass: PasswordPass
  private let interval: Duration
  private let clock: Waiting
  private let logger: Logger

  package init(_ pass: PasswordPass, interval: Duration, clock: Waiting, logger: Logger) {
    self.pass = pass
    self.interval = interval
    self.clock = clock
    self.logger = logger
  }

  package func run() async {
    var failures = 0
    while !Task.isCancelled {
      let start = clock.now
      do {
        let report = try await pass.run()
        failures = report.errors.isEmpty ? 0 : failures + 1
        if report.sent + report.forgotten + report.refused + report.due > 0 {
          logger.info(
            "passwords synchronised",
            metadata: [
              "sent": "\(report.sent)", "forgotten": "\(report.forgotten)", "refused": "\(report.refused)",
              "due": "\(report.due)",
            ])
        }
      } catch {
        if Task.isCancelled { return }
        failures += 1
        logger.failure(error, otherwise: "the passwords were not read", "connect.passwords")
      }
      let wait = SchedulePlan(interval: interval).wait(afterFailures: failures)
      guard (try? await clock.sleep(until: start.advanced(by: wait), tolerance: nil)) != nil else { return }
    }
  }
}
