// SPDX-License-Identifier: Apache-2.0

/// A date and a time of day in UTC, in the proleptic Gregorian calendar: what every text form of a time is read into.
package struct CivilTime: Hashable, Sendable {
  package let year: Int
  /// 1 to 12.
  package let month: Int
  /// From 1.
  package let day: Int
  package let hour: Int
  package let minute: Int
  /// 60 is a leap second; in seconds since 1970 it is the first of the next minute.
  package let second: Int

  /// Nil for what is on no calendar and no clock: 30 February, 24 o'clock, years of more than four digits.
  package init?(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
    guard (0...9999).contains(year), (1...12).contains(month),
      (1...Self.length(ofMonth: month, in: year)).contains(day),
      (0..<24).contains(hour), (0..<60).contains(minute), (0...60).contains(second)
    else { return nil }
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
  }

  /// - Parameter seconds: since 1970-01-01 00:00 UTC.
  package init(unixSeconds seconds: Int64) {
    let (days, clock) = Self.floorDivide(Int(seconds), 86_400)
    let (era, dayOfEra) = Self.floorDivide(days + Self.epoch, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    month = shifted < 10 ? shifted + 3 : shifted - 9
    year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    day = dayOfYear - (153 * shifted + 2) / 5 + 1
    (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60)
  }

  /// Seconds since 1970-01-01 00:00 UTC.
  package var unixSeconds: Int64 {
    let (era, yearOfEra) = Self.floorDivide(month <= 2 ? year - 1 : year, 400)
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - Self.epoch
    return Int64(((days * 24 + hour) * 60 + minute) * 60 + second)
  }

  // Days are counted in eras of 400 years that begin in March, so that the leap day is a year's last.

  /// Days from 0000-03-01 to 1970-01-01.
  private static let epoch = 719_468

  private static func length(ofMonth month: Int, in year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  private static func floorDivide(_ value: Int, _ divisor: Int) -> (Int, Int) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
