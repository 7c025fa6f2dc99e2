// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Logging
import Store
import Wire

/// Between two rounds of phase 2: asks the Global Catalog for what references name and no imported partition holds, once
/// each; what it tells is kept in the connector space. A catalog that does not answer holds up nothing else.
package struct ReferenceResolution: Sendable {
  let resolvers: [any ReferenceResolver]
  let targets: [String]
  let store: any Store
  let logger: Logger
  let now: @Sendable () -> Double

  /// Objects that are asked for together and written in one transaction.
  package static let anchorsPerRequest = 1_000
  /// Objects that one pass asks for; the next ones go on.
  static let anchorsPerPass = 50_000

  /// - Parameter full: also asks again for what was resolved before, and forgets what no reference names any more.
  /// - Returns: one report a source that was asked.
  func run(full: Bool) async throws -> [CycleReport.References] {
    var reports: [CycleReport.References] = []
    for resolver in resolvers {
      if full {
        try await store.write { [targets] transaction in
          try UnresolvedReferences(transaction: transaction, source: resolver.source).beginAnew(targets)
        }
      }
      if let report = try await resolve(by: resolver) { reports.append(report) }
    }
    return reports
  }

  private func resolve(by resolver: any ReferenceResolver) async throws -> CycleReport.References? {
    let source = resolver.source
    var report = CycleReport.References(source: source)
    var asked = 0
    while asked < Self.anchorsPerPass {
      try Task.checkCancellation()
      let time = now()
      let due = try await store.read { transaction in
        try UnresolvedReferences(transaction: transaction, source: source)
          .due(at: time, limit: Self.anchorsPerRequest)
      }
      if due.isEmpty { break }
      asked += due.count
      do {
        let found = try await resolver.resolve(due)
        let outcome = try await store.write { transaction in
          try Self.record(due, found, source, at: time, in: transaction)
        }
        report.resolved += outcome.resolved
        report.unknown += outcome.unknown
      } catch let error as any DiagnosableError where !(error is StoreError) {
        let reason = Self.reason(source, error)
        logger.error(
          "references stay unresolved",
          metadata: ["source": "\(source)", "cause": "\(error.identifier)", "remedy": "\(error.remedy)"])
        try await store.write { transaction in
          try UnresolvedReferences(transaction: transaction, source: source).postpone(at: time, because: reason)
        }
        report.waiting += due.count
        report.failure = reason
        break
      }
    }
    return asked == 0 ? nil : report
  }

  static func reason(_ source: String, _ error: any DiagnosableError) -> String {
    "The global catalog of \(source) was not asked: \(error.message)"
  }

  static func record(
    _ asked: [Anchor], _ found: [Change], _ source: String, at time: Double, in transaction: any Transaction
  ) throws -> (resolved: Int, unknown: Int) {
    let references = UnresolvedReferences(transaction: transaction, source: source)
    var missing = Set(asked)
    var outside: [Change] = []
    for change in found where change.kind != nil && change.name != nil {
      guard missing.remove(change.anchor) != nil else { continue }
      try references.remove(change.anchor)
      // An import may have met it meanwhile, and knows better.
      if try !isImported(change.anchor, source, in: transaction) { outside.append(change) }
    }
    let staging = Staging(source: source, partition: OutsideObjects.partition, generation: 0)
    _ = try staging.apply(outside[...], in: transaction)
    for anchor in missing {
      if try isImported(anchor, source, in: transaction) {
        try references.remove(anchor)
      } else {
        try references.setUnknown(anchor, at: time)
      }
    }
    return (outside.count, missing.count)
  }

  private static func isImported(
    _ anchor: Anchor, _ source: String, in transaction: any Transaction
  ) throws -> Bool {
    let row: Int? = try transaction.value(
      "SELECT 1 FROM entry WHERE anchor = ? AND source = ? AND partition <> 0", [.blob(anchor.bytes), .text(source)])
    return row != nil
  }
}
