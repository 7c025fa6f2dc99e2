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
  }
  let name = "forest.example"
  private let names: [String]
  private let answers = Mutex<[String: Answer]>([:])
  private let whole = Mutex<[Anchor: Change]>([:])

  init(_ names: String...) { self.names = names }

  /// Without an answer a domain cannot be reached.
  func set(_ partition: String, _ answer: Answer?) { answers.withLock { $0[partition] = answer } }
  func know(_ change: Change) { whole.withLock { $0[change.anchor] = change } }

  func partitions() async throws -> [String] { names }

  func read(_ partition: String, since watermark: Watermark?) async throws -> ImportReading {
    guard let answer = answers.withLock({ $0[partition] }) else {
      throw ConnectError(.directoryUnreachable, "\(partition) is away.", remedy: "")
    }
    let position = Mutex(0)
    return ImportReading(
      mode: answer.mode, requested: answer.requested, isFiltered: answer.isFiltered && answer.rights != nil,
      rights: answer.rights,
      batches: AsyncThrowingStream {
        let index = position.withLock { index in
          defer { index += 1 }
          return index
        }
        if index < answer.batches.count { return Batch(answer.batches[index]) }
        guard index == answer.batches.count else { return nil }
        return Batch(
          [],
          end: .init(
            watermark: Watermark(cookie: answer.cookie, server: "dc", invocation: [1], sequence: 1),
            isComplete: answer.isComplete, isUnchanged: answer.isUnchanged))
      })
  }

  func reread(_ anchors: [Anchor], in partition: String) async throws -> [Change] {
    whole.withLock { whole in anchors.compactMap { whole[$0] } }
  }
}
