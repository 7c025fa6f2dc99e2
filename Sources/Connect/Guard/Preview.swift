// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import Synchronization

/// Synchronises and reads the difference in a transaction that is undone: nothing of it stays.
///
/// What references name outside the imported partitions shows only then. It is asked of the Global Catalog as a pass would
/// do it, outside of any transaction, and taken in by a second one.
struct Preview: Sendable {
  let synchroniser: Synchroniser
  let exportGuards: [ExportGuard]
  let resolution: ReferenceResolution

  struct Result: Sendable {
    var synchronised = 0
    var summary = PreviewSummary()
    /// One a source that was asked.
    var references: [CycleReport.References] = []
  }

  private enum Outcome: Sendable {
    case difference(Result)
    /// What a pass would ask the catalogs for.
    case questions([ReferenceResolution.Question])
  }

  private struct Undo: Error {}

  /// - Parameter full: as for ``ReferenceResolution/run(full:)``.
  func run(
    _ store: any Store, full: Bool, _ body: @escaping @Sendable (ObjectDifference) -> Void
  ) async throws -> Result {
    var outcome = try await attempt(store, full: full, answers: nil, body)
    if case .questions(let questions) = outcome {
      outcome = try await attempt(store, full: full, answers: try await resolution.ask(questions), body)
    }
    guard case .difference(let result) = outcome else { return Result() }
    return result
  }

  /// - Parameter answers: nil while nobody has been asked.
  private func attempt(
    _ store: any Store, full: Bool, answers: [ReferenceResolution.Answer]?,
    _ body: @escaping @Sendable (ObjectDifference) -> Void
  ) async throws -> Outcome {
    let outcome = Carrier<Outcome>()
    do {
      try await store.write { transaction in
        outcome.value.withLock { $0 = nil }
        let found = try synchronise(transaction, full: full, answers: answers, body)
        outcome.value.withLock { $0 = found }
        throw Undo()
      }
    } catch is Undo {}
    return outcome.value.withLock { $0 } ?? .difference(Result())
  }

  private func synchronise(
    _ transaction: any Transaction, full: Bool, answers: [ReferenceResolution.Answer]?,
    _ body: (ObjectDifference) -> Void
  ) throws -> Outcome {
    var result = Result(synchronised: try synchroniser.runAll(transaction, full: full))
    if let answers {
      result.references = try resolution.record(answers, in: transaction)
      result.synchronised += try synchroniser.runAll(transaction, full: false)
    } else {
      let questions = try resolution.questions(full: full, in: transaction)
      if !questions.isEmpty { return .questions(questions) }
    }
    for target in synchroniser.targets {
      result.summary.add(try DifferenceReader(transaction: transaction, target: target).forEach(body))
    }
    for exportGuard in exportGuards where result.summary.stopped == nil {
      let finding = try exportGuard.examine(transaction, at: synchroniser.now())
      let approvals = Approvals(transaction: transaction, target: exportGuard.target)
      if !finding.isClear, try approvals.approved(finding.fingerprint) == nil {
        result.summary.stopped = finding.message
      }
    }
    return .difference(result)
  }
}

/// Carries a result out of a transaction that is undone.
private final class Carrier<Value: Sendable>: Sendable {
  let value = Mutex<Value?>(nil)
}
