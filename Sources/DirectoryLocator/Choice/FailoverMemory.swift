// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// The domain controllers that were lost, for as long as they shall not be tried again.
struct FailoverMemory: Sendable {
  let period: TimeInterval
  private var until: [String: Date] = [:]

  init(period: TimeInterval) { self.period = period }

  mutating func exclude(_ host: String, at now: Date) {
    until[host.lowercased()] = now.addingTimeInterval(period)
  }

  /// The hosts to avoid, with the seconds that are left for each.
  mutating func excluded(at now: Date) -> [String: Int] {
    until = until.filter { $0.value > now }
    return until.mapValues { Int($0.timeIntervalSince(now).rounded(.up)) }
  }
}
