// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import SCIM
import Synchronization
import Wire

/// Counts failed sign-ins, by account and by source, and says when to stop listening.
///
/// An attempt counts as a failure until it turns out well, so that many at once gain nothing. A name counts alike whether a
/// user has it or not. A person at an address from which they signed in before has a counter of their own there: whoever
/// guesses from elsewhere cannot lock them out. What is counted stays in memory, under keys that tell no name.
final class SignInGuard: Sendable {
  /// Entra ID and AD FS stop at 10 by default.
  static let accountFailures = 10
  /// An office behind one address makes mistakes too; a sprayer needs more than this for anything.
  static let sourceFailures = 50
  /// The first pause; it doubles with each further failure, up to the longest.
  static let pause: TimeInterval = 60
  static let longestPause: TimeInterval = 3600
  /// Failures are forgotten after this time without one.
  static let memory: TimeInterval = 3600
  /// Counters at a time, and names with familiar sources; the oldest go first.
  static let maximumCounters = 100_000
  static let familiarSources = 8

  private enum Key: Hashable {
    case account([UInt8])
    case familiar([UInt8], source: String)
    case source(String)
  }

  private struct Counter {
    var failures = 0
    var last: Date
    var pausedUntil: Date?
  }

  private struct State {
    var counters = BoundedMap<Key, Counter>(capacity: SignInGuard.maximumCounters)
    var familiar = BoundedMap<[UInt8], [String]>(capacity: SignInGuard.maximumCounters)
  }

  private let state = Mutex(State())
  private let nameKey: SymmetricKey

  init(key: SealingKey) { nameKey = key.authenticationKey(for: .accountName) }

  /// Whether the attempt may be believed, whatever the password. It counts as failed until ``succeed(_:from:)``.
  func admit(_ name: String, from source: String, at now: Date) -> Bool {
    let account = hash(name)
    return state.withLock { state in
      let isFamiliar = state.familiar[account]?.contains(source) ?? false
      let own = isFamiliar ? Key.familiar(account, source: source) : .account(account)
      // Both count, whichever says no.
      let isAccountOpen = Self.count(own, limit: Self.accountFailures, at: now, &state)
      let isSourceOpen = Self.count(.source(source), limit: Self.sourceFailures, at: now, &state)
      return isAccountOpen && isSourceOpen
    }
  }

  /// Takes back what ``admit(_:from:at:)`` counted. The source keeps its other failures: one good password among many bad
  /// ones does not make it trustworthy.
  func succeed(_ name: String, from source: String) {
    let account = hash(name)
    state.withLock { state in
      let isFamiliar = state.familiar[account]?.contains(source) ?? false
      state.counters[isFamiliar ? .familiar(account, source: source) : .account(account)] = nil
      state.counters[.source(source)]?.failures -= 1
      let others = (state.familiar[account] ?? []).filter { $0 != source }
      state.familiar[account] = Array((others + [source]).suffix(Self.familiarSources))
    }
  }

  /// A wrong guess at a device's code counts against its source.
  func fail(source: String, at now: Date) {
    state.withLock { _ = Self.count(.source(source), limit: Self.sourceFailures, at: now, &$0) }
  }

  func isOpen(source: String, at now: Date) -> Bool {
    state.withLock { $0.counters[.source(source)]?.pausedUntil.map { $0 <= now } ?? true }
  }

  private static func count(_ key: Key, limit: Int, at now: Date, _ state: inout State) -> Bool {
    var counter = state.counters[key] ?? Counter(last: now)
    if now.timeIntervalSince(counter.last) > memory { counter = Counter(last: now) }
    if let end = counter.pausedUntil, now < end { return false }
    counter.failures += 1
    counter.last = now
    if counter.failures >= limit {
      let doublings = min(counter.failures - limit, 10)
      counter.pausedUntil = now.addingTimeInterval(min(longestPause, pause * Double(1 << doublings)))
    }
    if state.counters.count == maximumCounters, state.counters[key] == nil {
      state.counters.removeAll { now.timeIntervalSince($0.last) > memory }
    }
    state.counters[key] = counter
    return true
  }

  private func hash(_ name: String) -> [UInt8] {
    let folded = SCIMText.folded(String(name.prefix(1024)))
    return Array(HMAC<SHA256>.authenticationCode(for: Array(folded.utf8), using: nameKey))
  }
}
