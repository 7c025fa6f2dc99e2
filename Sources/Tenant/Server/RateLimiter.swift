// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Synchronization
import Wire

/// A token bucket for each bearer token or source: so many requests a second for long, a burst after a pause.
final class RateLimiter: Sendable {
  private struct Bucket {
    var level: Double
    var filled: Date
  }

  /// Buckets at a time. Sources can be many: full buckets are forgotten first, then those that were used longest ago.
  static let maximumBuckets = 100_000

  private let rate: Double
  private let burst: Double
  private let buckets = Mutex(BoundedMap<String, Bucket>(capacity: RateLimiter.maximumBuckets))

  init(rate: Double, burst: Double) {
    self.rate = max(rate, 0.001)
    self.burst = max(burst, 1)
  }

  /// Takes one request out of the bucket.
  ///
  /// - Returns: nil when it may go on, else the whole seconds after which the next one may.
  func refusal(for key: String, at now: Date) -> Int? {
    buckets.withLock { buckets in
      let known = buckets[key]
      var bucket = known.map { filled($0, at: now) } ?? Bucket(level: burst, filled: now)
      let seconds = wait(bucket)
      if seconds == nil { bucket.level -= 1 }
      if known == nil, buckets.count == Self.maximumBuckets {
        buckets.removeAll { filled($0, at: now).level >= burst }
      }
      buckets[key] = bucket
      return seconds
    }
  }

  /// Whether the bucket is empty; nothing is taken out of it.
  ///
  /// - Returns: as ``refusal(for:at:)``.
  func pause(of key: String, at now: Date) -> Int? {
    buckets.withLock { buckets in buckets[key].flatMap { wait(filled($0, at: now)) } }
  }

  private func filled(_ bucket: Bucket, at now: Date) -> Bucket {
    // A clock that was set back fills nothing.
    Bucket(level: min(burst, bucket.level + max(0, now.timeIntervalSince(bucket.filled)) * rate), filled: now)
  }

  private func wait(_ bucket: Bucket) -> Int? {
    bucket.level < 1 ? max(1, Int(((1 - bucket.level) / rate).rounded(.up))) : nil
  }
}
