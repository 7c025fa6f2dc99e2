// SPDX-License-Identifier: Apache-2.0

import Logging
import PortReference
import Synchronization
import Testing
import Wire

@testable import Readiness
import TestSupport

@Suite struct WatchHistoryTests {
  @Test func whatStaysTheSameIsOneState() async throws {
    try await WatchBench.with { bench in
      for number in 0..<5 {
        let finding = Finding.sample(summary: "check \(number)")
        let changes = try await bench.history.record([finding], at: bench.clock.now, notifies: true)
        #expect(changes.isEmpty, "what works from the beginning is no news")
        bench.clock.advance(60)
      }
      let flows = try await bench.history.current()
      let flow = try #require(flows.first)
      #expect(flows.count == 1 && flow.state.checks == 5)
      #expect(flow.state.until - flow.state.since == 240)
      // The finding is that of the last check.
      #expect(flow.finding.summary == "check 4")
      #expect(try await bench.count("watch_state") == 1)
      #expect(try await bench.count("watch_notice") == 0)
    }
  }

  @Test func changesAreToldWithBothSides() async throws {
    try await WatchBench.with { bench in
      func record(_ verdict: Verdict, _ diagnosis: Diagnosis) async throws -> [WatchChange] {
        bench.clock.advance(60)
        return try await bench.history.record(
          [.sample(verdict, diagnosis)], at: bench.clock.now, notifies: true)
      }
      _ = try await record(.works, .none)
      let since = bench.clock.now
      let broken = try #require(try await record(.blocked, .dropped).first)
      #expect(broken.before == .init(verdict: .works, diagnosis: .none, since: since))
      #expect(broken.finding.verdict == .blocked && broken.at == bench.clock.now)
      #expect(try await record(.blocked, .dropped).isEmpty)
      // Another reason is another state.
      #expect(try await record(.blocked, .rejectedByICMP).first?.before?.diagnosis == .dropped)
      #expect(try await record(.works, .none).first?.before?.verdict == .blocked)
      let id = try #require(try await bench.history.current().first?.id)
      let states = try await bench.history.states(of: id, since: 0)
      #expect(states.map(\.finding.verdict) == [.works, .blocked, .blocked, .works])
      #expect(try await bench.history.states(of: id, since: 0, limit: 1).map(\.finding.verdict) == [.works])
      #expect(try await bench.count("watch_notice") == 3)
    }
  }

  @Test func aFlowThatNeverWorkedIsNewsOnce() async throws {
    try await WatchBench.with { bench in
      let finding = Finding.sample(.refused, .rejectedByReset)
      let first = try await bench.history.record([finding], at: bench.clock.now, notifies: false)
      #expect(first.count == 1 && first[0].before == nil)
      #expect(try await bench.history.record([finding], at: bench.clock.now + 60, notifies: false).isEmpty)
    }
  }

  @Test func aLongPauseIsAGapAndNoChange() async throws {
    try await WatchBench.with { bench in
      _ = try await bench.history.record([.sample()], at: bench.clock.now, notifies: true)
      bench.clock.advance(10_000)
      #expect(try await bench.history.record([.sample()], at: bench.clock.now, notifies: true).isEmpty)
      let flow = try #require(try await bench.history.current().first)
      #expect(flow.state.since == bench.clock.now)
      let states = try await bench.history.states(of: flow.id, since: 0)
      #expect(states.count == 2 && states[0].until < states[1].since)
    }
  }

  @Test func addressesOfOneHostAreTwoFlowsAndIdleWatchesAThird() async throws {
    try await WatchBench.with { bench in
      let findings: [Finding] = [
        .sample(address: "192.0.2.10"), .sample(.blocked, .dropped, address: "2001:db8::10"),
        .sample(row: .connectADSMB),
      ]
      for _ in 0..<2 {
        bench.clock.advance(60)
        _ = try await bench.history.record(findings, at: bench.clock.now, notifies: false)
      }
      _ = try await bench.history.record([.sample()], kind: .idle, at: bench.clock.now, notifies: false)
      let flows = try await bench.history.current()
      #expect(flows.count == 4 && flows.map(\.state.checks) == [2, 2, 2, 1])
      #expect(flows.map(\.kind) == [.check, .check, .check, .idle])
      // Pauses of an idle watch are long: it is one state all the same.
      _ = try await bench.history.record([.sample()], kind: .idle, at: bench.clock.now + 5_000, notifies: false)
      let idle = try #require(try await bench.history.current().last)
      #expect(idle.kind == .idle && idle.state.checks == 2 && idle.state.since == bench.clock.now)
      // What the topology lacks now goes; an idle watch reports seldom and stays.
      bench.clock.advance(1_000)
      _ = try await bench.history.record([.sample(row: .connectADSMB)], at: bench.clock.now, notifies: false)
      #expect(try await bench.history.current().map(\.row) == [.connectADSMB, .connectADLDAP])
    }
  }

