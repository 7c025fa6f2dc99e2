// SPDX-License-Identifier: Apache-2.0

import Wire

/// A time that a condition of a scope names: a date (`2026-11-24`, `2026-11-24T04:15:00Z`), or a distance from the present
/// (`now`, `now-90d`, `now+12h`; d, h, m, s).
///
/// A condition about the present turns out differently some day, without a change in the directory: that moment is noted.
struct ScopeTime: Sendable, Equatable {
  /// Since 1970, or from the present.
  let seconds: Int64
  let isRelative: Bool

  /// Ten thousand years, in days: longer distances lead out of the calendar.
  private static let maximumDays: Int64 = 3_660_000
  private static let units: [Character: Int64] = ["d": 86_400, "h": 3_600, "m": 60, "s": 1]

  /// Nil where the text is no time. A plain number is none: it is compared as a number.
  init?(_ text: String) {
    let text = text.trimmingBlanks().lowercased()
    if Self.isRelative(text) {
      guard let distance = Self.distance(text.dropFirst(3)) else { return nil }
      (seconds, isRelative) = (distance, true)
    } else if Int64(text) == nil, let moment = Moment(.text(text.uppercased())) {
      (seconds, isRelative) = (moment.seconds, false)
    } else {
      return nil
    }
  }

  /// Whether somebody meant a distance from the present.
  static func isRelative(_ text: String) -> Bool {
    let text = text.trimmingBlanks().lowercased()
    guard text.startsExactly(with: "now") else { return false }
    return text.dropFirst(3).first.map { "+- ".contains($0) } ?? true
  }

  private static func distance(_ text: Substring) -> Int64? {
    let compact = text.filter { $0 != " " }
    if compact.isEmpty { return 0 }
    guard let sign = compact.first, sign == "+" || sign == "-", let unit = compact.last.flatMap({ units[$0] }),
      let number = Int64(compact.dropFirst().dropLast()), number >= 0, number <= maximumDays * 86_400 / unit
    else { return nil }
    return (sign == "-" ? -1 : 1) * number * unit
  }

  /// Whether a directory's value stands to the time as an operator of order says. Never, as Active Directory writes it, is
  /// later than every time.
  ///
  /// - Returns: nil where the value is no time.
  func holds(_ test: ScopeCondition.Operator, _ value: RuleValue, in scene: inout Scene) -> Bool? {
    let wantsLater = test == .greaterThan || test == .greaterThanOrEqual
    if let ticks = value.number, FileTime(ticks: ticks).isNever { return wantsLater }
    guard let moment = Moment(value) else { return isRelative ? false : nil }
    // From this moment on the value is not the later one any more. Times are compared in whole seconds.
    let even = moment.seconds - seconds
    let turn = Double(even) + (test == .lessThan || test == .greaterThanOrEqual ? 1 : 0)
    guard isRelative else { return (turn > 0) == wantsLater }
    if scene.context.now < turn { scene.note(change: turn) }
    return (scene.context.now < turn) == wantsLater
  }
}
