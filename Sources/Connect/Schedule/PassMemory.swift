// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What a service remembers from pass to pass, so that a pass that changed nothing, or failed as the one before it, needs
/// no row of its own in the run history.
final class PassMemory: Sendable {
  struct State {
    /// Passes that changed nothing since the last one that is in the run history.
    var quiet = 0
    /// What the last pass left, and when that was (seconds since 1970).
    var leftovers = 0
    var leftoversAt = 0.0
    /// The last pass in the run history, if it failed, and why.
    var failure: (run: Int64, reason: String, repetitions: Int)?
  }

  /// Seconds after which what was left is tried again, although nothing has changed.
  static let leftoverInterval = 30.0

  private let state = Mutex(State())

  func change<R: Sendable>(_ body: (inout sending State) -> sending R) -> R { state.withLock { body(&$0) } }

  /// Whether a pass would do more than to read.
  func isWorth(_ work: Work, at time: Double) -> Bool {
    state.withLock { state in
      work.isNew
        || work.leftovers > 0
          && (work.leftovers != state.leftovers || time - state.leftoversAt >= Self.leftoverInterval)
    }
  }
}
