// SPDX-License-Identifier: Apache-2.0

import SCIM
import Store

/// Members that were really added or removed.
struct MemberChange {
  var added: [String] = []
  var removed: [String] = []

  var isEmpty: Bool { added.isEmpty && removed.isEmpty }

  /// The audit log names so many members one by one.
  static let named = 50

  static func + (left: MemberChange, right: MemberChange) -> MemberChange {
    MemberChange(added: left.added + right.added, removed: left.removed + right.removed)
  }

  /// The summary of a change with the members that came and went.
  func noted(in attributes: JSONObject) -> JSONObject {
    var attributes = attributes
    var members = JSONObject()
    for (name, ids) in [("added", added), ("removed", removed)] where !ids.isEmpty {
      members[name] = .array(ids.prefix(Self.named).map(JSONValue.string))
      if ids.count > Self.named { members["\(name)Count"] = .integer(Int64(ids.count)) }
    }
    if !members.isEmpty { attributes["members"] = .object(members) }
    return attributes
  }
}

/// The members of one group. Adding or removing one member touches its row alone and reads no other.
struct MemberTable {
  let transaction: any Transaction
  let group: StoredResource

  /// Members that are there already stay as they are.
  ///
  /// - Throws: `SCIMError` `invalidValue` naming the first id that is no live resource, or the group itself.
  func add(_ ids: [String]) throws -> MemberChange {
    var change = MemberChange()
    for id in ids {
      let inserted = try transaction.run(
        """
        INSERT INTO member (owner, member) SELECT ?, seq FROM resource WHERE id = ? AND deleted IS NULL AND seq <> ?
        ON CONFLICT DO NOTHING
        """, [.integer(group.sequence), .text(id), .integer(group.sequence)])
      if inserted == 1 {
        change.added.append(id)
      } else if try !contains(id) {
        throw SCIMError.invalidValue(
          id == group.id ? "The group \(id) cannot be its own member." : "The member \(id.prefix(64)) does not exist.")
      }
    }
    return change
  }

  /// Ids that are no members are ignored.
  func remove(_ ids: [String]) throws -> MemberChange {
    var change = MemberChange()
    for id in ids {
      let deleted = try transaction.run(
        "DELETE FROM member WHERE owner = ? AND member = (SELECT seq FROM resource WHERE id = ?)",
        [.integer(group.sequence), .text(id)])
      if deleted == 1 { change.removed.append(id) }
    }
    return change
  }

  /// Exactly these are members afterwards; only rows that differ are touched.
  func replace(_ ids: [String]) throws -> MemberChange {
    let wanted = Set(ids)
    return try remove(members().map(\.value).filter { !wanted.contains($0) }) + add(ids)
  }

  /// All live members.
  func members() throws -> [GroupMember] {
    try transaction.query(
      """
      SELECT r.id, r.kind FROM member m JOIN resource r ON r.seq = m.member WHERE m.owner = ? AND r.deleted IS NULL
      ORDER BY m.member
      """, [.integer(group.sequence)]
    ) { row in GroupMember(try row[0], type: ResourceKind(rawValue: try row[1])?.name) }
  }

  private func contains(_ id: String) throws -> Bool {
    try transaction.value(
      """
      SELECT 1 FROM member m JOIN resource r ON r.seq = m.member
      WHERE m.owner = ? AND r.id = ? AND r.deleted IS NULL
      """, [.integer(group.sequence), .text(id)], as: Int.self) != nil
  }
}