  @Test func oldThingsAreForgotten() async throws {
    try await WatchBench.with { bench in
      _ = try await bench.history.record([.sample(.blocked, .dropped)], at: 1_000, notifies: true)
      _ = try await bench.history.record([.sample()], at: 2_000, notifies: true)
      try await bench.history.forget(before: 1_500)
      #expect(try await bench.count("watch_state") == 1)
      #expect(try await bench.count("watch_notice") == 1)
      try await bench.history.forget(before: 2_500)
      #expect(try await bench.count("watch_state") == 0)
      #expect(try await bench.count("watch_flow") == 0)
    }
  }

  // MARK: Schedule

  @Test func checksPartAndNeverRunIntoEachOther() {
    var schedule = Watcher.Schedule()
    schedule.interval = .seconds(100)
    schedule.jitter = 0.125
    #expect(schedule.pause(after: .zero, random: 0) == .milliseconds(87_500))
    #expect(schedule.pause(after: .zero, random: 1) == .milliseconds(112_500))
    #expect(schedule.pause(after: .seconds(30), random: 0.5) == .seconds(70))
    #expect(schedule.pause(after: .seconds(500), random: 0.5) == .seconds(10))
  }

  @Test func aCheckThatFailsIsFollowedByTheNextOne() async throws {
    try await WatchBench.with { bench in
      struct Failed: Error {}
      let calls = Mutex(0)
      let watcher = Watcher(
        check: {
          let call = calls.withLock { count in
            count += 1
            return count
          }
          if call == 1 { throw Failed() }
          return [.sample(call == 2 ? .works : .blocked, call == 2 ? .none : .dropped)]
        }, history: bench.history, schedule: .init(), notifier: nil, now: { bench.clock.now },
        sleep: { _ in
          bench.clock.advance(60)
          if calls.withLock({ $0 }) == 3 { throw CancellationError() }
        }, random: { 0.5 }, logger: .silent)
      await watcher.run()
      #expect(calls.withLock { $0 } == 3)
      let flow = try #require(try await bench.history.current().first)
      #expect(flow.finding.verdict == .blocked)
      #expect(try await bench.history.states(of: flow.id, since: 0).count == 2)
    }
  }

  // MARK: Notices

  @Test func changesAreToldOnceInOrderAlsoAfterRefusals() async throws {
    try await WatchBench.with { bench in
      struct Refused: Error {}
      let told = Mutex<[String]>([])
      let refuses = Mutex(true)
      func notifier() -> WatchNotifier {
        WatchNotifier(
          history: bench.history, now: { bench.clock.now },
          logger: .silent
        ) { body in
          if refuses.withLock({ $0 }) { throw Refused() }
          told.withLock { $0.append(body) }
        }
      }
      for (verdict, diagnosis) in [(Verdict.blocked, Diagnosis.dropped), (.works, .none)] {
        bench.clock.advance(60)
        _ = try await bench.history.record([.sample(verdict, diagnosis)], at: bench.clock.now, notifies: true)
      }
      await notifier().tell()
      #expect(told.withLock { $0 }.isEmpty)
      #expect(try await bench.count("watch_notice") == 2)
      // Not before its time.
      refuses.withLock { $0 = false }
      await notifier().tell()
      #expect(told.withLock { $0 }.isEmpty)
      bench.clock.advance(WatchNotifier.backoff.first / .seconds(1))
      // Another run of the program goes on.
      await notifier().tell()
      await notifier().tell()
      let bodies = told.withLock { $0 }
      #expect(bodies.count == 2)
      #expect(bodies[0].contains(#""verdict":"blocked""#) && bodies[0].hasPrefix(#"{"version":1,"change":{"#))
      #expect(bodies[1].contains(#""before":{"diagnosis":"dropped""#))
      #expect(try await bench.count("watch_notice") == 0)
    }
  }
}
