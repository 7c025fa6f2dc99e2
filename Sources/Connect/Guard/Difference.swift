// SPDX-License-Identifier: Apache-2.0

package import IdentityModel
import Store

/// What an export would do to one object.
package struct ObjectDifference: Sendable, Codable, Equatable {
  package enum Operation: String, Sendable, Codable { case create, update, delete }

  /// One attribute before and after; empty where there is no value.
  package struct Attribute: Sendable, Codable, Equatable {
    package var name: String
    package var before: [String]
    package var after: [String]
  }

  /// References that are added or removed, by the display name of the other end.
  package struct Link: Sendable, Codable, Equatable {
    package var name: String
    package var added: [String]
    package var removed: [String]
  }

  /// The target that it concerns.
  package var target: String
  package var operation: Operation
  package var kind: ObjectKind
  package var sourceAnchor: String
  /// The sign-in name or display name.
  package var name: String
  package var attributes: [Attribute]
  package var links: [Link]
  /// Whether it waits for a conflict to end or for its next try.
  package var isHeld: Bool
  /// Where the target gets another sign-in name than the directory's.
  package var replacedName: ReplacedName?
}

/// What an export would do, counted.
package struct PreviewSummary: Sendable, Codable, Equatable {
  package var creates = 0
  package var updates = 0
  package var deletes = 0
  package var linksAdded = 0
  package var linksRemoved = 0
  /// Why the guard would stop the export; nil when it would not.
  package var stopped: String?

  mutating func add(_ other: PreviewSummary) {
    creates += other.creates
    updates += other.updates
    deletes += other.deletes
    linksAdded += other.linksAdded
    linksRemoved += other.linksRemoved
  }

  package var isEmpty: Bool { creates + updates + deletes + linksAdded + linksRemoved == 0 }
}

/// Makes the pending export readable.
struct DifferenceReader {
  let transaction: any Transaction
  let target: TargetProfile

  private struct Row {
    var id: Int64
    var operation: PendingOperation?
    var isHeld: Bool
  }

  /// Hands over each object that differs, in the order of the metaverse. Links are named up to `linkLimit` a direction.
  func forEach(linkLimit: Int = 1_000, _ body: (ObjectDifference) -> Void) throws -> PreviewSummary {
    var summary = PreviewSummary()
    try transaction.forEach(
      """
      SELECT mv.id, pending.op, COALESCE(pending.state, 'ready') FROM mv
      LEFT JOIN pending ON pending.mv = mv.id AND pending.target = ?1
      WHERE pending.mv IS NOT NULL OR mv.id IN (SELECT owner FROM pending_link WHERE target = ?1)
      ORDER BY mv.id
      """, [.text(target.name)]
    ) { row in
      let item = Row(
        id: try row[0], operation: (try row[1] as String?).flatMap(PendingOperation.init(rawValue:)),
        isHeld: (try row[2] as String) == PendingState.held.rawValue)
      guard let difference = try read(item, linkLimit: linkLimit, summary: &summary) else { return }
      body(difference)
    }
    return summary
  }

  /// What an export would do to one object; nil when nothing.
  func read(_ object: Int64) throws -> ObjectDifference? {
    let pending = try transaction.first(
      "SELECT op, state FROM pending WHERE target = ? AND mv = ?", [.text(target.name), .integer(object)],
      { row in (operation: PendingOperation(rawValue: try row[0]), state: try row[1] as String) })
    var summary = PreviewSummary()
    let difference = try read(
      Row(id: object, operation: pending?.operation, isHeld: pending?.state == PendingState.held.rawValue),
      linkLimit: 100, summary: &summary)
    return pending == nil && difference?.links.isEmpty ?? true ? nil : difference
  }

