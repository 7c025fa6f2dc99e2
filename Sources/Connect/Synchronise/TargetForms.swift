// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// The `form` table: what an object is at a target, where that differs from `mv.attrs`: a sign-in name under the target's
/// own domain, an address that another object holds there.
struct TargetForms {
  let transaction: any Transaction
  let object: Int64

  /// In a query that has `mv`: the attributes that a target gets, encoded.
  ///
  /// - Parameter target: the parameter that is bound to the target's name, for example `?1`.
  static func attributes(at target: String) -> String {
    "COALESCE((SELECT form.attrs FROM form WHERE form.mv = mv.id AND form.target = \(target)), mv.attrs)"
  }

  /// By target.
  func load() throws -> [String: [UInt8]] {
    let rows = try transaction.query("SELECT target, attrs FROM form WHERE mv = ?", [.integer(object)]) { row in
      (try row[0] as String, try row[1] as [UInt8])
    }
    return Dictionary(rows) { _, last in last }
  }

  /// - Parameter attributes: nil where the target gets those of the metaverse.
  func save(_ attributes: [UInt8]?, at target: String, instead former: [UInt8]?) throws {
    guard attributes != former else { return }
    if let attributes {
      try transaction.run(
        "INSERT INTO form (mv, target, attrs) VALUES (?, ?, ?) ON CONFLICT (mv, target) DO UPDATE SET attrs = excluded.attrs",
        [.integer(object), .text(target), .blob(attributes)])
    } else {
      try transaction.run("DELETE FROM form WHERE mv = ? AND target = ?", [.integer(object), .text(target)])
    }
  }
}
