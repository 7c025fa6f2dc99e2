// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import SynchronisationRules
import Wire

/// Finds the object of an entry: the one it has, the one of its source anchor, the one that the join rules lead to, or a
/// new one. The first source anchor of an object is kept for its life.
struct Joining {
  let transaction: any Transaction
  let rules: JoinRules
  let keys: JoinKeys
  let quarantine: Quarantine
  /// The sources to which anchors are written back.
  let anchorSources: Set<String>

  /// - Parameters:
  ///   - evaluation: what the rules say of the entry.
  ///   - onlyJoins: whether it makes no object of its own.
  /// - Returns: nil when the entry has to wait; otherwise its object, and whether it was connected now.
  func join(
    _ entry: ConnectorEntry, _ attributes: Attributes, _ evaluation: Evaluation, onlyJoins: Bool
  ) throws -> (Metaverse.Object, isNew: Bool)? {
    if let id = entry.mv, let object = try Metaverse.Object.find("id = ?", .integer(id), in: transaction) {
      guard object.isOutside else {
        try checkAnchor(of: object, entry, attributes)
        return (object, false)
      }
      try OutsideObjects.dissolve(id, in: transaction)
    }
    let candidates = try self.candidates(for: entry, attributes, evaluation)
    if onlyJoins {
      return try joinOne(of: candidates, entry).map { ($0, true) }
    }
    let anchor = SourceAnchor.of(entry.anchor, kind: entry.kind, attributes: attributes)
    var known = try Metaverse.Object.find("source_anchor = ?", .text(anchor), in: transaction)
    if let object = known, object.isOutside {
      try OutsideObjects.dissolve(object.id, in: transaction)
      known = nil
    }
    if let object = known {
      let holder = object.isGone ? nil : try self.holder(of: object.id, except: entry.id)
      guard let holder else { return (try takeOver(object, entry), true) }
      if candidates.map(\.object) != [object.id] {
        try quarantine.put(
          entry: entry.id, mv: nil, .duplicateAnchor,
          "The source anchor \(anchor) belongs to another object, \(holder.name) (\(holder.source)).", other: object.id)
        return nil
      }
    }
    try quarantine.remove(entry: entry.id, .duplicateAnchor)
    if !candidates.isEmpty { return try joinOne(of: candidates, entry).map { ($0, true) } }
    try quarantine.remove(entry: entry.id, .ambiguousJoin)
    return (try create(entry, anchor, attributes, evaluation.kind ?? entry.kind), true)
  }

  /// A contact never stands in the way of its own forest's user, nor waits for anybody: it is then an object of its own.
  func candidates(
    for entry: ConnectorEntry, _ attributes: Attributes, _ evaluation: Evaluation
  ) throws -> [JoinKeys.Candidate] {
    let candidates = try keys.candidates(for: entry, attributes, evaluation)
    guard entry.kind == .contact else { return candidates }
    let free = try candidates.filter { try holder(of: $0.object, except: entry.id, source: entry.source) == nil }
    return free.count == 1 ? free : []
  }

  // MARK: Ways to an object

  /// The one candidate there is; several are an error that names them.
  private func joinOne(of candidates: [JoinKeys.Candidate], _ entry: ConnectorEntry) throws -> Metaverse.Object? {
    var rivals = candidates
    if let only = candidates.first, candidates.count == 1 {
      // Each forest has one entry of a user; a foreign security principal stands in each of its domains.
      let sibling =
        entry.kind == .foreign
        ? nil
        : try holder(of: only.object, except: entry.id, source: entry.source, countsContacts: entry.kind != .user)
      guard let sibling else {
        try quarantine.remove(entry: entry.id, .ambiguousJoin)
        try connect(entry, to: only.object)
        return try Metaverse.Object.find("id = ?", .integer(only.object), in: transaction)
      }
      rivals.append(
        .init(object: only.object, entry: sibling.entry, source: sibling.source, name: sibling.name))
    }
    guard let first = rivals.first else {
      try quarantine.remove(entry: entry.id, .ambiguousJoin)
      return nil
    }
    try quarantine.put(
      entry: entry.id, mv: nil, .ambiguousJoin,
      "It could be joined in more than one way: "
        + rivals.map { "\($0.name) (\($0.source))" }.sorted().joined(separator: "; ") + ".", other: first.object)
    return nil
  }

