// SPDX-License-Identifier: Apache-2.0

import SCIM
import Store

extension ResourceWriter {
  /// PATCH (RFC 7644 3.5.2). A group's members are changed in their table, without reading the others.
  func patch(_ stored: StoredResource, _ request: PatchRequest) throws -> StoredResource {
    var request = request
    var members = MemberChange()
    if stored.kind == .group {
      let plan = try PatchPlan(request, for: stored.kind.definition)
      for change in plan.memberChanges { members = members + (try apply(change, to: stored)) }
      request = plan.remainder
    }
    guard !request.operations.isEmpty else { return try update(stored, stored.attributes, members, .patch) }
    let patched = try PatchApplier(stored.kind.definition).apply(request, to: stored.resource(base: ""))
    return try update(stored, StoredResource.storable(patched), members, .patch)
  }

  private func apply(_ change: GroupMemberChange, to group: StoredResource) throws -> MemberChange {
    let table = MemberTable(transaction: transaction, group: group)
    switch change {
    case .add(let members): return try table.add(members.map(\.value))
    case .remove(let ids): return try table.remove(ids)
    case .removeMatching(let selection): return try table.remove(table.members().filter(selection.matches).map(\.value))
    case .replaceAll(let members): return try table.replace(members.map(\.value))
    }
  }
}
