// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import SynchronisationRules

/// A sign-in name that a target gets under its own domain, because it cannot take the directory's.
package struct ReplacedName: Sendable, Codable, Equatable {
  package var target: String
  /// The name at the target.
  package var name: String
  /// The directory's; nil when the user has none.
  package var wanted: String?
  /// The entry of the user; nil when it is gone.
  package var distinguishedName: String?

  /// Why it was replaced, in words.
  package var reason: String {
    guard let wanted else { return "it has no user principal name" }
    let suffix = wanted.lastIndex(of: "@").map { String(wanted[wanted.index(after: $0)...]) }
    return suffix.map { "\(target) has not verified \($0), the suffix of \(wanted)" }
      ?? "\(wanted) has no suffix that \(target) could have verified"
  }
}

/// The `replaced_name` table.
struct ReplacedNames {
  let transaction: any Transaction

  /// - Parameters:
  ///   - given: the name at the target.
  ///   - wanted: the directory's.
  func note(
    _ object: Int64, at target: String, given: String?, wanted: String?, _ domains: TenantDomains
  ) throws {
    let isReplaced =
      given?.lowercased().hasSuffix("@" + domains.initial) == true && !(wanted.map(domains.verifies) ?? false)
    guard isReplaced else {
      try transaction.run(
        "DELETE FROM replaced_name WHERE mv = ? AND target = ?", [.integer(object), .text(target)])
      return
    }
    try transaction.run(
      """
      INSERT INTO replaced_name (mv, target, wanted) VALUES (?, ?, ?)
      ON CONFLICT (mv, target) DO UPDATE SET wanted = excluded.wanted WHERE wanted IS NOT excluded.wanted
      """, [.integer(object), .text(target), SQLValue(wanted)])
  }

  func count(at target: String) throws -> Int {
    try transaction.value(
      """
      SELECT COUNT(*) FROM replaced_name JOIN mv ON mv.id = replaced_name.mv AND mv.gone = 0
      WHERE replaced_name.target = ?
      """, [.text(target)]) ?? 0
  }

  /// - Parameter object: one object of the metaverse; nil for all.
  func read(of object: Int64? = nil, limit: Int? = nil) throws -> [ReplacedName] {
    try transaction.query(
      """
      SELECT replaced_name.target, \(TargetForms.attributes(at: "replaced_name.target")), wanted,
        COALESCE(
          (SELECT dn FROM entry WHERE entry.id = mv.anchor_entry AND entry.mv = mv.id AND deleted = 0),
          (SELECT dn FROM entry WHERE entry.mv = mv.id AND deleted = 0 LIMIT 1))
      FROM replaced_name JOIN mv ON mv.id = replaced_name.mv AND mv.gone = 0
      WHERE ?1 IS NULL OR mv.id = ?1 ORDER BY replaced_name.mv, replaced_name.target LIMIT ?2
      """, [SQLValue(object), .integer(Int64(limit ?? Int(Int32.max)))]
    ) { row in
      ReplacedName(
        target: try row[0], name: try Attributes(stored: try row[1]).text("userPrincipalName") ?? "",
        wanted: try row[2], distinguishedName: try row[3])
    }
  }
}
