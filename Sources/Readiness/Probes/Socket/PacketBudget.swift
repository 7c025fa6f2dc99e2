// SPDX-License-Identifier: Apache-2.0

/// Keeps a check from being a burden: how many first packets (handshakes and datagrams, repetitions counted) one target gets.
///
/// The numbers let all rows of a domain controller begin at once, and stay far below what any of its services notices or an
/// intrusion detection takes for a scan (a common threshold is 100 connections a second).
package actor PacketBudget {
  /// Packets to one target at once.
  package static let burst = 48
  /// Packets a second to one target after that.
  package static let rate = 24.0

  private let clock = ContinuousClock()
  /// By target: when the bucket would be full again.
  private var full: [String: ContinuousClock.Instant] = [:]

  package init() {}

  /// Waits until the target may get the packets.
  /// - Returns: false when that is after the deadline, or the task was cancelled.
  package func wait(for address: String, until deadline: ContinuousClock.Instant, packets: Int = 1) async -> Bool {
    let now = clock.now
    guard let ready = reserve(packets, for: address, at: now, until: deadline) else { return false }
    guard ready > now else { return !Task.isCancelled }
    do {
      try await clock.sleep(until: ready)
      return true
    } catch {
      return false
    }
  }

  /// Takes the packets out of the target's bucket.
  /// - Returns: when they may be sent; nil, and nothing is taken, when that is after the deadline.
  func reserve(
    _ packets: Int, for address: String, at now: ContinuousClock.Instant, until deadline: ContinuousClock.Instant
  ) -> ContinuousClock.Instant? {
    let filled = max(full[address] ?? now, now) + .seconds(Double(packets) / Self.rate)
    let ready = max(now, filled - .seconds(Double(Self.burst) / Self.rate))
    guard ready < deadline else { return nil }
    full[address] = filled
    return ready
  }
}
