// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Decides whether the socket may be read: the back-pressure of a connection's consumers.
///
/// Reading stops while consumers are behind by more than the limit, unless one of them waits for an answer: what it
/// waits for can stand behind what another has not yet taken, and stopping then would be a deadlock.
final class ReadGate: Sendable {
  private struct State {
    var buffered = 0
    var waiting = 0
    var isClosed = false
    /// Bytes of all messages that arrived.
    var received = 0

    func isOpen(_ limit: Int) -> Bool { buffered < limit || waiting > 0 }
  }

  private let state = Mutex(State())
  private let limit: Int
  /// Asks the event loop to read again; called outside the lock.
  private let reopen: @Sendable () -> Void

  init(limit: Int, reopen: @escaping @Sendable () -> Void) {
    self.limit = limit
    self.reopen = reopen
  }

  /// Bytes of all messages that arrived.
  var received: Int { state.withLock { $0.received } }

  func count(received bytes: Int) { state.withLock { $0.received += bytes } }

  /// Whether to read now. After a refusal `reopen` is called as soon as it would be granted.
  func mayRead() -> Bool {
    state.withLock {
      $0.isClosed = !$0.isOpen(limit)
      return !$0.isClosed
    }
  }

  /// - Parameters:
  ///   - bytes: how many more (or fewer) bytes are undelivered.
  ///   - waiting: how many more (or fewer) consumers wait.
  func adjust(bytes: Int = 0, waiting: Int = 0) {
    let opens = state.withLock {
      $0.buffered += bytes
      $0.waiting += waiting
      guard $0.isClosed, $0.isOpen(limit) else { return false }
      $0.isClosed = false
      return true
    }
    if opens { reopen() }
  }
}
