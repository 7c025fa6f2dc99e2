// SPDX-License-Identifier: Apache-2.0

/// One deadline for many pieces of work, watched in one place.
enum Deadline {
  /// Runs all the work at once, and returns when it has ended or at the deadline, whichever is first. What has not ended
  /// by then is cancelled and not waited for.
  ///
  /// Each piece runs in a task of its own and not as a child: a child that does not heed its cancellation (a call into a C
  /// library, a future of an event loop) would hold up the whole check. Cancelling the caller ends the wait, too.
  ///
  /// - Parameters:
  ///   - count: how many pieces there are.
  ///   - sleep: waits for the deadline.
  ///   - progress: called with the number of pieces that have ended.
  ///   - work: gets the number of its piece, from 0.
  static func run(
    _ count: Int, until deadline: ContinuousClock.Instant,
    sleep: @escaping @Sendable (ContinuousClock.Instant) async throws -> Void, progress: @Sendable (Int) -> Void,
    _ work: @escaping @Sendable (Int) async -> Void
  ) async {
    guard count > 0 else { return }
    let (ends, end) = AsyncStream.makeStream(of: Void.self)
    let tasks = (0..<count).map { index in
      Task {
        await work(index)
        end.yield()
      }
    }
    let timer = Task {
      try await sleep(deadline)
      end.finish()
    }
    var done = 0
    for await _ in ends {
      done += 1
      progress(done)
      if done == count { break }
    }
    timer.cancel()
    for task in tasks { task.cancel() }
  }
}
