// SPDX-License-Identifier: Apache-2.0

import Testing
import WebPages

@testable import Readiness

@Suite struct TimelineTests {
  private func state(_ since: Double, _ until: Double, _ verdict: Verdict) -> WatchState {
    WatchState(since: since, until: until, checks: 1, finding: .sample(verdict, .none))
  }

  @Test func aStateLastsToTheNextOneUnlessThereIsAGap() {
    let timeline = Timeline(
      start: 0, end: 1_000,
      states: [state(0, 400, .works), state(450, 500, .blocked), state(900, 1_000, .worksWithRemark)], gap: 60)
    #expect(timeline.parts.map(\.start) == [0, 450, 900])
    #expect(timeline.parts.map(\.end) == [450, 500, 1_000])
    // 550 of 600 known seconds.
    #expect(timeline.availability == 550.0 / 600)
    #expect(timeline.availabilityWords == "91.66 %")
  }

  @Test func whatLiesOutsideOfTheWindowIsCutOff() {
    let timeline = Timeline(
      start: 100, end: 200, states: [state(0, 50, .blocked), state(60, 150, .works), state(160, 500, .blocked)], gap: 60
    )
    #expect(timeline.parts.map(\.start) == [100, 160])
    #expect(timeline.parts.map(\.end) == [160, 200])
    #expect(Timeline(start: 0, end: 1, states: [], gap: 1).availability == nil)
    #expect(Timeline(start: 0, end: 1, states: [], gap: 1).availabilityWords == "unknown")
  }

  @Test func theStripSaysWhatItShows() {
    let timeline = Timeline(
      start: 0, end: 3_600, states: [state(0, 1_800, .works), state(1_800, 3_600, .blocked)], gap: 60)
    let strip = timeline.strip("LDAP <b>", id: "x").text
    for part in [
      "role=\"img\"", "aria-labelledby=\"x-title x-text\"", "LDAP &lt;b&gt;",
      "works for 30 min, then blocked for 30 min.",
      "class=\"works\" x=\"0.0\"", "class=\"blocked\" x=\"500.0\"",
    ] {
      #expect(strip.contains(part), "\(part)")
    }
  }

  @Test(arguments: [
    (0, "0 s"), (59.6, "1 min"), (61, "1 min 1 s"), (3_600, "1 h"), (90_061, "1 d 1 h"), (-5, "0 s"),
    (Double.greatestFiniteMagnitude, "11574 d 1 h"),
  ])
  func durationsHaveTheirLargestUnits(_ seconds: Double, _ words: String) {
    #expect(Words.duration(seconds) == words)
  }

  // MARK: Idle connections

  @Test func pausesDoubleAndEndAtWhatKills() {
    var plan = IdleWatch.Plan()
    (plan.first, plan.longest) = (.seconds(60), .seconds(960))
    var pauses = IdleWatch.Pauses(plan)
    /// The pauses that are survived, with a mark where it is told.
    func survive(_ count: Int) -> [String] {
      (0..<count).map { _ in
        let pause = Int(pauses.next / .seconds(1))
        return "\(pause)" + (pauses.take(.lives) ? " told" : "")
      }
    }
    #expect(survive(6) == ["60 told", "120 told", "240 told", "480 told", "960 told", "960 told"])
    let isTold = pauses.take(.killed)
    #expect(isTold && pauses.next == .seconds(60))
    // That shorter pauses are survived is no news; that 240 is not is.
    #expect(survive(2) == ["60", "120"])
    #expect(pauses.next == .seconds(240))
    _ = pauses.take(.killed)
    // What had killed it is survived: that is told, and longer ones are tried.
    #expect(survive(5) == ["60", "120", "240 told", "480 told", "960 told"])
    // A server's own policy is no trouble: everything goes on being told.
    _ = pauses.take(.ended)
    #expect(survive(2) == ["60 told", "120 told"])
  }

  @Test func whoEndedAQuietConnectionIsTold() {
    func judged(_ observations: [Observation], isAnswered: Bool = false) -> (Conversation, IdleWatch.Outcome) {
      var conversation = Conversation()
      conversation.observations = observations
      let outcome = IdleWatch.judge(&conversation, .seconds(240), isAnswered: isAnswered)
      return (conversation, outcome)
    }
    let (alive, lives) = judged([], isAnswered: true)
    #expect(lives == .lives && alive.depth == .service && alive.observations.count == 1)
    // The server said so: its policy, nobody's fault.
    let (ended, policy) = judged([.closedAfterData(received: 0)])
    #expect(policy == .ended && ended.depth == .service)
    #expect(!ended.observations.contains(.idleKilled(seconds: 240)))
    for silent: Observation in [.silenceAfterData(seconds: 4), .resetAfterData(received: 0)] {
      let (killed, outcome) = judged([silent])
      #expect(outcome == .killed)
      #expect(killed.observations.first == .idleKilled(seconds: 240))
    }
  }
}
