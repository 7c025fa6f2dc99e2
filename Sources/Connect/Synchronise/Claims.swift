// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// Who holds which sign-in name and which address. The first object that wants a value gets it; the others wait and get
/// it in the order in which they came.
struct Claims {
  let transaction: any Transaction

  struct Settlement {
    struct Lost {
      var claim: Claim
      /// The metaverse object that holds it.
      var holder: Int64
    }
    var lost: [Lost] = []
  }

  static func wanted(by attributes: Attributes) -> Set<Claim> {
    Set(
      attributes.texts("userPrincipalName").map { Claim(.userName, $0) }
        + (attributes.texts("mail") + attributes.texts("proxyAddresses")).map { Claim(.address, Address.bare($0)) })
  }

  /// Gives up what the object no longer wants, asks for what it wants now, and tells what others hold.
  func settle(object: Int64, wanted: Set<Claim>) throws -> Settlement {
    var missing = wanted
    var settlement = Settlement()
    let current = try transaction.query(
      "SELECT attr, folded, held FROM claim WHERE mv = ?", [.integer(object)]
    ) { row in (space: try row[0] as String, folded: try row[1] as String, isHeld: try row[2] as Bool) }
    for row in current {
      guard let space = Claim.Space(rawValue: row.space) else { throw ConnectError.corrupt("a claim") }
      let claim = Claim(space, row.folded)
      if missing.remove(claim) == nil {
        try release(claim, object: object, wasHeld: row.isHeld)
      } else if !row.isHeld, let holder = try holder(of: claim) {
        settlement.lost.append(.init(claim: claim, holder: holder))
      }
    }
    for claim in missing {
      let holder = try holder(of: claim)
      try transaction.run(
        "INSERT INTO claim (attr, folded, mv, held) VALUES (?, ?, ?, ?)",
        [.text(claim.space.rawValue), .text(claim.folded), .integer(object), SQLValue(holder == nil)])
      if let holder { settlement.lost.append(.init(claim: claim, holder: holder)) }
    }
    return settlement
  }

  func release(object: Int64) throws {
    let held = try transaction.query(
      "SELECT attr, folded, held FROM claim WHERE mv = ?", [.integer(object)]
    ) { row in (space: try row[0] as String, folded: try row[1] as String, isHeld: try row[2] as Bool) }
    for row in held {
      guard let space = Claim.Space(rawValue: row.space) else { throw ConnectError.corrupt("a claim") }
      try release(Claim(space, row.folded), object: object, wasHeld: row.isHeld)
    }
  }

  private func holder(of claim: Claim) throws -> Int64? {
    try transaction.value(
      "SELECT mv FROM claim WHERE attr = ? AND folded = ? AND held = 1",
      [.text(claim.space.rawValue), .text(claim.folded)])
  }

  /// The next in line gets the value and is synchronised again.
  private func release(_ claim: Claim, object: Int64, wasHeld: Bool) throws {
    let value = [SQLValue.text(claim.space.rawValue), .text(claim.folded)]
    try transaction.run("DELETE FROM claim WHERE attr = ? AND folded = ? AND mv = ?", value + [.integer(object)])
    guard wasHeld,
      let next = try transaction.value(
        "SELECT MIN(mv) FROM claim WHERE attr = ? AND folded = ?", value, as: Int64?.self) ?? nil
    else { return }
    try transaction.run(
      "UPDATE claim SET held = 1 WHERE attr = ? AND folded = ? AND mv = ?", value + [.integer(next)])
    try transaction.run("UPDATE entry SET dirty = 1 WHERE mv = ?", [.integer(next)])
  }
}
