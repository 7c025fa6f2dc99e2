// SPDX-License-Identifier: Apache-2.0

import Wire

/// RFC 9110 5.6.7 `IMF-fixdate`: `Sun, 06 Nov 1994 08:49:37 GMT`. The obsolete forms are not read.
package enum HTTPDate {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// Seconds since 1970-01-01 00:00 UTC; nil for anything else.
  package static func seconds(_ text: String) -> Int? {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 6, parts[5] == "GMT", parts[0].hasSuffix(","), let day = number(parts[1], 2),
      let month = months.firstIndex(of: String(parts[2])), let year = number(parts[3], 4), year >= 1970
    else { return nil }
    let clock = parts[4].split(separator: ":", omittingEmptySubsequences: false).map { number($0, 2) }
    guard clock.count == 3, let hour = clock[0], let minute = clock[1], let second = clock[2],
      let time = CivilTime(year: year, month: month + 1, day: day, hour: hour, minute: minute, second: second)
    else { return nil }
    return Int(time.unixSeconds)
  }

  private static func number(_ text: Substring, _ digits: Int) -> Int? {
    guard text.utf8.count == digits, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(text)
  }
}
