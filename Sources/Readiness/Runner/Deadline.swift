// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Ends waiting at an instant, whatever the work does.
enum Deadline {
  /// Runs the work, cancels it at the deadline, and then waits no longer for it.
  ///
  /// The work runs in a task of its own and not as a child: a child that does not heed its cancellation (a call into a C
  /// library, a future of an event loop) would hold up the whole check.
  ///
  /// - Returns: nil when the deadline was first.
  @discardableResult
  static func race<Value: Sendable>(
    until deadline: ContinuousClock.Instant, _ work: @escaping @Sendable () async -> Value
  ) async -> Value? {
    let result = Once<Value?>()
    let task = Task { result.resolve(await work()) }
    let timer = Task {
      try await Task.sleep(until: deadline, clock: .continuous)
      task.cancel()
      result.resolve(nil)
    }
    let value = await result.value()
    timer.cancel()
    return value
  }

  /// A value that is set once and waited for once.
  private final class Once<Value: Sendable>: Sendable {
    private enum State {
      case empty
      case waiting(CheckedContinuation<Value, Never>)
      case resolved(Value)
      case delivered
    }
    private let state = Mutex(State.empty)

    func resolve(_ value: Value) {
      let waiting: CheckedContinuation<Value, Never>? = state.withLock { state in
        switch state {
        case .empty: state = .resolved(value)
        case .waiting(let continuation):
          state = .delivered
          return continuation
        case .resolved, .delivered: break
        }
        return nil
      }
      waiting?.resume(returning: value)
    }

    func value() async -> Value {
      await withCheckedContinuation { continuation in
        let value: Value? = state.withLock { state in
          if case .resolved(let value) = state {
            state = .delivered
            return value
          }
          state = .waiting(continuation)
          return nil
        }
        if let value { continuation.resume(returning: value) }
      }
    }
  }
}
