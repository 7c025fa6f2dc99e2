// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import HTTP
package import NIOCore
package import Wire

/// Where the service is, and how much is asked of it.
package struct SCIMClientConfiguration: Sendable {
  /// For example `https://tenant.example/scim/v2`, without a query; a trailing slash is no matter.
  package var baseURL: HTTPURL
  /// Requests under way at a time.
  package var concurrency = 8
  /// For one attempt, from its first step to the last byte of the answer.
  package var deadline: TimeAmount = .seconds(60)
  /// The longest answer, in bytes; a page of 1,000 users has about 2 MiB.
  package var maximumAnswerBytes = 16 << 20
  /// Resources asked for on one page of a list.
  package var pageSize = 500
  /// Operations sent in one bulk request, also when the service takes more: its answer must come within the deadline.
  package var maximumBulkOperations = 100
  package var retry = RetryPolicy()

  package init(baseURL: HTTPURL) { self.baseURL = baseURL }
}

/// How often and after what time a request is repeated.
package struct RetryPolicy: Sendable, Hashable {
  /// Attempts of one request, the first included.
  package var maximumAttempts = 6
  package var backoff = Backoff(first: .milliseconds(500), longest: .seconds(60))
  /// A service that asks for a longer wait is left alone until the next run.
  package var maximumRetryAfter = Duration.seconds(300)

  package init() {}
}

/// Time and chance, as the composition root provides them.
package struct SCIMClientTiming: Sendable {
  package var now: @Sendable () -> Date
  package var sleep: @Sendable (Duration) async throws -> Void
  /// A number from 0 to 1.
  package var random: @Sendable () -> Double

  package init(
    now: @escaping @Sendable () -> Date,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    random: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }
  ) {
    self.now = now
    self.sleep = sleep
    self.random = random
  }
}
