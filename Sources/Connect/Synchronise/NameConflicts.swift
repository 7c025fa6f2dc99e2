// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// Tells in the quarantine what an object wants and others hold: once where that is so at every target, otherwise for each
/// target by itself.
struct NameConflicts {
  let transaction: any Transaction
  /// Seconds since 1970.
  let now: Double

  static let reasons: [QuarantineReason] = [.duplicateUserName, .duplicateAddress]
  private static let condition = "reason IN (\(reasons.map { "'\($0.rawValue)'" }.joined(separator: ", ")))"

  private struct Place: Hashable {
    var target: String
    var entry: Int64
    var reason: String
  }

  /// - Parameters:
  ///   - lost: by target; each target that has a place for the object is in it.
  ///   - entry: the one under which the object's conflicts are told.
  func note(_ lost: [String: [Claims.Lost]], entry: Int64, object: Int64) throws {
    let isAlike = Set(lost.values.map(Set.init)).count <= 1
    let told = isAlike ? [Quarantine.everyTarget: lost.values.first ?? []] : lost
    let stale = try transaction.query(
      "SELECT target, entry, reason FROM quarantine WHERE mv = ? AND \(Self.condition)", [.integer(object)]
    ) { row in Place(target: try row[0], entry: try row[1], reason: try row[2]) }
    var kept: Set<Place> = []
    for (target, lost) in told {
      for reason in Self.reasons {
        let claims = lost.filter { ($0.claim.space == .userName) == (reason == .duplicateUserName) }
          .sorted { $0.claim.folded < $1.claim.folded }
        guard let first = claims.first else { continue }
        let detail =
          reason == .duplicateUserName
          ? "The sign-in name \(first.claim.folded) belongs to another object."
          : "Withheld, because they belong to other objects: "
            + claims.map(\.claim.folded).joined(separator: ", ")
        try Quarantine(transaction: transaction, target: target, now: now)
          .put(entry: entry, mv: object, reason, detail, other: first.holder)
        kept.insert(Place(target: target, entry: entry, reason: reason.rawValue))
      }
    }
    for place in stale where !kept.contains(place) {
      try transaction.run(
        "DELETE FROM quarantine WHERE target = ? AND entry = ? AND reason = ?",
        [.text(place.target), .integer(place.entry), .text(place.reason)])
    }
  }

  /// The entry that they were told under left its object.
  func forget(entry: Int64, targets: [TargetProfile]) throws {
    for target in targets.map(\.name) + [Quarantine.everyTarget] {
      try transaction.run(
        "DELETE FROM quarantine WHERE target = ? AND entry = ? AND \(Self.condition)", [.text(target), .integer(entry)])
    }
  }
}
