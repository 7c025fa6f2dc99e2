// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// The `approval` and `approved` tables: which difference an administrator lets past the guard.
///
/// An approval names a difference by its fingerprint and is used once, by the first export that meets that difference.
/// From then on the guard passes over its deletions and removals, one by one, until each is done: an export that is cut off
/// in the middle needs no second approval, and nothing else slips through with it.
struct Approvals {
  let transaction: any Transaction
  let target: String

  /// When the difference was approved, in seconds since 1970; nil when it was not, or when the approval was used.
  func approved(_ fingerprint: String) throws -> Double? {
    try transaction.value(
      "SELECT approved_at FROM approval WHERE target = ? AND fingerprint = ? AND used_at IS NULL",
      [.text(target), .text(fingerprint)])
  }

  func approve(_ fingerprint: String, at time: Double) throws {
    try transaction.run(
      """
      INSERT INTO approval (target, fingerprint, approved_at) VALUES (?, ?, ?)
      ON CONFLICT (target, fingerprint) DO UPDATE SET approved_at = excluded.approved_at, used_at = NULL
      """, [.text(target), .text(fingerprint), .real(time)])
  }

  /// - Returns: false when the difference was not approved.
  func use(_ finding: GuardFinding, at time: Double) throws -> Bool {
    guard try approved(finding.fingerprint) != nil else { return false }
    try transaction.run(
      "UPDATE approval SET used_at = ? WHERE target = ? AND fingerprint = ?",
      [.real(time), .text(target), .text(finding.fingerprint)])
    let kinds = finding.hasLostScope ? ObjectKind.allCases : finding.deletions.map(\.kind)
    for kind in kinds {
      // Whoever approves has seen what went before.
      try transaction.run(
        "DELETE FROM passed WHERE target = ? AND kind = ?", [.text(target), .text(kind.rawValue)])
      try transaction.run(
        "INSERT INTO approved (target, mv, member) SELECT ?1, object, 0 FROM (\(ExportGuard.deletions)) WHERE kind = ?2",
        [.text(target), .text(kind.rawValue)])
    }
    if !finding.removals.isEmpty {
      try transaction.run(
        "INSERT INTO approved (target, mv, member) SELECT ?1, owner, member FROM (\(ExportGuard.removals))",
        [.text(target)])
    }
    for attribute in Set(finding.clearings.map(\.attribute)) {
      try transaction.run(
        """
        INSERT INTO approved (target, mv, member)
        SELECT ?1, object, \(ClearedValues.approval) FROM (\(ClearedValues.pending)) WHERE attr = ?2
        ON CONFLICT (target, mv, member) DO NOTHING
        """, [.text(target), .text(attribute)])
    }
    return true
  }

  /// What was approved is no longer pending: it was done, or its cause has gone.
  func forgetDone() throws {
    try transaction.run(
      """
      DELETE FROM approved WHERE target = ?1 AND CASE
        WHEN member = 0 THEN NOT EXISTS (
          SELECT 1 FROM pending WHERE pending.target = ?1 AND pending.mv = approved.mv AND pending.op = 'delete')
        WHEN member = \(ClearedValues.approval) THEN NOT EXISTS (
          SELECT 1 FROM pending WHERE pending.target = ?1 AND pending.mv = approved.mv AND pending.op = 'update')
        ELSE NOT EXISTS (
          SELECT 1 FROM pending_link WHERE pending_link.target = ?1 AND pending_link.owner = approved.mv
            AND pending_link.attr = 'members' AND pending_link.member = approved.member AND pending_link.op = 'remove')
        END
      """, [.text(target)])
  }
}
