// SPDX-License-Identifier: Apache-2.0

import Wire

/// RFC 4517 3.3.13 as directories write it: `YYYYMMDDHHMMSS[.f]Z`.
package enum GeneralizedTime {
  /// Seconds since 1970-01-01 00:00 UTC; nil when the text is none in UTC.
  package static func unixSeconds(_ text: String) -> Int64? {
    let digits = Array(text.utf8.prefix { (0x30...0x39).contains($0) }.map { Int($0 - 0x30) })
    guard digits.count == 14, text.last == "Z" else { return nil }
    func number(_ range: Range<Int>) -> Int { digits[range].reduce(0) { $0 * 10 + $1 } }
    return CivilTime(
      year: number(0..<4), month: number(4..<6), day: number(6..<8), hour: number(8..<10), minute: number(10..<12),
      second: number(12..<14))?.unixSeconds
  }
}
