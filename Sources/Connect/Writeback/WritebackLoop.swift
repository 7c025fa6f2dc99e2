// SPDX-License-Identifier: Apache-2.0

package import Logging
import PasswordWriteback
import Wire

/// Fetches requests and carries them out, several at a time, until its task is cancelled. No error ends it.
package struct WritebackLoop<Waiting: Clock>: Sendable where Waiting.Duration == Duration {
  private let service: WritebackService
  private let clock: Waiting
  private let logger: Logger

  /// The long poll, in seconds: below the idle limits of usual firewalls and proxies.
  private static var poll: Int { 20 }
  private static var backoff: Backoff { Backoff(first: .seconds(1), longest: .seconds(60)) }
  /// A tenant that asks for too much is asked less often.
  private static var floodPause: Duration { .seconds(30) }
  /// A tenant that hands out what is in hand already is asked no more often than this.
  private static var repeatPause: Duration { .milliseconds(100) }
  /// Between two looks at what is open.
  private static var settlePause: Duration { .seconds(1) }
  /// So many looks lie between two times of forgetting what ended long ago.
  private static var looksBetweenPurges: Int { 3600 }

  package init(_ service: WritebackService, clock: Waiting, logger: Logger) {
    self.service = service
    self.clock = clock
    self.logger = logger
  }

  package func run() async {
    let hand = WritebackHand(concurrency: service.settings.concurrency)
    // What an earlier process left open is looked at before anything new is begun.
    await settleOnce(sparing: hand)
    await withDiscardingTaskGroup { group in
      group.addTask { await fetch(into: hand) }
      group.addTask { await settle(sparing: hand) }
      await begin(from: hand, in: &group)
    }
  }

  /// Carries out what waits, then ends.
  ///
  /// - Parameter seconds: waits so long for the first one.
  /// - Returns: whether something is still open.
  /// - Throws: what asking the tenant throws.
  package func runOnce(waiting seconds: Int) async throws -> Bool {
    let hand = WritebackHand(concurrency: service.settings.concurrency)
    try await withThrowingDiscardingTaskGroup { group in
      group.addTask {
        do { try await fetchAll(into: hand, waiting: seconds) } catch {
          await hand.close()
          throw error
        }
        await hand.close()
      }
      for await ticket in hand.tickets { group.addTask { await carryOut(ticket, hand) } }
    }
    return try await service.settle()
  }

  // MARK: - The tasks

  private func fetch(into hand: WritebackHand) async {
    var failures = 0
    var endings = hand.endings.makeAsyncIterator()
    while !Task.isCancelled {
      guard await hand.hasRoom else {
        _ = await endings.next()
        continue
      }
      var pause = Duration.zero
      do {
        switch try await next(into: hand, waiting: Self.poll) {
        case .nothing, .handled: break
        case .repeated: pause = Self.repeatPause
        case .flooded: pause = Self.floodPause
        }
        failures = 0
      } catch {
        if Task.isCancelled { return }
        failures += 1
        pause = Self.backoff.wait(afterFailures: failures)
        report(error, "writeback: the tenant could not be asked")
      }
      guard await sleep(pause) else { return }
    }
  }

  private func fetchAll(into hand: WritebackHand, waiting seconds: Int) async throws {
    var endings = hand.endings.makeAsyncIterator()
    var seconds = seconds
    while true {
      while await !hand.hasRoom { _ = await endings.next() }
      switch try await next(into: hand, waiting: seconds) {
      case .nothing, .repeated, .flooded: return
      case .handled: seconds = 0
      }
    }
  }

  private enum Fetched {
    case nothing
    case handled
    /// It is in hand already.
    case repeated
    case flooded
  }

  private func next(into hand: WritebackHand, waiting seconds: Int) async throws -> Fetched {
    guard let envelope = try await service.fetch(waiting: seconds, holding: await hand.identifiers) else {
      return .nothing
    }
    if let held = await hand.ticket(envelope.header.identifier) {
      try await service.refuse(envelope, inHand: held)
      return .repeated
    }
    switch try await service.admit(envelope) {
    case .answered(_, let isFlood): return isFlood ? .flooded : .handled
    case .admitted(let ticket): await hand.take(ticket)
    }
    return .handled
  }

  private func begin(from hand: WritebackHand, in group: inout DiscardingTaskGroup) async {
    for await ticket in hand.tickets { group.addTask { await carryOut(ticket, hand) } }
  }

  private func carryOut(_ ticket: WritebackTicket, _ hand: WritebackHand) async {
    do { _ = try await service.carryOut(ticket) } catch {
      // What is known of it stands in the store, and is told again.
      if !Task.isCancelled { report(error, "writeback: a request could not be brought to its end") }
    }
    await hand.end(ticket.id)
  }

  private func settle(sparing hand: WritebackHand) async {
    var (failures, looks) = (0, 0)
    while !Task.isCancelled {
      looks += 1
      failures = await settleOnce(sparing: hand, purging: looks % Self.looksBetweenPurges == 1) ? 0 : failures + 1
      guard await sleep(failures == 0 ? Self.settlePause : Self.backoff.wait(afterFailures: failures)) else { return }
    }
  }

  /// - Returns: whether it could be done.
  @discardableResult
  private func settleOnce(sparing hand: WritebackHand, purging: Bool = false) async -> Bool {
    do {
      if purging { try await service.purge() }
      _ = try await service.settle { Set(await hand.identifiers) }
      return true
    } catch {
      if !Task.isCancelled { report(error, "writeback: what is open could not be settled") }
      return false
    }
  }

  // MARK: - Parts

  /// - Returns: false when it was cancelled.
  private func sleep(_ pause: Duration) async -> Bool {
    guard pause > .zero else { return true }
    return (try? await clock.sleep(until: clock.now.advanced(by: pause), tolerance: nil)) != nil
  }

  private func report(_ error: any Error, _ what: String) {
    logger.failure(error, otherwise: "\(what): \(error)", "connect.writeback")
  }
}
