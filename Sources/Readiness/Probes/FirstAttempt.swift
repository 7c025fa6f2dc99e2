// SPDX-License-Identifier: Apache-2.0

/// Lets one attempt end before any other begins, and none begin once one was refused: what is wrong with an account costs it
/// one failed attempt, however many flows would use it.
actor FirstAttempt {
  private let refusal: @Sendable (any Error) -> (any Error)?
  private var first: Task<Void, Never>?
  private var stop: (any Error)?

  /// - Parameter refusal: what all later attempts get in the place of an attempt, where an error says that the account was
  ///   refused; nil for errors that say nothing of it.
  init(_ refusal: @escaping @Sendable (any Error) -> (any Error)?) { self.refusal = refusal }

  /// - Throws: what the attempt throws; or what `refusal` made of an earlier one, and then there was no attempt.
  func run<Value: Sendable>(_ attempt: @escaping @Sendable () async throws -> Value) async throws -> Value {
    guard let first else {
      let task = Task { await self.outcome(attempt) }
      first = Task { _ = await task.value }
      return try await task.value.get()
    }
    await first.value
    if let stop { throw stop }
    return try await outcome(attempt).get()
  }

  private func outcome<Value: Sendable>(
    _ attempt: @Sendable () async throws -> Value
  ) async -> Result<Value, any Error> {
    do {
      return .success(try await attempt())
    } catch {
      if stop == nil { stop = refusal(error) }
      return .failure(error)
    }
  }
}
