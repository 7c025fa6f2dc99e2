// SPDX-License-Identifier: Apache-2.0

/// Spans of time as people write them.
enum HumanTime {
  /// `3 s`, `10 min 3 s`, `2 h 5 min`; below a second in milliseconds. The sign is left to the sentence around it.
  static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let total = seconds.magnitude
    if total == 0 { return "\(attoseconds.magnitude / 1_000_000_000_000_000) ms" }
    let parts: [(UInt64, String)] =
      total < 3600 ? [(total / 60, "min"), (total % 60, "s")] : [(total / 3600, "h"), (total % 3600 / 60, "min")]
    return parts.filter { $0.0 != 0 }.map { "\($0.0) \($0.1)" }.joined(separator: " ")
  }
}
