// SPDX-License-Identifier: Apache-2.0

/// A point in time as Active Directory stores it: 100-nanosecond intervals since 1601-01-01 00:00 UTC (MS-DTYP 2.3.3).
package struct FileTime: Hashable, Sendable, Comparable {
  /// 100-nanosecond intervals since 1601-01-01 00:00 UTC.
  package let ticks: Int64

  /// Seconds between 1601-01-01 and 1970-01-01.
  private static let unixEpoch: Int64 = 11_644_473_600
  private static let ticksPerSecond: Int64 = 10_000_000

  package init(ticks: Int64) { self.ticks = ticks }

  /// - Parameter seconds: seconds since 1970-01-01 00:00 UTC; a value out of range is clamped to ``never``.
  package init(unixSeconds seconds: Int64) {
    let (sum, overflow) = seconds.addingReportingOverflow(Self.unixEpoch)
    let (product, overflow2) = sum.multipliedReportingOverflow(by: Self.ticksPerSecond)
    ticks = overflow || overflow2 ? Int64.max : product
  }

  /// Seconds since 1970-01-01 00:00 UTC, rounded down.
  package var unixSeconds: Int64 {
    let (quotient, remainder) = ticks.quotientAndRemainder(dividingBy: Self.ticksPerSecond)
    return quotient - (remainder < 0 ? 1 : 0) - Self.unixEpoch
  }

  /// MS-ADA1 2.4 `accountExpires`: both 0 and 0x7FFFFFFFFFFFFFFF mean that the account never expires.
  package var isNever: Bool { ticks == 0 || ticks == Int64.max }
  package static let never = FileTime(ticks: Int64.max)

  package static func < (left: FileTime, right: FileTime) -> Bool { left.ticks < right.ticks }
}
