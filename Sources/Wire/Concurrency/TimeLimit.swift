// SPDX-License-Identifier: Apache-2.0

/// Runs the body and cancels it when the time is over or the caller is cancelled; returns when the body has ended, too.
///
/// - Parameter discard: what becomes of a result that is not returned.
/// - Returns: nil when the time was over before there was a result.
/// - Throws: what the body throws within its time, or `CancellationError`.
package func withTimeLimit<R: Sendable>(
  _ limit: Duration, discard: @Sendable (R) async -> Void = { _ in },
  _ body: @escaping @Sendable () async throws -> R
) async throws -> R? {
  // Nil stands for the end of the time, also for its early end by a cancellation. Nothing in the group throws: that would
  // drop what the other one returns.
  let first = await withTaskGroup(of: Result<R, any Error>?.self) { group in
    group.addTask {
      do { return .success(try await body()) } catch { return .failure(error) }
    }
    group.addTask {
      try? await Task.sleep(for: limit, clock: .continuous)
      return nil
    }
    let first = await group.next() ?? nil
    group.cancelAll()
    if first == nil, case .success(let late)?? = await group.next() { await discard(late) }
    return first
  }
  if let first { return try first.get() }
  try Task.checkCancellation()
  return nil
}