  private func read(_ row: Row, linkLimit: Int, summary: inout PreviewSummary) throws -> ObjectDifference? {
    let object = try transaction.first(
      """
      SELECT mv.kind, mv.source_anchor, \(TargetForms.attributes(at: "?1")), remote.baseline FROM mv
      LEFT JOIN remote ON remote.mv = mv.id AND remote.target = ?1 WHERE mv.id = ?2
      """, [.text(target.name), .integer(row.id)],
      { row in
        (
          kind: ObjectKind(rawValue: try row[0]), anchor: try row[1] as String, desired: try row[2] as [UInt8],
          baseline: try row[3] as [UInt8]?
        )
      })
    guard let object, let kind = object.kind else { return nil }
    let desired = try Attributes(stored: object.desired)
    let baseline = try object.baseline.map { try Attributes(stored: $0) } ?? Attributes()
    let operation: ObjectDifference.Operation
    switch row.operation {
    case .create: operation = .create
    case .delete: operation = .delete
    default: operation = .update
    }
    let links = operation == .delete ? [] : try self.links(of: row.id, limit: linkLimit, summary: &summary)
    var attributes =
      operation == .delete
      ? []
      : target.difference(from: baseline, to: desired, kind: kind).storage.keys.sorted().map { name in
        ObjectDifference.Attribute(name: name, before: baseline.texts(name), after: desired.texts(name))
      }
    // What is written to the directory itself before the export.
    let source: String? = try transaction.value(
      "SELECT entry.source FROM anchor_write JOIN entry ON entry.id = anchor_write.entry WHERE anchor_write.mv = ?",
      [.integer(row.id)])
    if let source, operation != .delete {
      attributes.append(.init(name: "\(SourceAnchor.attribute) in \(source)", before: [], after: [object.anchor]))
    }
    switch operation {
    case .create: summary.creates += 1
    case .delete: summary.deletes += 1
    case .update where row.operation != nil: summary.updates += 1
    case .update: break
    }
    return ObjectDifference(
      target: target.name, operation: operation, kind: kind, sourceAnchor: object.anchor,
      name: Self.name(desired) ?? object.anchor,
      attributes: attributes, links: links, isHeld: row.isHeld,
      replacedName: try replacedName(of: row.id, kind, operation, attributes))
  }

  /// Told with what changes the name.
  private func replacedName(
    of object: Int64, _ kind: ObjectKind, _ operation: ObjectDifference.Operation,
    _ attributes: [ObjectDifference.Attribute]
  ) throws -> ReplacedName? {
    guard kind == .user, operation != .delete, attributes.contains(where: { $0.name == "userPrincipalName" }) else {
      return nil
    }
    return try ReplacedNames(transaction: transaction).read(of: object).first { $0.target == target.name }
  }

  private func links(of owner: Int64, limit: Int, summary: inout PreviewSummary) throws -> [ObjectDifference.Link] {
    var links: [String: ObjectDifference.Link] = [:]
    var (added, removed) = (0, 0)
    try transaction.forEach(
      """
      SELECT pending_link.attr, pending_link.op, mv.attrs FROM pending_link JOIN mv ON mv.id = pending_link.member
      WHERE pending_link.target = ? AND pending_link.owner = ?
      """, [.text(target.name), .integer(owner)]
    ) { row in
      let attribute: String = try row[0]
      let isAdded = (try row[1] as String) == PendingOperation.add.rawValue
      if isAdded { added += 1 } else { removed += 1 }
      guard (isAdded ? added : removed) <= limit else { return }
      let name = Self.name(try Attributes(stored: try row[2])) ?? ""
      var link = links[attribute] ?? ObjectDifference.Link(name: attribute, added: [], removed: [])
      if isAdded { link.added.append(name) } else { link.removed.append(name) }
      links[attribute] = link
    }
    summary.linksAdded += added
    summary.linksRemoved += removed
    return links.values.sorted { $0.name < $1.name }
  }

  /// What people call an object of the metaverse.
  static func name(of object: Int64, _ transaction: any Transaction) throws -> String {
    let row = try transaction.first(
      "SELECT attrs, source_anchor FROM mv WHERE id = ?", [.integer(object)],
      { row in (attributes: try row[0] as [UInt8], anchor: try row[1] as String) })
    guard let row else { return "" }
    return name(try Attributes(stored: row.attributes)) ?? row.anchor
  }

  static func name(_ attributes: Attributes) -> String? {
    attributes.text("userPrincipalName") ?? attributes.text("displayName")
  }
}
