// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What waits for a thread that starts with the first request and ends with the last one, so that nobody has to stop it.
package final class OnDemandQueue<Request: Sendable>: Sendable {
  private struct State {
    var incoming: [Request] = []
    var isRunning = false
  }

  private let state = Mutex(State())

  package init() {}

  /// - Returns: whether the caller has to start the thread. It runs already otherwise, and may have to be woken.
  package func add(_ request: Request) -> Bool {
    state.withLock { state in
      state.incoming.append(request)
      defer { state.isRunning = true }
      return !state.isRunning
    }
  }

  /// For the thread: the new requests; nil when it has nothing left to do and must end.
  /// - Parameter isIdle: it works on none of the requests that it took before.
  package func take(isIdle: Bool) -> [Request]? {
    state.withLock { state in
      if isIdle, state.incoming.isEmpty {
        state.isRunning = false
        return nil
      }
      defer { state.incoming = [] }
      return state.incoming
    }
  }

  /// For who could not start the thread: all requests, which no thread will take.
  package func takeStranded() -> [Request] {
    state.withLock { state in
      defer { state = State() }
      return state.incoming
    }
  }
}
