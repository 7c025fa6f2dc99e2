// SPDX-License-Identifier: Apache-2.0

import Store
import Wire

/// Passwords that a target still has to forget, because their users left. They are known by the anchor alone: entry and
/// metaverse object may be gone.
struct DepartureTable {
  let target: String

  /// An object of the anchor is at the target, be it that its deletion waits for the guard.
  private static let isThere = """
    EXISTS (SELECT 1 FROM mv JOIN remote ON remote.mv = mv.id AND remote.target = ?1
      WHERE mv.source_anchor = %.anchor)
    """

  private static func isThere(_ table: String) -> String { isThere.replacing("%", with: table) }

  /// Whether somebody still waits to be forgotten.
  func hasAny(in transaction: any Transaction) throws -> Bool {
    let found: Int? = try transaction.value(
      "SELECT 1 FROM password_departure WHERE target = ? LIMIT 1", [.text(target)])
    return found != nil
  }

  /// Notes who left, of those that were noted (``PasswordLooks``) or of all, and takes back who came again. Of users without
  /// a known password there is nothing to forget.
  ///
  /// - Parameter forgets: whether the target can be told; without that, what left is only no longer known.
  func collect(all: Bool, forgets: Bool, at now: Double, in transaction: any Transaction) throws {
    // The index has all that is asked of it here: the passwords themselves are then found by their key.
    let noted =
      all
      ? ""
      : """
      AND credential.entry IN (
        SELECT known.entry FROM password_look CROSS JOIN credential AS known
          ON known.target = password_look.target AND known.anchor = password_look.anchor
        WHERE password_look.target = ?1)
      """
    if forgets {
      try transaction.run(
        """
        INSERT INTO password_departure (target, anchor, version, originated, invocation, since)
        SELECT target, anchor, version, originated, invocation, ?2 FROM credential
        WHERE target = ?1 AND state <> 'none' AND anchor IS NOT NULL AND version IS NOT NULL
          AND originated IS NOT NULL AND invocation IS NOT NULL \(noted) AND NOT \(Self.isThere("credential"))
        ON CONFLICT (target, anchor) DO UPDATE SET version = excluded.version, originated = excluded.originated,
          invocation = excluded.invocation, next_try = NULL
        """, [.text(target), .real(now)])
    }
    try transaction.run(
      "DELETE FROM credential WHERE target = ?1 \(noted) AND NOT \(Self.isThere("credential"))", [.text(target)])
    try transaction.run(
      "DELETE FROM password_departure WHERE target = ?1 AND \(Self.isThere("password_departure"))", [.text(target)])
  }

  func due(at now: Double, limit: Int, in transaction: any Transaction) throws -> [PasswordRemoval] {
    try transaction.query(
      """
      SELECT anchor, version, originated, invocation FROM password_departure
      WHERE target = ? AND COALESCE(next_try, 0) <= ? ORDER BY since, anchor LIMIT ?
      """, [.text(target), .real(now), .integer(Int64(limit))]
    ) { row in
      guard let invocation = GUID(try row[3] as [UInt8]) else { throw ConnectError.corrupt("a departed password") }
      return PasswordRemoval(
        anchor: try row[0],
        version: .init(number: UInt32(clamping: try row[1] as Int64), originated: try row[2], invocation: invocation))
    }
  }

  func remove(_ removal: PasswordRemoval, in transaction: any Transaction) throws {
    try transaction.run(
      "DELETE FROM password_departure WHERE target = ? AND anchor = ?", [.text(target), .text(removal.anchor)])
  }

  /// - Parameter nextTry: not before, in seconds since 1970.
  func keep(
    _ removal: PasswordRemoval, reason: String, detail: String, nextTry: Double, in transaction: any Transaction
  ) throws {
    try transaction.run(
      "UPDATE password_departure SET reason = ?, detail = ?, next_try = ? WHERE target = ? AND anchor = ?",
      [.text(reason), .text(detail), .real(nextTry), .text(target), .text(removal.anchor)])
  }
}
