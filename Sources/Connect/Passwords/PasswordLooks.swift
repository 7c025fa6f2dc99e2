// SPDX-License-Identifier: Apache-2.0

import Store

/// The `password_look` table: users that came to a target or left it. The next pass over the passwords looks at them, and at
/// nobody else; all users are looked at once a day, and when other forests are read than before.
struct PasswordLooks {
  let target: String

  /// Seconds between looks at all users.
  static let scanInterval: Double = 24 * 3600

  /// Notes that a target is about to have a user, or to have it no more.
  ///
  /// - Parameter isHeld: what the target is known to hold so far: where that is otherwise, nothing changes.
  static func note(
    _ object: Int64, at target: String, whereHeld isHeld: Bool, in transaction: any Transaction
  ) throws {
    try transaction.run(
      """
      INSERT INTO password_look (target, anchor)
      SELECT ?1, source_anchor FROM mv WHERE id = ?2 AND kind = 'user' AND outside = 0
        AND \(isHeld ? "" : "NOT") EXISTS (SELECT 1 FROM remote WHERE remote.target = ?1 AND remote.mv = ?2)
      ON CONFLICT (target, anchor) DO NOTHING
      """, [.text(target), .integer(object)])
  }

  /// Another entry stands for a user from now on, at all targets that have it.
  static func note(_ object: Int64, in transaction: any Transaction) throws {
    let targets = try transaction.query("SELECT name FROM target", []) { row in try row[0] as String }
    for target in targets { try note(object, at: target, whereHeld: true, in: transaction) }
  }

  func hasAny(in transaction: any Transaction) throws -> Bool {
    let found: Int? = try transaction.value(
      "SELECT 1 FROM password_look WHERE target = ? LIMIT 1", [.text(target)])
    return found != nil
  }

  func clear(in transaction: any Transaction) throws {
    try transaction.run("DELETE FROM password_look WHERE target = ?", [.text(target)])
  }

  // MARK: All users

  func isScanDue(_ sources: [String], at now: Double, in transaction: any Transaction) throws -> Bool {
    guard let last = try Setting.load(.passwordsScanned, of: target, in: transaction) else { return true }
    let parts = last.split(separator: " ", maxSplits: 1).map(String.init)
    guard let time = parts.first.flatMap(Double.init), parts.dropFirst().first == Self.text(sources) else {
      return true
    }
    return now < time || now - time >= Self.scanInterval
  }

  func noteScan(_ sources: [String], at now: Double, in transaction: any Transaction) throws {
    try Setting.save(.passwordsScanned, of: target, "\(now) \(Self.text(sources))", in: transaction)
  }

  private static func text(_ sources: [String]) -> String { sources.sorted().joined(separator: " ") }
}
