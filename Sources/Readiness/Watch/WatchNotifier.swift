// SPDX-License-Identifier: Apache-2.0

package import Logging
import Wire

/// Tells changes to a webhook: each once, in their order. What was not accepted is told again later, also by the next run
/// of the program; what was accepted is forgotten after the answer, so that only a crash between the two tells it twice
/// (the `flow` and `at` of a notice are the same then).
package struct WatchNotifier: Sendable {
  private let history: WatchHistory
  /// Posts a body of JSON; throws unless it was accepted.
  private let post: @Sendable (String) async throws -> Void
  private let now: @Sendable () -> Double
  private let logger: Logger
  private let alarm: AsyncStream<Void>
  private let bell: AsyncStream<Void>.Continuation

  /// The waits after refusals of a notice.
  static let backoff = Backoff(first: .seconds(2), longest: .seconds(600))

  package init(
    history: WatchHistory, now: @escaping @Sendable () -> Double, logger: Logger,
    post: @escaping @Sendable (String) async throws -> Void
  ) {
    self.history = history
    self.now = now
    self.logger = logger
    self.post = post
    (alarm, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    bell.yield()
  }

  /// There is something new to tell.
  func wake() { bell.yield() }

  /// Goes on until it is cancelled.
  package func run() async {
    await withTaskGroup(of: Void.self) { group in
      // What waits for its next try needs a look now and then.
      group.addTask {
        while !Task.isCancelled {
          do { try await Task.sleep(for: .seconds(1)) } catch { return }
          wake()
        }
      }
      for await _ in alarm {
        if Task.isCancelled { break }
        await tell()
      }
      group.cancelAll()
    }
  }

  /// Tells what is due.
  func tell() async {
    do {
      while !Task.isCancelled, let notice = try await history.nextNotice(at: now()) {
        do {
          try await post(#"{"version":1,"change":"# + notice.body + "}")
        } catch {
          if Task.isCancelled { return }
          let reason = error.explanation
          logger.warning(
            "the webhook did not take a change", metadata: ["reason": "\(reason)", "attempt": "\(notice.attempts + 1)"])
          let wait = Self.backoff.wait(afterFailures: notice.attempts + 1)
          try await history.postpone(notice, until: now() + wait / .seconds(1))
          return
        }
        try await history.told(notice)
      }
    } catch {
      if !Task.isCancelled { logger.error("changes cannot be told", metadata: ["error": "\(error)"]) }
    }
  }
}
