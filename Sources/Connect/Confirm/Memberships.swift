// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// The groups that a target brought an object back to, which Connect had no part in.
struct Memberships {
  let transaction: any Transaction
  let target: TargetProfile
  let configuration: ConnectConfiguration

  private static let attribute = "members"

  /// - Parameter groups: the target's identifiers. Groups that are none of ours stay as they are.
  func found(_ groups: [String], of member: Int64) throws {
    let settlement = LinkSettlement(transaction: transaction, targets: [target], configuration: configuration)
    for group in groups {
      let owner: Int64? = try transaction.value(
        "SELECT mv FROM remote WHERE target = ? AND remote_id = ? AND adoption = 0", [.text(target.name), .text(group)])
      guard let owner else { continue }
      try transaction.run(
        "INSERT INTO remote_link (target, owner, attr, member) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [.text(target.name), .integer(owner), .text(Self.attribute), .integer(member)])
      try settlement.settle(owner: owner, attribute: Self.attribute, member: member, at: target)
    }
  }
}
