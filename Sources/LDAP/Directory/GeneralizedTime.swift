// SPDX-License-Identifier: Apache-2.0

/// RFC 4517 3.3.13 as directories write it: `YYYYMMDDHHMMSS[.f]Z`.
package enum GeneralizedTime {
  /// Seconds since 1970-01-01 00:00 UTC; nil when the text is none in UTC.
  package static func unixSeconds(_ text: String) -> Int64? {
    let digits = Array(text.utf8.prefix { (0x30...0x39).contains($0) }.map { Int64($0 - 0x30) })
    guard digits.count == 14, text.last == "Z" else { return nil }
    func number(_ range: Range<Int>) -> Int64 { digits[range].reduce(0) { $0 * 10 + $1 } }
    let (year, month, day) = (number(0..<4), number(4..<6), number(6..<8))
    let (hour, minute, second) = (number(8..<10), number(10..<12), number(12..<14))
    guard (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60 else { return nil }
    // Days from the civil date, years beginning in March so that the leap day is the last.
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = era * 146_097 + dayOfEra - 719_468
    return ((days * 24 + hour) * 60 + minute) * 60 + second
  }
}
