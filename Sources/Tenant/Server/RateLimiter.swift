// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Synchronization

/// A token bucket for each bearer token or source: so many requests a second for long, a burst after a pause.
final class RateLimiter: Sendable {
  private struct Bucket {
    var level: Double
    var filled: Date
  }

  /// Buckets at a time. Sources can be many: full buckets are forgotten first, then all.
  private static let maximumBuckets = 100_000

  private let rate: Double
  private let burst: Double
  private let buckets = Mutex<[String: Bucket]>([:])

  init(rate: Double, burst: Double) {
    self.rate = max(rate, 0.001)
    self.burst = max(burst, 1)
  }

  /// Takes one request out of the bucket.
  ///
  /// - Returns: nil when it may go on, else the whole seconds after which the next one may.
  func refusal(for key: String, at now: Date) -> Int? {
    buckets.withLock { buckets in
      var bucket = buckets[key] ?? Bucket(level: burst, filled: now)
      // A clock that was set back fills nothing.
      bucket.level = min(burst, bucket.level + max(0, now.timeIntervalSince(bucket.filled)) * rate)
      bucket.filled = now
      defer {
        buckets[key] = bucket
        if buckets.count > Self.maximumBuckets { forget(&buckets, at: now) }
      }
      guard bucket.level < 1 else {
        bucket.level -= 1
        return nil
      }
      return max(1, Int(((1 - bucket.level) / rate).rounded(.up)))
    }
  }

  private func forget(_ buckets: inout [String: Bucket], at now: Date) {
    buckets = buckets.filter { $0.value.level + now.timeIntervalSince($0.value.filled) * rate < burst }
    if buckets.count > Self.maximumBuckets { buckets.removeAll() }
  }
}
