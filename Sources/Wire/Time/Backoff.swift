// SPDX-License-Identifier: Apache-2.0

/// How long to wait before another attempt: twice as long after each failure in a row, up to a limit.
package struct Backoff: Sendable, Hashable {
  /// After the first failure.
  package var first: Duration
  package var longest: Duration

  package init(first: Duration, longest: Duration) {
    self.first = first
    self.longest = longest
  }

  /// 2^20 times a second is twelve days: longer than any limit.
  private static let maximumDoublings = 20

  /// - Parameter failures: in a row, from 1.
  package func wait(afterFailures failures: Int) -> Duration {
    min(longest, first * (1 << min(max(failures - 1, 0), Self.maximumDoublings)))
  }

  /// - Parameter jitter: from 0 to 1, by chance; from half the wait to all of it, which spreads clients that failed
  ///   together.
  package func wait(afterFailures failures: Int, jitter: Double) -> Duration {
    wait(afterFailures: failures) * (0.5 + 0.5 * min(max(jitter, 0), 1))
  }
}
