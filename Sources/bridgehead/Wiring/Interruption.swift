// SPDX-License-Identifier: Apache-2.0

import UnixSignals

/// Turns SIGTERM and SIGINT into cancellation, so that one-shot work ends at a transaction boundary.
enum Interruption {
  static func stopping<R: Sendable>(_ work: @escaping @Sendable () async throws -> R) async throws -> R {
    // Before the work begins: from then on no signal may end the process as it stands.
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    return try await withThrowingTaskGroup(of: R?.self) { group in
      group.addTask { try await work() }
      group.addTask {
        for await signal in signals {
          Observability.say("stopping on \(signal == .sigterm ? "SIGTERM" : "SIGINT"); the next run goes on from here")
          return nil
        }
        return nil
      }
      defer { group.cancelAll() }
      guard let first = try await group.next(), let result = first else {
        group.cancelAll()
        // Wait until the work has ended: what it committed stays, what it had not is undone.
        while (try? await group.next()) != nil {}
        throw CommandError(
          "interrupted", "The run was stopped.", remedy: "run it again: it goes on where it stopped.")
      }
      return result
    }
  }
}
