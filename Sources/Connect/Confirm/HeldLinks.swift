// SPDX-License-Identifier: Apache-2.0

import Store

/// References that a target did not take; they wait for their owner's next try.
struct HeldLinks {
  let transaction: any Transaction
  let target: String

  /// So many members are named.
  private static let named = 5

  /// "The target does not take the references to …".
  func describe(_ owner: Int64) throws -> String {
    let members = try transaction.query(
      "SELECT member FROM pending_link WHERE target = ? AND owner = ? AND state = 'held' ORDER BY member LIMIT ?",
      [.text(target), .integer(owner), .integer(Int64(Self.named))]
    ) { row in try row[0] as Int64 }
    let count: Int =
      try transaction.value(
        "SELECT COUNT(*) FROM pending_link WHERE target = ? AND owner = ? AND state = 'held'",
        [.text(target), .integer(owner)]) ?? 0
    let names = try members.map { try DifferenceReader.name(of: $0, transaction) }.joined(separator: ", ")
    return "The target does not take the reference to \(names)"
      + (count > members.count ? " and \(count - members.count) others" : "")
  }

  /// The owner's references were taken: the last of those that were refused, or others.
  func relent(_ owner: Int64) throws {
    try transaction.run(
      """
      DELETE FROM quarantine WHERE target = ?1 AND mv = ?2 AND reason = '\(QuarantineReason.referenceRefused.rawValue)'
        AND NOT EXISTS (SELECT 1 FROM pending_link WHERE target = ?1 AND owner = ?2 AND state = 'held')
      """, [.text(target), .integer(owner)])
  }
}
