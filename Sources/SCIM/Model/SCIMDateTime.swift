// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import Wire

/// xsd:dateTime as SCIM uses it (RFC 7643 2.3.5): `2011-08-01T18:29:49.793Z`, with a zone or offset.
package enum SCIMDateTime {
  /// - Returns: nil for anything but a complete, valid date and time.
  package static func parse(_ text: String) -> Date? {
    var bytes = Array(text.utf8)[...]
    func digits(_ count: Int) -> Int? {
      guard bytes.count >= count else { return nil }
      var value = 0
      for byte in bytes.prefix(count) {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        value = value * 10 + Int(byte - UInt8(ascii: "0"))
      }
      bytes.removeFirst(count)
      return value
    }
    func take(_ characters: String) -> Bool {
      guard let first = bytes.first, characters.utf8.contains(first) else { return false }
      bytes.removeFirst()
      return true
    }
    guard let year = digits(4), take("-"), let month = digits(2), take("-"), let day = digits(2), take("Tt "),
      let hour = digits(2), take(":"), let minute = digits(2), take(":"), let second = digits(2)
    else { return nil }
    // XML Schema 1.1 part 2, 3.3.7.1: 24 o'clock is the end of the day, with no minutes after it.
    let isEndOfDay = hour == 24 && minute == 0 && second == 0
    let civil = CivilTime(
      year: year, month: month, day: day, hour: isEndOfDay ? 0 : hour, minute: minute, second: second)
    guard let civil else { return nil }
    var fraction = 0.0
    if take(".") {
      var scale = 0.1
      guard bytes.first.map({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) ?? false else { return nil }
      while let digit = digits(1) {
        fraction += Double(digit) * scale
        scale /= 10
      }
    }
    var offset = 0
    if let sign = bytes.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
      bytes.removeFirst()
      guard let hours = digits(2), take(":"), let minutes = digits(2), hours <= 14, minutes < 60 else { return nil }
      offset = (hours * 60 + minutes) * 60 * (sign == UInt8(ascii: "-") ? -1 : 1)
    } else {
      guard take("Zz") else { return nil }
    }
    guard bytes.isEmpty else { return nil }
    guard !isEndOfDay || fraction == 0 else { return nil }
    let seconds = civil.unixSeconds + (isEndOfDay ? 86_400 : 0) - Int64(offset)
    return Date(timeIntervalSince1970: Double(seconds) + fraction)
  }

  /// UTC with milliseconds; the years 0000 to 9999 are covered, anything beyond is clamped.
  package static func string(from date: Date) -> String {
    let milliseconds = (date.timeIntervalSince1970 * 1000).rounded(.down)
    let total = Int64(min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_999))
    // Of the second, which the calendar counts down to, whichever side of 1970 it is on.
    let thousandths = Int((total % 1000 + 1000) % 1000)
    let time = CivilTime(unixSeconds: (total - Int64(thousandths)) / 1000)
    func pad(_ value: Int, _ width: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
    return "\(pad(time.year, 4))-\(pad(time.month, 2))-\(pad(time.day, 2))T\(pad(time.hour, 2)):"
      + "\(pad(time.minute, 2)):\(pad(time.second, 2)).\(pad(thousandths, 3))Z"
  }
}
