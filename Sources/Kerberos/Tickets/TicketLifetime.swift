// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Wire

/// From when to when a ticket holds, in seconds since 1970 by the KDC's clock.
struct TicketLifetime: Sendable, Equatable {
  var start: Int64
  var end: Int64

  /// True while more than the margin is left; a ticket of short life needs only half of it left, or it were never usable.
  /// - Parameter skew: what the KDC's clock shows more than ours.
  func isUsable(at now: Date, skew: Duration, margin: Duration) -> Bool {
    let needed = min(Double(margin.components.seconds), Double(end - start) / 2)
    let kdcNow = now.timeIntervalSince1970 + Double(skew.components.seconds)
    return Double(end) - kdcNow > needed
  }
}

/// How far the KDC's clock is ahead of ours, and what is made of it.
///
/// libkrb5 would silently work with the KDC's time (kdc_timesync). That is wanted within the allowed skew; beyond it the
/// exchange is refused, since a wrong clock also breaks certificates, logs and every other check of time.
struct ClockSkew: Sendable, Equatable {
  var ahead: Duration

  /// - Parameter serverTime: whole seconds since 1970 by the KDC's clock, which has passed that second by up to one.
  init(serverTime: Int64, now: Date) {
    ahead = .seconds((Double(serverTime) + 0.5 - now.timeIntervalSince1970).rounded())
  }

  func isWithin(_ allowed: Duration) -> Bool { ahead <= allowed && ahead >= .zero - allowed }

  /// `10 min 3 s behind`, from this machine's point of view.
  var text: String { "\(HumanTime.text(ahead)) \(ahead >= .zero ? "behind" : "ahead of")" }

  func refusal(kdc: String, allowed: Duration) -> SecurityError {
    SecurityError(
      .clockSkew, "This machine's clock is \(text) that of KDC \(kdc); \(HumanTime.text(allowed)) is allowed.",
      remedy: "Synchronise the clock with the domain's (chrony, systemd-timesyncd), or raise the allowed skew.")
  }
}
