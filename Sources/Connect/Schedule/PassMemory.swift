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
    /// The last pass in the run history, if it failed or left sources behind and did nothing else: why, and when that was
    /// noted (seconds since 1970).
    var failure: (run: Int64, reason: String, repetitions: Int, notedAt: Double)?
  }

  /// Seconds after which what was left is tried again, although nothing has changed.
  static let leftoverInterval = 30.0

  /// Seconds after which it is noted anew that a source is left behind for the same reason.
  static let noteInterval = 30.0

  private let state = Mutex(State())

  func change<R: Sendable>(_ body: (inout sending State) -> sending R) -> R { state.withLock { body(&$0) } }

  /// Whether the last pass was left in the history for the same reason, a short while ago; counts the repetition.
  func isRepeated(_ reason: String, at time: Double) -> Bool {
    state.withLock { state in
      guard let last = state.failure, last.reason == reason, time - last.notedAt < Self.noteInterval else {
        return false
      }
      state.failure?.repetitions += 1
      return true
    }
  }

  /// Whether a pass would do more than to read.
  func isWorth(_ work: Work, at time: Double) -> Bool {
    state.withLock { state in
      work.isNew
        || work.leftovers > 0
          && (work.leftovers != state.leftovers || time - state.leftoversAt >= Self.leftoverInterval)
    }
  }
}
