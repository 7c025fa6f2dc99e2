// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// The order of an export: what others refer to exists before the reference, and a reference goes before its object.
enum ExportStage: CaseIterable, Sendable {
  case individuals, groups, links, deletions
}

/// One operation taken from the pending export, with the revision that its result may clear.
struct PlannedOperation: Sendable {
  /// The metaverse object that the operation is about.
  var object: Int64
  var kind: ObjectKind
  var sourceAnchor: String
  var revision: Int64
  /// The links of a ``ExportOperation/link(_:id:attribute:add:remove:)``.
  var links: [PlannedLink] = []
  var attribute = ""
  /// What the object shall have.
  var desired = Attributes()
  var operation: ExportOperation
}

struct PlannedLink: Sendable {
  var member: Int64
  var operation: PendingOperation
  var revision: Int64
}

/// Takes the next operations of a stage from the pending export and marks them as sent, in one transaction that is on
/// disk before the first byte leaves.
struct ExportPlan: Sendable {
  let target: TargetProfile

  /// Members in one request about one group.
  static let linksPerOperation = 500

  /// - Parameter skipping: objects that were already tried in this round.
  func next(
    _ stage: ExportStage, limit: Int, skipping: Set<Int64>, in transaction: any Transaction
  ) throws -> [PlannedOperation] {
    switch stage {
    case .individuals: try objects(target.individuals, deletions: false, limit, skipping, transaction)
    case .groups: try objects([.group], deletions: false, limit, skipping, transaction)
    case .links: try links(limit, skipping, transaction)
    case .deletions: try objects([.group] + target.individuals, deletions: true, limit, skipping, transaction)
    }
  }

  private func objects(
    _ kinds: [ObjectKind], deletions: Bool, _ limit: Int, _ skipping: Set<Int64>, _ transaction: any Transaction
  ) throws -> [PlannedOperation] {
    try kinds.flatMap { try objects($0, deletions: deletions, limit, skipping, transaction) }
  }

  private func objects(
    _ kind: ObjectKind, deletions: Bool, _ limit: Int, _ skipping: Set<Int64>, _ transaction: any Transaction
  ) throws -> [PlannedOperation] {
    while true {
      let (planned, dropped) = try someObjects(kind, deletions: deletions, limit, skipping, transaction)
      // Where all that was found turned out to need nothing, there may be more behind it.
      if !planned.isEmpty || dropped == 0 { return planned }
    }
  }

  /// - Returns: also how many operations were dropped because they have become needless.
  private func someObjects(
    _ kind: ObjectKind, deletions: Bool, _ limit: Int, _ skipping: Set<Int64>, _ transaction: any Transaction
  ) throws -> ([PlannedOperation], dropped: Int) {
    let rows = try transaction.query(
      """
      SELECT pending.mv, pending.op, pending.revision, mv.source_anchor, \(TargetForms.attributes(at: "?1")),
        remote.remote_id, remote.baseline,
        COALESCE(remote.adoption, 0)
      FROM pending JOIN mv ON mv.id = pending.mv
      LEFT JOIN remote ON remote.target = pending.target AND remote.mv = pending.mv
      WHERE pending.target = ?1 AND pending.state = 'ready' AND (pending.op = 'delete') = ?2 AND mv.kind = ?3
        AND pending.sent IS NULL
        AND (?2 OR NOT EXISTS (SELECT 1 FROM anchor_write WHERE anchor_write.mv = pending.mv))
      ORDER BY pending.mv LIMIT ?4
      """,
      [.text(target.name), SQLValue(deletions), .text(kind.rawValue), .integer(Int64(limit + skipping.count))]
    ) { row in
      (
        object: try row[0] as Int64, operation: try row[1] as String, revision: try row[2] as Int64,
        anchor: try row[3] as String, desired: try row[4] as [UInt8], id: try row[5] as String?,
        baseline: try row[6] as [UInt8]?, adoption: Adoption(rawValue: try row[7]) ?? .none
      )
    }
    var planned: [PlannedOperation] = []
    var dropped = 0
    for row in rows where !skipping.contains(row.object) && planned.count < limit {
      let desired = target.representable(try Attributes(stored: row.desired), kind: kind)
      let operation: ExportOperation
      switch (PendingOperation(rawValue: row.operation), row.id) {
      case (.delete?, let id?): operation = .delete(kind, id: id)
      case (.delete?, nil):
        // The target never had it.
        try Metaverse.release(object: row.object, from: target.name, in: transaction)
        dropped += 1
        continue
      case (_, let id?):
        let baseline = try row.baseline.map { try Attributes(stored: $0) } ?? Attributes()
        let changes = target.difference(from: baseline, to: desired, kind: kind)
        if changes.isEmpty, row.adoption == .none {
          try transaction.run(
            "DELETE FROM pending WHERE target = ? AND mv = ?", [.text(target.name), .integer(row.object)])
          dropped += 1
          continue
        }
        operation =
          row.adoption == .none
          ? .update(kind, id: id, changes: changes, attributes: desired)
          : .adopt(
            kind, id: id, sourceAnchor: row.anchor, isDeleted: row.adoption == .restore, changes: changes,
            attributes: desired)
      case (_, nil): operation = .create(kind, sourceAnchor: row.anchor, attributes: desired)
      }
      planned.append(
        PlannedOperation(
          object: row.object, kind: kind, sourceAnchor: row.anchor, revision: row.revision, desired: desired,
          operation: operation))
      try transaction.run(
        "UPDATE pending SET sent = revision WHERE target = ? AND mv = ?", [.text(target.name), .integer(row.object)])
    }
    return (planned, dropped)
  }

