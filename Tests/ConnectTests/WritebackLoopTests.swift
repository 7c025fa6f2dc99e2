// SPDX-License-Identifier: Apache-2.0

import PasswordWriteback
import Store
import Synchronization
import Testing

@testable import Connect

/// Several requests at a time: what one of them does to the others, and to the limits.
@Suite struct WritebackLoopTests {
  @Test func aSilentDomainHoldsUpNobodyElse() async throws {
    try await FleetStage.with(accounts: 40) { stage in
      stage.fleet.state.withLock { $0.silent = [ScriptedFleet.domain(0)] }
      // Twenty for the silent domain first, then twenty for the other one.
      let silent = try (0..<20).map { try stage.message($0 * 2) }
      let others = try (0..<20).map { try stage.message($0 * 2 + 1) }
      stage.hand(silent + others)
      try await stage.run { $0.answers.count >= others.count }
      let answers = stage.answers
      #expect(others.allSatisfy { answers[$0.id]?.status == .done })
      #expect(silent.allSatisfy { answers[$0.id] == nil })
    }
  }

  /// Nobody waits longer than the request lives, and nothing is changed afterwards.
  @Test func eachHasItsOwnDeadline() async throws {
    try await FleetStage.with(accounts: 4) { stage in
      stage.fleet.state.withLock { $0.silent = [ScriptedFleet.domain(0)] }
      let brief = try stage.message(0, lifetime: 0.2)
      let long = try stage.message(2)
      stage.hand([long, brief])
      try await stage.run { !$0.answers.isEmpty }
      #expect(stage.answers == [brief.id: WritebackOutcome(.failed, .unreachable)])
      #expect(stage.fleet.state.withLock { $0.passwords.isEmpty })
    }
  }

  @Test func oneAccountIsChangedInOrderAndNeverTwiceAtATime() async throws {
    try await FleetStage.with(accounts: 8, perUser: 50) { stage in
      let words = (0..<30).map { "Password-Number-\($0)" }
      var messages: [WritebackMessage] = []
      for (number, word) in words.enumerated() {
        messages.append(try stage.message(0, number, password: word))
        messages.append(try stage.message(1 + number % 7, 100 + number, password: word))
      }
      stage.hand(messages)
      try await stage.run { [count = messages.count] in $0.answers.count == count }
      let state = stage.fleet.state.withLock { $0 }
      #expect(state.passwords[ScriptedFleet.account(0)] == words)
      #expect(!state.hasOverlapped && (2...8).contains(state.most))
      #expect(state.answers.values.allSatisfy { $0.status == .done })
    }
  }

  /// The limits hold whatever is under way: exactly so many are carried out.
  @Test func aFloodIsDammedExactly() async throws {
    try await FleetStage.with(accounts: 60, perUser: 2, total: 25) { stage in
      // Three for each user, all at once.
      let messages = try (0..<60).flatMap { account in try (0..<3).map { try stage.message(account, $0) } }
      stage.hand(messages)
      while stage.fleet.state.withLock({ !$0.messages.isEmpty }) { _ = try await stage.loop.runOnce(waiting: 0) }
      let state = stage.fleet.state.withLock { $0 }
      #expect(state.answers.count == messages.count)
      let done = state.answers.values.count { $0.status == .done }
      // Two of three for each of the first users; the third counts as a request, too.
      #expect(done == state.passwords.values.reduce(0) { $0 + $1.count } && done == 17)
      #expect(state.passwords.values.allSatisfy { $0.count <= 2 })
      let events = try await stage.events()
      #expect(events.count { $0 == "done" } == done && events.count { $0 == "intent" } == done)
      #expect(events.count { $0 == "forbidden" } == messages.count - done)
    }
  }

  @Test func oneThatComesAgainWhileItIsInHandIsOne() async throws {
    try await FleetStage.with(accounts: 4) { stage in
      stage.fleet.state.withLock { $0.silent = [ScriptedFleet.domain(0)] }
      let message = try stage.message(0)
      let other = try stage.message(0, lifetime: 50)
      // The same, and another one with its identifier; then one by which the end is known.
      stage.hand([message, message, other, message, try stage.message(1)])
      try await stage.run { !$0.answers.isEmpty }
      #expect(stage.answers.count == 1 && stage.answers[message.id] == nil)
      #expect(stage.fleet.state.withLock { $0.held }.contains([message.id]))
      #expect(try await stage.events().count { $0 == "repeated" } == 1)
    }
  }

  /// What was admitted by a process that ended before it did anything is carried out when it comes again, and counts once.
  @Test func whatWasAdmittedComesAgain() async throws {
    try await FleetStage.with(accounts: 2, perUser: 1, total: 1) { stage in
      let message = try stage.message(0)
      guard case .admitted = try await stage.service.admit(message.envelope()) else {
        Issue.record("it was not admitted")
        return
      }
      #expect(try await stage.service.settle() == false, "nothing was done")
      stage.hand([message])
      #expect(try await stage.loop.runOnce(waiting: 0) == false)
      #expect(stage.answers[message.id]?.status == .done)
      #expect(stage.fleet.state.withLock { $0.passwords[ScriptedFleet.account(0)]?.count } == 1)
    }
  }

  /// What another process on the same database has begun is left to it.
  @Test func nobodyGoesOnWithWhatAnotherProcessHasBegun() async throws {
    try await FleetStage.with(accounts: 2) { stage in
      guard case .admitted(let ticket) = try await stage.service.admit(stage.message(0).envelope()) else {
        Issue.record("it was not admitted")
        return
      }
      _ = try await stage.site.store.write { transaction in
        try transaction.run("UPDATE writeback_request SET state = 'intent' WHERE nonce = ?", [.text(ticket.id)])
      }
      await #expect(throws: RequestTaken.self) { try await stage.service.carryOut(ticket) }
      #expect(stage.fleet.state.withLock { $0.passwords.isEmpty && $0.answers.isEmpty })
      #expect(try await stage.site.count("SELECT COUNT(*) FROM writeback_request WHERE state = 'intent'") == 1)
    }
  }
}
