// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import Wire

/// The steps of a resolution one by one, for a preview: the first and the last stand in transactions that are undone, and
/// nothing is written by the one between them.
extension ReferenceResolution {
  /// What a pass would ask one source for.
  struct Question: Sendable {
    var source: String
    var anchors: [Anchor]
  }

  /// What a source's catalog said to one request.
  struct Answer: Sendable {
    var source: String
    var asked: [Anchor]
    var found: [Change] = []
    /// Why it said nothing.
    var failure: String?
  }

  /// - Parameter full: as for ``run(full:)``.
  func questions(full: Bool, in transaction: any Transaction) throws -> [Question] {
    try resolvers.compactMap { resolver in
      let references = UnresolvedReferences(transaction: transaction, source: resolver.source)
      if full { try references.beginAnew(targets) }
      let due = try references.due(at: now(), limit: Self.anchorsPerPass)
      return due.isEmpty ? nil : Question(source: resolver.source, anchors: due)
    }
  }

  /// Asks each catalog; one that does not answer is not asked again.
  func ask(_ questions: [Question]) async throws -> [Answer] {
    var answers: [Answer] = []
    for question in questions {
      guard let resolver = resolvers.first(where: { $0.source == question.source }) else { continue }
      for slice in question.anchors.chunks(of: Self.anchorsPerRequest) {
        try Task.checkCancellation()
        var answer = Answer(source: question.source, asked: Array(slice))
        do {
          answer.found = try await resolver.resolve(answer.asked)
        } catch let error as any DiagnosableError where !(error is StoreError) {
          answer.failure = Self.reason(question.source, error)
        }
        answers.append(answer)
        if answer.failure != nil { break }
      }
    }
    return answers
  }

  /// Takes answers into the connector space.
  ///
  /// - Returns: one report a source that was asked.
  func record(_ answers: [Answer], in transaction: any Transaction) throws -> [CycleReport.References] {
    var reports: [CycleReport.References] = []
    for answer in answers {
      var report = reports.last?.source == answer.source ? reports.removeLast() : .init(source: answer.source)
      if let failure = answer.failure {
        report.waiting += answer.asked.count
        report.failure = failure
      } else {
        let outcome = try Self.record(answer.asked, answer.found, answer.source, at: now(), in: transaction)
        report.resolved += outcome.resolved
        report.unknown += outcome.unknown
      }
      reports.append(report)
    }
    return reports
  }
}
