// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// The `cleared` table: attributes that objects had at a target and have no more, until the target has been told. What an
/// object is differs between targets of different domains.
///
/// A right that was taken away for one unit looks as if somebody had cleared an attribute there. Where everybody below a
/// unit whose values change loses an attribute at once, the guard takes it for that. What the administrator's own new
/// rules take away is not noted.
struct ClearedValues {
  let transaction: any Transaction

  // MARK: What objects lose

  /// - Parameters:
  ///   - before: what the object had at the target.
  ///   - after: what it has there by the rules now.
  func note(_ object: Int64, at target: String, before: Attributes, after: Attributes) throws {
    var noted = Set(
      try transaction.query(
        "SELECT attr FROM cleared WHERE target = ? AND mv = ?", [.text(target), .integer(object)]
      ) { row in try row[0] as String })
    for name in noted where !after[name].isEmpty {
      try transaction.run(
        "DELETE FROM cleared WHERE target = ? AND mv = ? AND attr = ?", [.text(target), .integer(object), .text(name)])
    }
    noted.formUnion(after.names)
    for name in before.names where !noted.contains(name) {
      try transaction.run(
        "INSERT INTO cleared (target, mv, attr) VALUES (?, ?, ?)", [.text(target), .integer(object), .text(name)])
    }
  }

  /// What a target has been told is no news any more.
  func forgetDone() throws {
    try transaction.run(
      """
      DELETE FROM cleared WHERE NOT EXISTS (
        SELECT 1 FROM pending WHERE pending.target = cleared.target AND pending.mv = cleared.mv
          AND pending.op = 'update')
      """)
  }

  // MARK: What the guard makes of it

  /// What nobody approved: object, attribute, source anchor. `?1` is the target.
  static let pending = """
    SELECT cleared.mv AS object, cleared.attr AS attr, mv.source_anchor AS anchor
    FROM cleared JOIN mv ON mv.id = cleared.mv AND mv.gone = 0
      JOIN pending ON pending.target = ?1 AND pending.mv = cleared.mv AND pending.op = 'update'
    WHERE cleared.target = ?1 AND NOT EXISTS (
      SELECT 1 FROM approved WHERE approved.target = ?1 AND approved.mv = cleared.mv AND approved.member = \(approval))
    """

  /// In place of a member in the `approved` table.
  static let approval = -1

  private struct Loss: Hashable {
    var attribute: String
    var unit: [UInt8]
  }

  /// Attributes that at least `limit` objects below a unit lose, and that none of those that change there keeps: for each
  /// the unit that is nearest to them all.
  ///
  /// - Parameter attributes: those that rules give; what no rule gives any more was meant to go.
  func excess(_ target: String, limit: Int, attributes: Set<String>) throws -> [GuardFinding.Clearing] {
    let count: Int =
      try transaction.value("SELECT COUNT(*) FROM (\(Self.pending))", [.text(target)]) ?? 0
    guard count >= limit else { return [] }
    var units = Units(transaction: transaction)
    var lost: [Loss: Int] = [:]
    var lose: [Int64: Set<String>] = [:]
    try transaction.forEach("SELECT object, attr FROM (\(Self.pending))", [.text(target)]) { row in
      let (object, attribute): (Int64, String) = (try row[0], try row[1])
      guard attributes.contains(attribute) else { return }
      lose[object, default: []].insert(attribute)
      for unit in try units.above(object) { lost[Loss(attribute: attribute, unit: unit), default: 0] += 1 }
    }
    lost = lost.filter { $0.value >= limit }
    if lost.isEmpty { return [] }
    let names = Set(lost.keys.map(\.attribute))
    try transaction.forEach(
      """
      SELECT mv.id, \(TargetForms.attributes(at: "?1")) FROM pending JOIN mv ON mv.id = pending.mv AND mv.gone = 0
      WHERE pending.target = ?1 AND pending.op = 'update'
      """, [.text(target)]
    ) { row in
      let (object, attributes): (Int64, Attributes) = (try row[0], try Attributes(stored: try row[1]))
      for name in names where !attributes[name].isEmpty {
        for unit in try units.above(object) { lost[Loss(attribute: name, unit: unit)] = nil }
      }
    }
    return try nearest(lost, &units)
  }

  /// Of units above each other that lose the same, the lowest one.
  private func nearest(_ lost: [Loss: Int], _ units: inout Units) throws -> [GuardFinding.Clearing] {
    var result: [GuardFinding.Clearing] = []
    for (loss, count) in lost {
      var isCovered = false
      for (other, same) in lost
      where other.attribute == loss.attribute && other.unit != loss.unit && same == count {
        isCovered = try isCovered || units.path(from: other.unit).contains(loss.unit)
      }
      if !isCovered {
        result.append(.init(attribute: loss.attribute, unit: try units.name(loss.unit), count: count))
      }
    }
    return result.sorted { ($0.attribute, $0.unit) < ($1.attribute, $1.unit) }
  }
}

/// The units above objects, each looked up once.
private struct Units {
  let transaction: any Transaction
  private var paths: [[UInt8]: [[UInt8]]] = [:]

  /// Deeper trees do not occur; the limit ends a cycle.
  private static let maximumDepth = 128

  init(transaction: any Transaction) { self.transaction = transaction }

  /// Of the object's first entry.
  mutating func above(_ object: Int64) throws -> [[UInt8]] {
    let parent: [UInt8]? =
      try transaction.value(
        "SELECT parent FROM entry WHERE mv = ? AND deleted = 0 ORDER BY id LIMIT 1", [.integer(object)],
        as: [UInt8]?.self) ?? nil
    return try parent.map { try path(from: $0) } ?? []
  }

  /// A unit and those above it.
  mutating func path(from unit: [UInt8]) throws -> [[UInt8]] {
    if let known = paths[unit] { return known }
    var (path, current): ([[UInt8]], [UInt8]?) = ([], unit)
    while let unit = current, path.count < Self.maximumDepth {
      path.append(unit)
      current =
        try transaction.value("SELECT parent FROM entry WHERE anchor = ? LIMIT 1", [.blob(unit)], as: [UInt8]?.self)
        ?? nil
    }
    paths[unit] = path
    return path
  }

  func name(_ unit: [UInt8]) throws -> String {
    try transaction.value("SELECT dn FROM entry WHERE anchor = ? LIMIT 1", [.blob(unit)]) ?? "a unit that is not known"
  }
}
