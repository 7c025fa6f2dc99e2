// SPDX-License-Identifier: Apache-2.0

/// Runs the body and cancels it when the time is over.
/// - Parameter what: what did not happen then, in words: `dc1:135 did not answer the bind`.
func withDeadline<R: Sendable>(
  _ time: Duration, _ what: String, _ body: @escaping @Sendable () async throws -> R
) async throws -> R {
  try await withThrowingTaskGroup(of: R?.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: time, clock: .continuous)
      return nil
    }
    defer { group.cancelAll() }
    // Two tasks were added: there is a first result.
    guard let first = try await group.next(), let result = first else {
      throw RPCError(
        .timeout, "\(what) within \(time.components.seconds) s.",
        remedy: "Check the server's load, and for a firewall that lets connections through but not what follows.")
    }
    return result
  }
}
