// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// What one request learns about the service's load, all requests heed: nobody sends before the time has come.
actor Throttle {
  private var until = Date.distantPast
  private let timing: SCIMClientTiming

  init(timing: SCIMClientTiming) { self.timing = timing }

  func pause(for duration: Duration) { until = max(until, timing.now().addingTimeInterval(duration / .seconds(1))) }

  func wait() async throws {
    // Once more while others have prolonged the pause; bounded, should the clock stand still.
    for _ in 0..<4 {
      let left = until.timeIntervalSince(timing.now())
      guard left > 0 else { return }
      try await timing.sleep(.seconds(left))
    }
  }
}
