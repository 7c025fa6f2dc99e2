// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import Wire

/// Who holds which sign-in name and which address at a target. The first object that wants a value gets it; the others
/// wait and get it in the order in which they came.
struct Claims {
  let transaction: any Transaction
  let target: String

  /// What another object holds.
  struct Lost: Hashable {
    var claim: Claim
    /// The metaverse object that holds it.
    var holder: Int64
  }

  static func wanted(by attributes: Attributes) -> Set<Claim> {
    Set(
      attributes.texts("userPrincipalName").map { Claim(.userName, $0) }
        + (attributes.texts("mail") + attributes.texts("proxyAddresses")).map { Claim(.address, Address.bare($0)) })
  }

  /// Gives up what the object no longer wants, asks for what it wants now, and tells what others hold.
  func settle(object: Int64, wanted: Set<Claim>) throws -> [Lost] {
    var missing = wanted
    var lost: [Lost] = []
    let current = try transaction.query(
      "SELECT attr, folded, held FROM claim WHERE mv = ? AND target = ?", [.integer(object), .text(target)]
    ) { row in (space: try row[0] as String, folded: try row[1] as String, isHeld: try row[2] as Bool) }
    for row in current {
      guard let space = Claim.Space(rawValue: row.space) else { throw ConnectError.corrupt("a claim") }
      let claim = Claim(space, row.folded)
      if missing.remove(claim) == nil {
        try release(claim, object: object, wasHeld: row.isHeld)
      } else if !row.isHeld, let holder = try holder(of: claim) {
        lost.append(Lost(claim: claim, holder: holder))
      }
    }
    for claim in missing {
      let holder = try holder(of: claim)
      try transaction.run(
        "INSERT INTO claim (target, attr, folded, mv, held) VALUES (?, ?, ?, ?, ?)",
        value(claim) + [.integer(object), SQLValue(holder == nil)])
      if let holder { lost.append(Lost(claim: claim, holder: holder)) }
    }
    return lost
  }

  func release(object: Int64) throws { _ = try settle(object: object, wanted: []) }

  private func value(_ claim: Claim) -> [SQLValue] {
    [.text(target), .text(claim.space.rawValue), .text(claim.folded)]
  }

  private func holder(of claim: Claim) throws -> Int64? {
    try transaction.value(
      "SELECT mv FROM claim WHERE target = ? AND attr = ? AND folded = ? AND held = 1", value(claim))
  }

  /// The next in line gets the value and is synchronised again.
  private func release(_ claim: Claim, object: Int64, wasHeld: Bool) throws {
    let value = value(claim)
    try transaction.run(
      "DELETE FROM claim WHERE target = ? AND attr = ? AND folded = ? AND mv = ?", value + [.integer(object)])
    guard wasHeld,
      let next = try transaction.value(
        "SELECT MIN(mv) FROM claim WHERE target = ? AND attr = ? AND folded = ?", value, as: Int64?.self) ?? nil
    else { return }
    try transaction.run(
      "UPDATE claim SET held = 1 WHERE target = ? AND attr = ? AND folded = ? AND mv = ?", value + [.integer(next)])
    try transaction.run("UPDATE entry SET dirty = 1 WHERE mv = ?", [.integer(next)])
  }
}
