// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@Suite struct TimeTests {
  /// Checked with date(1).
  @Test(arguments: [
    (1970, 1, 1, Int64(0)), (2000, 2, 29, 951_782_400), (2000, 3, 1, 951_868_800), (2100, 3, 1, 4_107_542_400),
    (1969, 12, 31, -86_400), (1601, 1, 1, -11_644_473_600), (0, 3, 1, -62_162_035_200), (9999, 12, 31, 253_402_214_400),
  ])
  func days(year: Int, month: Int, day: Int, seconds: Int64) throws {
    let time = try #require(CivilTime(year: year, month: month, day: day))
    #expect(time.unixSeconds == seconds)
    #expect(CivilTime(unixSeconds: seconds) == time)
  }

  /// Every hundred and twenty-first hour of eight hundred years, there and back.
  @Test func isItsOwnInverse() {
    for seconds in stride(from: Int64(-12_622_780_800), to: 12_622_780_800, by: 121 * 3600 + 1) {
      let time = CivilTime(unixSeconds: seconds)
      let again = CivilTime(
        year: time.year, month: time.month, day: time.day, hour: time.hour, minute: time.minute, second: time.second)
      #expect(again?.unixSeconds == seconds)
    }
  }

  @Test func knowsTheCalendarAndTheClock() {
    #expect(CivilTime(year: 2023, month: 2, day: 29) == nil && CivilTime(year: 2024, month: 2, day: 29) != nil)
    #expect(CivilTime(year: 2100, month: 2, day: 29) == nil && CivilTime(year: 2000, month: 2, day: 29) != nil)
    #expect(CivilTime(year: 2023, month: 4, day: 31) == nil && CivilTime(year: 2023, month: 12, day: 31) != nil)
    for (month, day) in [(0, 1), (13, 1), (1, 0), (1, 32)] {
      #expect(CivilTime(year: 2023, month: month, day: day) == nil)
    }
    #expect(CivilTime(year: -1, month: 1, day: 1) == nil && CivilTime(year: 10_000, month: 1, day: 1) == nil)
    for (hour, minute, second) in [(24, 0, 0), (0, 60, 0), (0, 0, 61), (-1, 0, 0)] {
      #expect(CivilTime(year: 2023, month: 1, day: 1, hour: hour, minute: minute, second: second) == nil)
    }
    let leap = CivilTime(year: 2016, month: 12, day: 31, hour: 23, minute: 59, second: 60)
    #expect(leap?.unixSeconds == CivilTime(year: 2017, month: 1, day: 1)?.unixSeconds)
  }

  @Test func waitsDoubleUpToALimit() {
    let backoff = Backoff(first: .seconds(2), longest: .seconds(600))
    #expect((1...5).map(backoff.wait(afterFailures:)) == [2, 4, 8, 16, 32].map { .seconds($0) })
    #expect(backoff.wait(afterFailures: Int.max) == .seconds(600))
    #expect(backoff.wait(afterFailures: 0) == .seconds(2))
    #expect(backoff.wait(afterFailures: 2, jitter: 0) == .seconds(2))
    #expect(backoff.wait(afterFailures: 2, jitter: 1) == .seconds(4))
    #expect(backoff.wait(afterFailures: 2, jitter: 7) == .seconds(4))
  }
}
