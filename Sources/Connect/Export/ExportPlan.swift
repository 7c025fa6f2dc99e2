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

/// How far a stage has come in a round. What is behind it is not taken again, whatever became of it: it waits for the next
/// round.
struct ExportCursor: Sendable {
  /// The last object that was taken.
  fileprivate(set) var last = Int64.min
  /// Objects behind it that have more references than one operation carries.
  fileprivate(set) var unfinished: [Int64] = []

  /// Leaves objects alone whose operation did not succeed.
  mutating func abandon(_ objects: Set<Int64>) { unfinished.removeAll { objects.contains($0) } }
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

  /// Members in one operation about one group.
  static let linksPerOperation = 500

  /// - Parameters:
  ///   - limit: operations; of references there may be fewer, when each carries many.
  ///   - cursor: moves behind what was taken.
  func next(
    _ stage: ExportStage, limit: Int, after cursor: inout ExportCursor, in transaction: any Transaction
  ) throws -> [PlannedOperation] {
    switch stage {
    case .individuals: try objects(target.individuals, deletions: false, limit, &cursor, transaction)
    case .groups: try objects([.group], deletions: false, limit, &cursor, transaction)
    case .links: try links(limit, &cursor, transaction)
    case .deletions: try objects([.group] + target.individuals, deletions: true, limit, &cursor, transaction)
    }
  }

  // MARK: Objects

  private struct Row {
    var object: Int64
    var kind: ObjectKind
    var operation: PendingOperation
    var revision: Int64
    var anchor: String
    var desired: [UInt8]
    var id: String?
    var baseline: [UInt8]?
    var adoption: Adoption
  }

  private func objects(
    _ kinds: [ObjectKind], deletions: Bool, _ limit: Int, _ cursor: inout ExportCursor, _ transaction: any Transaction
  ) throws -> [PlannedOperation] {
    while true {
      let rows = try rows(kinds, deletions: deletions, limit, after: cursor.last, transaction)
      guard let last = rows.last else { return [] }
      cursor.last = last.object
      let planned = try rows.compactMap { try plan($0, transaction) }
      // Where all that was found turned out to need nothing, there may be more behind it.
      if !planned.isEmpty { return planned }
    }
  }

  private func rows(
    _ kinds: [ObjectKind], deletions: Bool, _ limit: Int, after last: Int64, _ transaction: any Transaction
  ) throws -> [Row] {
    let names = kinds.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    return try transaction.query(
      """
      SELECT pending.mv, mv.kind, pending.op, pending.revision, mv.source_anchor, \(TargetForms.attributes(at: "?1")),
        remote.remote_id, remote.baseline, COALESCE(remote.adoption, 0)
      FROM pending JOIN mv ON mv.id = pending.mv
      LEFT JOIN remote ON remote.target = pending.target AND remote.mv = pending.mv
      WHERE pending.target = ?1 AND pending.mv > ?2 AND pending.state = 'ready' AND (pending.op = 'delete') = ?3
        AND mv.kind IN (\(names)) AND pending.sent IS NULL
        AND (?3 OR NOT EXISTS (SELECT 1 FROM anchor_write WHERE anchor_write.mv = pending.mv))
      ORDER BY pending.mv LIMIT ?4
      """,
      [.text(target.name), .integer(last), SQLValue(deletions), .integer(Int64(limit))]
    ) { row in
      let object: Int64 = try row[0]
      return Row(
        object: object, kind: try row.kind(1), operation: try row.word(2, "pending.op", of: object),
        revision: try row[3], anchor: try row[4], desired: try row[5], id: try row[6], baseline: try row[7],
        adoption: try row.word(8, "remote.adoption", of: object))
    }
  }

  /// - Returns: nil where nothing is left to do, which the pending export then forgets.
  private func plan(_ row: Row, _ transaction: any Transaction) throws -> PlannedOperation? {
    let kind = row.kind
    let desired = target.representable(try Attributes(stored: row.desired), kind: kind)
    let operation: ExportOperation
    switch (row.operation, row.id) {
    case (.delete, let id?): operation = .delete(kind, id: id)
    case (.delete, nil):
      // The target never had it.
      try Metaverse.release(object: row.object, from: target.name, in: transaction)
      return nil
    case (_, let id?):
      let baseline = try row.baseline.map { try Attributes(stored: $0) } ?? Attributes()
      let changes = target.difference(from: baseline, to: desired, kind: kind)
      if changes.isEmpty, row.adoption == .none {
        try PendingQueue.drop(row.object, at: target.name, in: transaction)
        return nil
      }
      operation =
        row.adoption == .none
        ? .update(kind, id: id, changes: changes, attributes: desired)
        : .adopt(
          kind, id: id, sourceAnchor: row.anchor, isDeleted: row.adoption == .restore, changes: changes,
          attributes: desired)
    case (_, nil): operation = .create(kind, sourceAnchor: row.anchor, attributes: desired)
    }
    try transaction.run(
      "UPDATE pending SET sent = revision WHERE target = ? AND mv = ?", [.text(target.name), .integer(row.object)])
    return PlannedOperation(
      object: row.object, kind: kind, sourceAnchor: row.anchor, revision: row.revision, desired: desired,
      operation: operation)
  }

