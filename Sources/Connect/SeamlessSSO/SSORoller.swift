// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import Logging

extension SeamlessSSO {
  /// Rolls the key when it is as old as this, or older. Where Seamless SSO is not enabled there is nothing to roll.
  ///
  /// - Parameter age: in seconds.
  /// - Returns: what was done; nil when nothing was due.
  package func rollIfDue(after age: TimeInterval) async throws -> SSOPlan? {
    let status = try await status()
    guard status.isEnabled, let set = status.account?.passwordLastSet, now().timeIntervalSince(set) >= age else {
      return nil
    }
    let plan = try await plan(.roll)
    try await carryOut(plan)
    return plan
  }
}

/// Looks now and then whether a forest's key is to be rolled, until its task is cancelled. No error ends it.
package struct SSORoller<Waiting: Clock>: Sendable where Waiting.Duration == Duration {
  /// From one look to the next: it costs a few questions to the forest and the tenant.
  package static var interval: Duration { .seconds(3600) }

  private let forest: String
  private let clock: Waiting
  private let logger: Logger
  private let rollIfDue: @Sendable () async throws -> SSOPlan?

  /// - Parameter rollIfDue: ``SeamlessSSO/rollIfDue(after:)``, with connections of its own.
  package init(
    forest: String, clock: Waiting, logger: Logger, rollIfDue: @escaping @Sendable () async throws -> SSOPlan?
  ) {
    self.forest = forest
    self.clock = clock
    self.logger = logger
    self.rollIfDue = rollIfDue
  }

  package func run() async {
    while !Task.isCancelled {
      do {
        if let plan = try await rollIfDue() {
          logger.notice(
            "the key of Seamless SSO was rolled",
            metadata: ["forest": "\(forest)", "steps": "\(plan.steps.joined(separator: "; "))"])
        } else {
          logger.debug("no key of Seamless SSO is due", metadata: ["forest": "\(forest)"])
        }
      } catch {
        if Task.isCancelled { return }
        logger.failure(
          error, otherwise: "the key of Seamless SSO was not rolled: \(error)", "sso.roll",
          metadata: ["forest": "\(forest)"])
      }
      guard (try? await clock.sleep(until: clock.now.advanced(by: Self.interval), tolerance: nil)) != nil else {
        return
      }
    }
  }
}
