// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SwiftASN1
import Wire

/// RFC 5280 4.1.2.5 `Time ::= CHOICE { utcTime UTCTime, generalTime GeneralizedTime }`.
enum ASN1Time {
  static func date(_ element: DERElement) throws -> Date {
    let civil: CivilTime?
    switch element.tag {
    case DERElement.utcTime:
      let time = try UTCTime(derEncoded: element.encoded)
      civil = CivilTime(
        year: time.year, month: time.month, day: time.day, hour: time.hours, minute: time.minutes, second: time.seconds)
    case DERElement.generalizedTime:
      let time = try GeneralizedTime(derEncoded: element.encoded)
      civil = CivilTime(
        year: time.year, month: time.month, day: time.day, hour: time.hours, minute: time.minutes, second: time.seconds)
    default: throw DERElement.Failure.unexpected(tag: element.tag)
    }
    guard let civil else { throw DERElement.Failure.unexpected(tag: element.tag) }
    return Date(timeIntervalSince1970: Double(civil.unixSeconds))
  }
}
