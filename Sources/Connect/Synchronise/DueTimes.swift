// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// The `due` table: entries of which the rules say something else from a moment on, although nothing changes in their
/// directory: an account expires, a scope names a time.
struct DueTimes {
  let transaction: any Transaction
  /// Seconds since 1970.
  let now: Double

  /// Moments beyond this are never reached: 1e15 seconds are 31 million years.
  private static let latest = 1e15

  /// - Parameter moment: seconds since 1970; nil when only the directory can change what the rules say.
  func set(_ entry: Int64, _ moment: Double?) throws {
    guard let moment, moment > now else { return try clear(entry) }
    try transaction.run(
      "INSERT INTO due (entry, at) VALUES (?, ?) ON CONFLICT (entry) DO UPDATE SET at = excluded.at",
      [.integer(entry), .integer(Int64(min(moment.rounded(.up), Self.latest)))])
  }

  func clear(_ entry: Int64) throws {
    try transaction.run("DELETE FROM due WHERE entry = ?", [.integer(entry)])
  }

  /// Marks those whose time has come: they, and no others.
  func wake() throws {
    let time = [SQLValue.integer(Int64(now))]
    try transaction.run("UPDATE entry SET dirty = 1 WHERE id IN (SELECT entry FROM due WHERE at <= ?)", time)
    try transaction.run("DELETE FROM due WHERE at <= ?", time)
  }
}
