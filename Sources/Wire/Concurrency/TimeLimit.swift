// SPDX-License-Identifier: Apache-2.0

/// Runs the body and cancels it when the time is over; returns when the body has ended, too.
///
/// - Parameter discard: what becomes of a result that came too late.
/// - Returns: nil when the time was over before there was a result.
/// - Throws: what the body throws within its time, or `CancellationError`.
package func withTimeLimit<R: Sendable>(
  _ limit: Duration, discard: @Sendable (R) async -> Void = { _ in },
  _ body: @escaping @Sendable () async throws -> R
) async throws -> R? {
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
    return nil
  }
}