  // MARK: References

  /// One operation an object: a service may apply two in any order.
  private func links(
    _ limit: Int, _ cursor: inout ExportCursor, _ transaction: any Transaction
  ) throws -> [PlannedOperation] {
    var planned: [PlannedOperation] = []
    var carried = 0
    func take(_ owner: Int64) throws {
      guard let (operation, isMore) = try link(owner, transaction) else { return }
      planned.append(operation)
      carried += operation.links.count
      if isMore { cursor.unfinished.append(owner) }
    }
    let unfinished = cursor.unfinished
    cursor.unfinished = []
    for owner in unfinished { try take(owner) }
    while planned.count < limit, carried < limit * Self.linksPerOperation / 10,
      let owner = try nextOwner(after: cursor.last, transaction)
    {
      cursor.last = owner
      try take(owner)
    }
    return planned
  }

  /// Only references whose both ends the target has; the others wait for theirs.
  private static let ready = """
    FROM pending_link AS p JOIN remote AS o ON o.target = p.target AND o.mv = p.owner AND o.adoption = 0
    JOIN remote AS m ON m.target = p.target AND m.mv = p.member AND m.adoption = 0
    WHERE p.target = ?1 AND p.state = 'ready' AND p.sent IS NULL
    """

  private func nextOwner(after last: Int64, _ transaction: any Transaction) throws -> Int64? {
    try transaction.value(
      "SELECT p.owner \(Self.ready) AND p.owner > ?2 ORDER BY p.owner LIMIT 1", [.text(target.name), .integer(last)])
  }

  private func link(
    _ owner: Int64, _ transaction: any Transaction
  ) throws -> (PlannedOperation, isMore: Bool)? {
    let rows = try transaction.query(
      """
      SELECT p.attr, p.member, p.op, p.revision, m.remote_id, mv.kind
      FROM pending_link AS p JOIN remote AS m ON m.target = p.target AND m.mv = p.member AND m.adoption = 0
      JOIN mv ON mv.id = p.member
      WHERE p.target = ?1 AND p.owner = ?2 AND p.state = 'ready' AND p.sent IS NULL
      ORDER BY p.attr, p.member LIMIT ?3
      """,
      [.text(target.name), .integer(owner), .integer(Int64(Self.linksPerOperation + 1))]
    ) { row in
      (
        attribute: try row[0] as String,
        link: PlannedLink(
          member: try row[1], operation: try row.word(2, "pending_link.op", of: owner), revision: try row[3]),
        remote: LinkedObject(try row.kind(5), id: try row[4])
      )
    }
    guard let attribute = rows.first?.attribute else { return nil }
    let taken = rows.prefix(Self.linksPerOperation).prefix { $0.attribute == attribute }
    let holder = try transaction.first(
      """
      SELECT mv.kind, mv.source_anchor, remote.remote_id FROM mv JOIN remote ON remote.mv = mv.id
      WHERE mv.id = ?2 AND remote.target = ?1 AND remote.adoption = 0
      """, [.text(target.name), .integer(owner)]
    ) { row in (kind: try row.kind(0), anchor: try row[1] as String, id: try row[2] as String) }
    guard let holder else { return nil }
    try transaction.run(
      "UPDATE pending_link SET sent = revision WHERE target = ? AND owner = ? AND attr = ? AND member = ?",
      rows: taken.map { [.text(target.name), .integer(owner), .text(attribute), .integer($0.link.member)] })
    let operation = PlannedOperation(
      object: owner, kind: holder.kind, sourceAnchor: holder.anchor, revision: 0, links: taken.map(\.link),
      attribute: attribute,
      operation: .link(
        holder.kind, id: holder.id, attribute: attribute,
        add: taken.filter { $0.link.operation == .add }.map(\.remote),
        remove: taken.filter { $0.link.operation == .remove }.map(\.remote)))
    return (operation, isMore: taken.count < rows.count)
  }
}
