// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials

/// RFC 9110 10.2.3 `Retry-After = HTTP-date / delay-seconds`.
package enum RetryAfter {
  /// Longer waits than a human life need not be told apart.
  private static let longest: Int64 = 1 << 31

  /// - Returns: the time to wait, never negative; nil for a malformed value.
  package static func parse(_ text: String, now: Date) -> Duration? {
    if let seconds = Int64(text), seconds >= 0 { return .seconds(min(seconds, longest)) }
    guard let date = HTTPDate.seconds(text) else { return nil }
    return .seconds(min(max(0, Double(date) - now.timeIntervalSince1970), Double(longest)))
  }
}