  /// The object goes on under another entry; the former ones are left to be looked at.
  private func takeOver(_ object: Metaverse.Object, _ entry: ConnectorEntry) throws -> Metaverse.Object {
    try dismissOthers(than: entry.id, of: object.id)
    try connect(entry, to: object.id)
    try transaction.run(
      "UPDATE mv SET anchor_entry = ? WHERE id = ?", [.integer(entry.id), .integer(object.id)])
    try PasswordLooks.note(object.id, in: transaction)
    try quarantine.remove(entry: entry.id, .duplicateAnchor)
    var object = object
    object.anchorEntry = entry.id
    object.isGone = true
    return object
  }

  private func create(
    _ entry: ConnectorEntry, _ anchor: String, _ attributes: Attributes, _ kind: ObjectKind
  ) throws -> Metaverse.Object {
    let needsAnchor =
      entry.kind == .user && anchorSources.contains(entry.source)
      && attributes[SourceAnchor.attribute.lowercased()].isEmpty
    let empty = Attributes().encoded()
    let id: Int64? = try transaction.value(
      "INSERT INTO mv (kind, source_anchor, anchor_entry, attrs) VALUES (?, ?, ?, ?) RETURNING id",
      [.text(kind.rawValue), .text(anchor), .integer(entry.id), .blob(empty)])
    guard let id else { throw ConnectError.corrupt("an object without an identifier") }
    try connect(entry, to: id)
    if needsAnchor {
      try transaction.run(
        "INSERT INTO anchor_write (entry, mv, anchor) VALUES (?, ?, ?)",
        [.integer(entry.id), .integer(id), .blob(entry.anchor.bytes)])
    }
    return Metaverse.Object(
      id: id, kind: kind, sourceAnchor: anchor, anchorEntry: entry.id, nickname: nil, attributes: empty,
      isGone: false)
  }

  private func connect(_ entry: ConnectorEntry, to object: Int64) throws {
    try transaction.run("UPDATE entry SET mv = ? WHERE id = ?", [.integer(object), .integer(entry.id)])
  }

  /// Entries that a gone object still had: they left it before and are looked at on their own.
  func dismissOthers(than entry: Int64, of object: Int64) throws {
    try transaction.run(
      "UPDATE entry SET mv = NULL, dirty = 1 WHERE mv = ? AND id <> ?", [.integer(object), .integer(entry)])
  }

  // MARK: Checks

  /// - Parameter countsContacts: a contact may stand for a user beside an entry of its forest.
  private func holder(
    of object: Int64, except entry: Int64, source: String? = nil, countsContacts: Bool = true
  ) throws -> (entry: Int64, source: String, name: String)? {
    try transaction.first(
      """
      SELECT id, source, dn FROM entry WHERE mv = ?1 AND deleted = 0 AND id <> ?2 AND kind <> 'foreign'
        AND (?3 IS NULL OR source = ?3) AND (?4 OR kind <> 'contact') ORDER BY id
      """, [.integer(object), .integer(entry), SQLValue(source), SQLValue(countsContacts)],
      { row in (entry: try row[0], source: try row[1], name: try row[2]) })
  }

  /// The entry that gave an object its anchor may not name another one afterwards.
  private func checkAnchor(
    of object: Metaverse.Object, _ entry: ConnectorEntry, _ attributes: Attributes
  ) throws {
    guard object.anchorEntry == entry.id, entry.kind == .user else { return }
    let anchor = SourceAnchor.of(entry.anchor, kind: entry.kind, attributes: attributes)
    let isWritten = !attributes[SourceAnchor.attribute.lowercased()].isEmpty
    if isWritten, anchor == object.sourceAnchor {
      // Also where nobody lived to note that it was written.
      try transaction.run("DELETE FROM anchor_write WHERE entry = ?", [.integer(entry.id)])
      try quarantine.remove(entry: entry.id, .anchorNotWritten)
    }
    if anchor == object.sourceAnchor || !isWritten {
      return try quarantine.remove(entry: entry.id, .anchorChanged)
    }
    try transaction.run("DELETE FROM anchor_write WHERE entry = ?", [.integer(entry.id)])
    let holder = try Metaverse.Object.find("source_anchor = ?", .text(anchor), in: transaction)
    let name: String? = try holder.flatMap { try self.holder(of: $0.id, except: entry.id)?.name }
    try quarantine.put(
      entry: entry.id, mv: object.id, .anchorChanged,
      "\(SourceAnchor.attribute) names the source anchor \(anchor)" + (name.map { " of \($0)" } ?? "")
        + "; the object keeps its first one, \(object.sourceAnchor).", other: holder?.id)
  }
}
