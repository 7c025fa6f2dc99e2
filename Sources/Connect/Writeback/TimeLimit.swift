// SPDX-License-Identifier: Apache-2.0

import Wire

/// Something did not end within the time that it had.
struct TimeLimitExceeded: DiagnosableError {
  let limit: Duration

  var identifier: String { "connect.writeback.timeLimit" }
  var message: String { "It was not ready within \(limit / .seconds(1)) s." }
  var remedy: String {
    "Look whether the domain controller is overloaded, or a firewall lets connections through and no more."
  }
}

/// Runs the body and cancels it when the time is over.
///
/// - Parameter discard: what becomes of a result that came too late.
/// - Throws: ``TimeLimitExceeded``; what the body throws.
func withTimeLimit<R: Sendable>(
  _ limit: Duration, discard: @Sendable (R) async -> Void = { _ in },
  _ body: @escaping @Sendable () async throws -> R
) async throws -> R {
  try await withThrowingTaskGroup(of: R?.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: limit, clock: .continuous)
      return nil
    }
    let first = try await group.next() ?? nil
    group.cancelAll()
    if let first { return first }
    if let late = try? await group.next(), let late { await discard(late) }
    try Task.checkCancellation()
    throw TimeLimitExceeded(limit: limit)
  }
}
