// SPDX-License-Identifier: Apache-2.0

/// Settings of a whole server that have a place in `bridgehead.yaml`; nil is this product's default.
struct MigratedSettings: Equatable {
  /// `connect.guard.deletions`.
  var deletions: Int?
  /// `connect.mode`.
  var isStaging = false
  /// `connect.schedule.interval`.
  var interval: String?
  /// `connect.joinUsersBy`.
  var joinUsersBy: [String]?
  /// `connect.forests[].writeSourceAnchors`.
  var writesAnchors = false
  /// `connect.devices`.
  var includesDevices = false

  /// What another part of the same configuration says counts where it says anything.
  mutating func merge(_ other: MigratedSettings) {
    deletions = other.deletions ?? deletions
    isStaging = isStaging || other.isStaging
    interval = other.interval ?? interval
    joinUsersBy = other.joinUsersBy ?? joinUsersBy
    writesAnchors = writesAnchors || other.writesAnchors
    includesDevices = includesDevices || other.includesDevices
  }

  /// A .NET TimeSpan, `[d.]hh:mm:ss`, as a duration of the configuration; nil for anything else and for none at all.
  static func interval(timeSpan text: String) -> String? {
    guard let match = text.wholeMatch(of: /(?:([0-9]{1,4})\.)?([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})/) else {
      return nil
    }
    func number(_ text: Substring?) -> Int { text.flatMap { Int($0) } ?? 0 }
    let (_, days, hours, minutes, seconds) = match.output
    return interval(
      seconds: ((number(days) * 24 + number(hours)) * 60 + number(minutes)) * 60 + number(seconds))
  }

  /// In the largest unit that keeps it whole.
  static func interval(seconds: Int) -> String? {
    guard seconds > 0 else { return nil }
    for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60)] where seconds % length == 0 {
      return "\(seconds / length)\(unit)"
    }
    return "\(seconds)s"
  }
}
