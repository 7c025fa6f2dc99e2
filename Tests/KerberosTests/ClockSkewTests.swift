// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing
import Wire

@testable import Kerberos

@Suite struct ClockSkewTests {
  private func skew(kdcAhead seconds: Int64) -> ClockSkew {
    ClockSkew(serverTime: 1_700_000_000 + seconds, now: Date(timeIntervalSince1970: 1_700_000_000.5))
  }

  @Test func isMeasuredToTheSecond() {
    #expect(skew(kdcAhead: 0).ahead == .zero)
    #expect(skew(kdcAhead: 603).ahead == .seconds(603))
    #expect(skew(kdcAhead: -603).ahead == .seconds(-603))
  }

  @Test func isJudgedInBothDirections() {
    #expect(skew(kdcAhead: 300).isWithin(.seconds(300)))
    #expect(!skew(kdcAhead: 301).isWithin(.seconds(300)))
    #expect(!skew(kdcAhead: -301).isWithin(.seconds(300)))
    #expect(skew(kdcAhead: -301).isWithin(.seconds(900)))
  }

  @Test func saysItsSizeAndDirection() {
    let behind = skew(kdcAhead: 603).refusal(kdc: "127.0.0.10:88", allowed: .seconds(300))
    #expect(behind.code == .clockSkew)
    #expect(
      behind.message == "This machine's clock is 10 min 3 s behind that of KDC 127.0.0.10:88; 5 min is allowed.")
    let ahead = skew(kdcAhead: -7500).refusal(kdc: "x", allowed: .seconds(300))
    #expect(ahead.message.contains("2 h 5 min ahead of that of KDC x"))
  }
}

@Suite struct TicketLifetimeTests {
  private let ticket = TicketLifetime(start: 1000, end: 37_000)

  private func isUsable(at seconds: Double, skew: Duration = .zero, margin: Duration = .seconds(600)) -> Bool {
    ticket.isUsable(at: Date(timeIntervalSince1970: seconds), skew: skew, margin: margin)
  }

  @Test func endsWithTheMargin() {
    #expect(isUsable(at: 36_399))
    #expect(!isUsable(at: 36_400))
    #expect(!isUsable(at: 40_000))
  }

  @Test func isReadByTheClockOfTheKDC() {
    #expect(!isUsable(at: 36_000, skew: .seconds(500)))
    #expect(isUsable(at: 36_500, skew: .seconds(-500)))
  }

  @Test func ofShortLifeIsUsableForHalfOfIt() {
    let short = TicketLifetime(start: 0, end: 300)
    #expect(short.isUsable(at: Date(timeIntervalSince1970: 149), skew: .zero, margin: .seconds(600)))
    #expect(!short.isUsable(at: Date(timeIntervalSince1970: 150), skew: .zero, margin: .seconds(600)))
  }
}
