// SPDX-License-Identifier: Apache-2.0

import Logging

/// Tells how long each phase took.
struct PhaseClock: Sendable {
  let logger: Logger
  let now: @Sendable () -> Double

  func timed<R>(
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
