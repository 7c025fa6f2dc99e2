// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SwiftASN1

/// RFC 5280 4.1.2.5 `Time ::= CHOICE { utcTime UTCTime, generalTime GeneralizedTime }`.
enum ASN1Time {
  static func date(_ element: DERElement) throws -> Date {
    switch element.tag {
    case DERElement.utcTime:
      let time = try UTCTime(derEncoded: element.encoded)
      return date(time.year, time.month, time.day, time.hours, time.minutes, time.seconds)
    case DERElement.generalizedTime:
      let time = try GeneralizedTime(derEncoded: element.encoded)
      return date(time.year, time.month, time.day, time.hours, time.minutes, time.seconds)
    default:
      throw DERElement.Failure.unexpected(tag: element.tag)
    }
  }

  /// Days since 1970-01-01 in the proleptic Gregorian calendar, counted in years that begin in March.
  private static func date(_ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int, _ second: Int) -> Date {
    let shifted = month > 2 ? year : year - 1
    let leaps = shifted / 4 - shifted / 100 + shifted / 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let days = shifted * 365 + leaps + dayOfYear - 719_468
    return Date(timeIntervalSince1970: Double(((days * 24 + hour) * 60 + minute) * 60 + second))
  }
}
