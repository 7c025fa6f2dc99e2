// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Synchronization
import Wire

@testable import Connect

/// A forest whose answers a test writes one by one.
final class Answers: ImportSource {
  struct Answer {
    var mode = ImportReading.Mode.delta
    var batches: [[Change]] = []
    var isComplete = true
    var isUnchanged = false
    var cookie: [UInt8] = [1]
    var requested: Set<String>?
    var isFiltered = true
    var rights: (any ReadingRights)?
    /// Batches after which the server goes away, each time; nil for never.
    var breaksAfter: Int?
  }
  private struct State {
    var answers: [String: Answer] = [:]
    /// Partitions whose answer was given: what is asked since then has not changed.
    var given: Set<String> = []
    /// What happens when a partition has been read to its end.
    var events: [String: @Sendable () -> Void] = [:]
    var whole: [Anchor: Change] = [:]
    /// By partition, who refers to what comes back elsewhere.
    var referrers: [String: [Change]] = [:]
    var questions: [String: [Anchor]] = [:]
  }
  let name = "forest.example"
  private let names: [String]
  private let state = Mutex(State())

  init(_ names: String...) { self.names = names }

  /// Without an answer a domain cannot be reached. One that was given is not given again to who asks since then.
  func set(_ partition: String, _ answer: Answer?) {
    state.withLock {
      $0.answers[partition] = answer
      $0.given.remove(partition)
    }
  }
  func know(_ change: Change) { state.withLock { $0.whole[change.anchor] = change } }
  /// Once, when the partition has been read to its end.
  func after(_ partition: String, _ event: @escaping @Sendable () -> Void) {
    state.withLock { $0.events[partition] = event }
  }
  func refer(to change: Change, in partition: String) {
    state.withLock { $0.referrers[partition, default: []] += [change] }
  }
  /// What the partition was asked for referrers of.
  func questions(to partition: String) -> [Anchor] { state.withLock { $0.questions[partition] ?? [] } }

  func partitions() async throws -> [String] { names }

  func read(_ partition: String, since watermark: Watermark?) async throws -> ImportReading {
    let found = state.withLock { state in
      let isGiven = !state.given.insert(partition).inserted
      return state.answers[partition].map { isGiven && watermark != nil ? Answer(isUnchanged: true) : $0 }
    }
    guard let answer = found else {
      throw ConnectError(.directoryUnreachable, "\(partition) is away.", remedy: "")
    }
    let position = Mutex(0)
    return ImportReading(
      mode: answer.mode, requested: answer.requested, isFiltered: answer.isFiltered && answer.rights != nil,
      rights: answer.rights, reread: { [self] anchors in reread(anchors) },
      batches: AsyncThrowingStream { [self] in
        let index = position.withLock { index in
          defer { index += 1 }
          return index
        }
        if let count = answer.breaksAfter, index >= count { throw ImportInterruption(reason: "the server went away") }
        if index < answer.batches.count { return Batch(answer.batches[index]) }
        guard index == answer.batches.count else { return nil }
        state.withLock { $0.events.removeValue(forKey: partition) }?()
        return Batch(
          [],
          end: .init(
            watermark: Watermark(cookie: answer.cookie, server: "dc", invocation: [1], sequence: 1),
            isComplete: answer.isComplete, isUnchanged: answer.isUnchanged))
      })
  }

  private func reread(_ anchors: [Anchor]) -> [Change] {
    state.withLock { state in anchors.compactMap { state.whole[$0] } }
  }

  func referrers(to anchors: [Anchor], in partition: String) async throws -> [Change] {
    state.withLock { state in
      state.questions[partition, default: []] += anchors
      return (state.referrers[partition] ?? []).filter { anchors.contains($0.anchor) }
    }
  }
}
