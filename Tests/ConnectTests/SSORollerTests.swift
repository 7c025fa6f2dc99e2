// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import Testing

@testable import Connect
import TestSupport
import Wire

@Suite struct SSORollerTests {
  /// A roller looks once an hour, whatever comes of it, until it is cancelled.
  @Test func looksEveryHour() async throws {
    let clock = ManualClock()
    let looks = Mutex(0)
    let roller = SSORoller(
      forest: "corp.example", clock: clock, logger: .silent
    ) {
      let number = looks.withLock { count in
        count += 1
        return count
      }
      if number == 2 { throw SSOError(.notEnabled, "a failure", remedy: "none") }
      return nil
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await roller.run() }
      for number in 1...3 {
        try await eventually { clock.isAwaited }
        #expect(looks.withLock { $0 } == number)
        clock.advance(by: .seconds(3599))
        #expect(clock.isAwaited)
        clock.advance(by: .seconds(1))
      }
      try await eventually { looks.withLock { $0 } == 4 }
      group.cancelAll()
    }
  }
}
