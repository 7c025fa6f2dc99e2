// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// The answers to one operation on their way from the event loop to the task that asked.
///
/// One consumer at a time. Answers that arrived before a failure are handed over before it.
final class ResponseStream: Sendable {
  private struct State {
    var messages: [LDAPMessage] = []
    var bytes = 0
    var isFinished = false
    var failure: (any Error)?
    var waiter: CheckedContinuation<[LDAPMessage], any Error>?
    var deadline = NIODeadline.distantFuture
  }

  private let state = Mutex(State())
  private let gate: ReadGate
  private let timeout: TimeAmount

  /// - Parameter timeout: the longest wait for the next answer.
  init(gate: ReadGate, timeout: TimeAmount) {
    self.gate = gate
    self.timeout = timeout
  }

  var isFinished: Bool { state.withLock { $0.isFinished || $0.failure != nil } }

  /// The answers that have arrived since the last call, at least one; empty at the end.
  func next() async throws -> [LDAPMessage] {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let (outcome, bytes): (Result<[LDAPMessage], any Error>?, Int) = state.withLock { state in
          if !state.messages.isEmpty {
            defer {
              state.messages = []
              state.bytes = 0
            }
            return (.success(state.messages), state.bytes)
          }
          if let failure = state.failure { return (.failure(failure), 0) }
          if state.isFinished { return (.success([]), 0) }
          state.waiter = continuation
          state.deadline = .now() + timeout
          return (nil, 0)
        }
        if let outcome {
          gate.adjust(bytes: -bytes)
          continuation.resume(with: outcome)
        } else {
          gate.adjust(waiting: 1)
        }
      }
    } onCancel: {
      fail(CancellationError())
    }
  }

  func deliver(_ messages: [LDAPMessage], bytes: Int, isFinished: Bool) {
    let waiter = state.withLock { state -> CheckedContinuation<[LDAPMessage], any Error>? in
      guard state.failure == nil else { return nil }
      state.isFinished = state.isFinished || isFinished
      if let waiter = state.waiter {
        state.waiter = nil
        return waiter
      }
      state.messages.append(contentsOf: messages)
      state.bytes += bytes
      gate.adjust(bytes: bytes)
      return nil
    }
    guard let waiter else { return }
    gate.adjust(waiting: -1)
    waiter.resume(returning: messages)
  }

  func fail(_ error: any Error) {
    let waiter = state.withLock { state -> CheckedContinuation<[LDAPMessage], any Error>? in
      guard state.failure == nil, !state.isFinished else { return nil }
      state.failure = error
      defer { state.waiter = nil }
      return state.waiter
    }
    guard let waiter else { return }
    gate.adjust(waiting: -1)
    waiter.resume(throwing: error)
  }

  /// Drops what nobody will take, so that it does not keep the socket closed.
  func discard() {
    let bytes = state.withLock { state in
      defer {
        state.messages = []
        state.bytes = 0
      }
      return state.bytes
    }
    gate.adjust(bytes: -bytes)
  }

  /// Whether a consumer has waited beyond the timeout.
  func isOverdue(at now: NIODeadline) -> Bool {
    state.withLock { $0.waiter != nil && $0.deadline <= now }
  }
}