  private func links(
    _ limit: Int, _ skipping: Set<Int64>, _ transaction: any Transaction
  ) throws -> [PlannedOperation] {
    // Only references whose both ends the target has; the others wait for theirs.
    let ready = """
      FROM pending_link AS p JOIN remote AS o ON o.target = p.target AND o.mv = p.owner AND o.adoption = 0
      JOIN remote AS m ON m.target = p.target AND m.mv = p.member AND m.adoption = 0
      WHERE p.target = ?1 AND p.state = 'ready' AND p.sent IS NULL
      """
    let owners = try transaction.query(
      """
      SELECT DISTINCT p.owner, p.attr, o.remote_id, mv.kind, mv.source_anchor
      FROM pending_link AS p JOIN remote AS o ON o.target = p.target AND o.mv = p.owner AND o.adoption = 0
      JOIN remote AS m ON m.target = p.target AND m.mv = p.member AND m.adoption = 0 JOIN mv ON mv.id = p.owner
      WHERE p.target = ?1 AND p.state = 'ready' AND p.sent IS NULL ORDER BY p.owner LIMIT ?2
      """, [.text(target.name), .integer(Int64(limit + skipping.count))]
    ) { row in
      (
        object: try row[0] as Int64, attribute: try row[1] as String, id: try row[2] as String,
        kind: ObjectKind(rawValue: try row[3]), anchor: try row[4] as String
      )
    }
    var planned: [PlannedOperation] = []
    var taken: Set<Int64> = []
    for owner in owners where !skipping.contains(owner.object) && planned.count < limit {
      // One operation an object at a time: a service may apply two in any order.
      guard let kind = owner.kind, taken.insert(owner.object).inserted else { continue }
      let rows = try transaction.query(
        """
        SELECT p.member, p.op, p.revision, m.remote_id, (SELECT kind FROM mv WHERE id = p.member) \(ready)
          AND p.owner = ?2 AND p.attr = ?3 ORDER BY p.member LIMIT ?4
        """,
        [.text(target.name), .integer(owner.object), .text(owner.attribute), .integer(Int64(Self.linksPerOperation))]
      ) { row in
        (
          link: PlannedLink(
            member: try row[0], operation: PendingOperation(rawValue: try row[1]) ?? .add, revision: try row[2]),
          remote: LinkedObject(ObjectKind(rawValue: try row[4]) ?? .user, id: try row[3])
        )
      }
      for row in rows {
        try transaction.run(
          "UPDATE pending_link SET sent = revision WHERE target = ? AND owner = ? AND attr = ? AND member = ?",
          [.text(target.name), .integer(owner.object), .text(owner.attribute), .integer(row.link.member)])
      }
      planned.append(
        PlannedOperation(
          object: owner.object, kind: kind, sourceAnchor: owner.anchor, revision: 0, links: rows.map(\.link),
          attribute: owner.attribute,
          operation: .link(
            kind, id: owner.id, attribute: owner.attribute,
            add: rows.filter { $0.link.operation == .add }.map(\.remote),
            remove: rows.filter { $0.link.operation == .remove }.map(\.remote))))
    }
    return planned
  }
}
