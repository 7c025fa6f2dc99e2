// SPDX-License-Identifier: Apache-2.0

import Crypto
import IdentityModel
import Store
import Wire

/// Phase 3: stops an export that would do more harm than an administrator expects, before its first request.
struct ExportGuard: Sendable {
  let configuration: ConnectConfiguration
  let target: String

  /// What stands before an export.
  struct Finding: Sendable, Equatable {
    struct Excess: Sendable, Equatable {
      var kind: ObjectKind
      var deletions: Int
      var total: Int
      var limit: Int
    }
    var excesses: [Excess] = []
    var lostUnits: [String] = []
    /// Names exactly these deletions: `--accept-deletions` lets no others through.
    var fingerprint = ""

    var isClear: Bool { excesses.isEmpty && lostUnits.isEmpty }
  }

  /// - Throws: ``ConnectError`` `tooManyDeletions` or `scopeLost`.
  func check(_ store: any Store, accepting accepted: String?) async throws {
    let finding = try await store.read { transaction in try examine(transaction) }
    guard !finding.isClear, accepted != finding.fingerprint else { return }
    let remedy =
      "Nothing was sent. Look at the difference with --preview; to let exactly these deletions through, run again with "
      + "--accept-deletions \(finding.fingerprint)."
    if !finding.lostUnits.isEmpty {
      throw ConnectError(
        .scopeLost,
        "Organisational units of the configuration were deleted in the directory: "
          + finding.lostUnits.joined(separator: "; ") + ".", remedy: remedy)
    }
    let numbers = finding.excesses.map { excess in
      "\(excess.deletions) of \(excess.total) objects of type \(excess.kind.rawValue) (limit \(excess.limit))"
    }
    throw ConnectError(
      .tooManyDeletions,
      "The export would delete \(numbers.joined(separator: " and "))"
        + (accepted == nil ? "." : "; these are not the deletions that were accepted."),
      remedy: remedy)
  }

  func examine(_ transaction: any Transaction) throws -> Finding {
    var finding = Finding()
    var isDeleting = false
    for kind in ObjectKind.allCases where kind.isExported {
      let arguments: [SQLValue] = [.text(target), .text(kind.rawValue)]
      let deletions: Int =
        try transaction.value(
          """
          SELECT COUNT(*) FROM pending JOIN mv ON mv.id = pending.mv
          WHERE pending.target = ? AND pending.op = 'delete' AND mv.kind = ?
          """, arguments) ?? 0
      let total: Int =
        try transaction.value(
          "SELECT COUNT(*) FROM remote JOIN mv ON mv.id = remote.mv WHERE remote.target = ? AND mv.kind = ?", arguments)
        ?? 0
      let limit = configuration.guard.limit(of: total)
      isDeleting = isDeleting || deletions > 0
      if deletions > limit {
        finding.excesses.append(.init(kind: kind, deletions: deletions, total: total, limit: limit))
      }
    }
    // A unit that went without taking anybody along does no harm.
    if isDeleting { finding.lostUnits = try Scope.lost(configuration, in: transaction) }
    if !finding.isClear { finding.fingerprint = try fingerprint(transaction) }
    return finding
  }

  /// A hash over the source anchors of all objects that are to be deleted.
  private func fingerprint(_ transaction: any Transaction) throws -> String {
    var hash = SHA256()
    try transaction.forEach(
      """
      SELECT mv.source_anchor FROM pending JOIN mv ON mv.id = pending.mv
      WHERE pending.target = ? AND pending.op = 'delete' ORDER BY mv.source_anchor
      """, [.text(target)]
    ) { row in hash.update(data: Array((try row[0] as String).utf8) + [0]) }
    return Hex.encode(Array(hash.finalize().prefix(8)))
  }
}
