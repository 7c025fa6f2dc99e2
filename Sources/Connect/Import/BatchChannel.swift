// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Synchronization

/// Carries batches from several readers to the one who writes them; readers wait while the writer is behind.
final class BatchChannel: Sendable {
  private struct State {
    var batches: [Batch] = []
    var outcome: Result<Void, any Error>?
    var consumer: CheckedContinuation<Batch?, any Error>?
    var producers: [CheckedContinuation<Void, any Error>] = []
  }

  private let state = Mutex(State())
  /// Batches that wait for the writer before readers wait for it.
  private let capacity: Int

  init(capacity: Int) { self.capacity = capacity }

  /// - Throws: `CancellationError` when nobody will take it.
  func send(_ batch: Batch) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      state.withLock { state in
        if state.outcome != nil { return continuation.resume(throwing: CancellationError()) }
        if let consumer = state.consumer {
          state.consumer = nil
          consumer.resume(returning: batch)
        } else {
          state.batches.append(batch)
        }
        if state.batches.count < capacity {
          continuation.resume()
        } else {
          state.producers.append(continuation)
        }
      }
    }
  }

  /// The next batch; nil, or the error, when there are no more.
  func next() async throws -> Batch? {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        state.withLock { state in
          if !state.batches.isEmpty {
            continuation.resume(returning: state.batches.removeFirst())
            for producer in state.producers { producer.resume() }
            state.producers = []
          } else if let outcome = state.outcome {
            continuation.resume(with: outcome.map { nil })
          } else {
            state.consumer = continuation
          }
        }
      }
    } onCancel: {
      finish(.failure(CancellationError()))
    }
  }

  /// What was sent before is still delivered, unless this is a failure.
  func finish(_ outcome: Result<Void, any Error>) {
    state.withLock { state in
      guard state.outcome == nil else { return }
      state.outcome = outcome
      if case .failure = outcome { state.batches = [] }
      state.consumer?.resume(with: outcome.map { nil })
      state.consumer = nil
      for producer in state.producers { producer.resume(throwing: CancellationError()) }
      state.producers = []
    }
  }
}
