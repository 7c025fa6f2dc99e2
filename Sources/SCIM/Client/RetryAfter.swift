// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// The Retry-After header (RFC 9110 10.2.3): seconds or an HTTP date.
enum RetryAfter {
  /// - Returns: the time to wait, never negative; nil for a malformed value.
  static func parse(_ text: String, now: Date) -> Duration? {
    if let seconds = Int64(text), seconds >= 0 { return .seconds(min(seconds, 1 << 31)) }
    guard let date = httpDate(text) else { return nil }
    return .seconds(min(max(0, date.timeIntervalSince(now)), Double(1 << 31)))
  }

  /// The preferred form of RFC 9110 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
  static func httpDate(_ text: String) -> Date? {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[0].utf8.count == 4, parts[0].hasSuffix(","), parts[5] == "GMT",
      let day = Int(parts[1]), let month = months.firstIndex(of: String(parts[2])), let year = Int(parts[3]),
      (1...31).contains(day), (1970...9999).contains(year)
    else { return nil }
    let time = parts[4].split(separator: ":").map { Int($0) ?? -1 }
    guard time.count == 3, (0..<24).contains(time[0]), (0..<60).contains(time[1]), (0...60).contains(time[2]) else {
      return nil
    }
    let days = SCIMDateTime.daysSince1970(year: year, month: month + 1, day: day)
    return Date(timeIntervalSince1970: Double(days * 86_400 + time[0] * 3600 + time[1] * 60 + time[2]))
  }
}
