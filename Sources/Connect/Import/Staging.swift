// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import SynchronisationRules
import Wire

/// Writes what a source said into the connector space and marks what has to be synchronised for it.
struct Staging: Sendable {
  let source: String
  /// The `watermark` row of the partition.
  let partition: Int64
  let generation: Int64
  /// The source had no entries when the reading began: what comes is most likely new.
  var isFirstLoad = false
  /// What the rules look at in distinguished names.
  var names = NameDependence()
  /// Keeps what a full reading does not bring any more until it is clear why.
  var watch: AttributeWatch?
  /// Changes are told, and what has not changed is not: who refers to an entry that comes back neither.
  var isDelta = false
  /// The changes are of single entries that were read again, with who refers to them.
  var isRereading = false
  /// What is done about values that a complete change lacks and the entry had.
  var losses = Losses.believed

  /// Names of attributes without which a new user was not shown as a whole (``HiddenValues/ofUsers``).
  var needed: Set<String> = []

  enum Losses: Sendable {
    /// They are gone.
    case believed
    /// The change waits until somebody has found out (``Outcome/doubtful``).
    case doubted
    /// These stay as they were; the others are gone.
    case known(hidden: [Anchor: Set<String>])
  }

  /// What a transaction did.
  struct Outcome: Sendable {
    var read = 0
    var added = 0
    var changed = 0
    var deleted = 0
    var links = 0
    /// Rows that were written.
    var rows = 0
    /// Entries of which too little is known to go on: partial news of an entry that is unknown here, or any of one that
    /// was deleted.
    var incomplete: [Anchor] = []
    /// Changes that were left out, because they lack what their entries had.
    var doubtful: [(change: Change, loss: Loss)] = []
    /// New entries that were left out, because they lack what they cannot be without.
    var partial: [Absentee] = []
  }

  private struct Known {
    var id: Int64
    var partition: Int64
    var kind: String
    var parent: [UInt8]?
    var name: String
    var hash: [UInt8]
    var attributes: [UInt8]
    var generation: Int64
    var isDeleted: Bool
  }

  func apply(_ changes: ArraySlice<Change>, in transaction: any Transaction) throws -> Outcome {
    var outcome = Outcome()
    let rows = transaction.rowsWritten
    var departures = try Departures(source: source, in: transaction)
    var nextID: Int64 = isFirstLoad ? try self.nextID(in: transaction) : 0
    for change in changes {
      outcome.read += 1
      let isPartial = isPartial(change)
      if isFirstLoad, !isPartial, !change.isDeleted, let kind = change.kind, let name = change.name,
        try insert(change, as: nextID, kind: kind, name: name, in: transaction)
      {
        outcome.added += 1
        outcome.links += try apply(change.links, of: nextID, in: transaction)
        nextID += 1
        continue
      }
      let known = try self.known(change.anchor, in: transaction)
      if change.isDeleted {
        // An object that is known from another partition has moved there.
        if let known, !known.isDeleted, known.partition == partition {
          try departures.add(change.anchor, from: partition)
        }
      } else if try departures.isReturning(change.anchor), !change.isComplete {
        // It moved or was restored: what left with it is not told.
        outcome.incomplete.append(change.anchor)
      } else if change.isRestored || isDelta && known?.isDeleted == true {
        outcome.incomplete.append(change.anchor)
      } else if let known, let loss = try loss(of: known.id, known.attributes, in: change, transaction) {
        outcome.read -= 1
        outcome.doubtful.append((change, loss))
      } else if let known, !known.isDeleted || change.isComplete {
        if try update(known, with: change, in: transaction) { outcome.changed += 1 }
        outcome.links += try apply(
          shown(change.links, of: known.id, change.anchor, transaction), of: known.id, in: transaction)
        outcome.links += try apply(referrersOf: change, in: transaction)
        if isRereading, known.isDeleted {
          try Returns(transaction: transaction).add(change.anchor, to: partition, of: source)
        }
      } else if known == nil, isPartial {
        outcome.partial.append(Absentee(change.anchor, parent: change.parent))
      } else if known == nil, let kind = change.kind, let name = change.name {
        let id = try self.nextID(in: transaction)
        guard try insert(change, as: id, kind: kind, name: name, in: transaction) else {
          throw ConnectError.corrupt("an entry twice")
        }
        nextID = id + 1
        outcome.added += 1
        if kind == .structure { try Placeless(transaction: transaction).wake(source) }
        outcome.links += try apply(change.links, of: id, in: transaction)
        outcome.links += try apply(referrersOf: change, in: transaction)
        if isRereading { try Returns(transaction: transaction).add(change.anchor, to: partition, of: source) }
      } else {
        outcome.incomplete.append(change.anchor)
      }
    }
    outcome.rows = transaction.rowsWritten - rows
    return outcome
  }

  private func known(_ anchor: Anchor, in transaction: any Transaction) throws -> Known? {
    try transaction.first(
      """
      SELECT id, partition, kind, parent, dn, hash, attrs, generation, deleted FROM entry WHERE anchor = ? AND source = ?
      """, [.blob(anchor.bytes), .text(source)]
    ) { row in
      Known(
        id: try row[0], partition: try row[1], kind: try row[2], parent: try row[3], name: try row[4],
        hash: try row[5], attributes: try row[6], generation: try row[7], isDeleted: try row[8])
    }
  }

  private func nextID(in transaction: any Transaction) throws -> Int64 {
    try transaction.value("SELECT COALESCE(MAX(id), 0) + 1 FROM entry") ?? 1
  }

  /// - Returns: false when the entry is known.
  private func insert(
    _ change: Change, as id: Int64, kind: ObjectKind, name: String, in transaction: any Transaction
  ) throws -> Bool {
    let bytes = change.attributes.encoded()
    return try transaction.run(
      """
      INSERT INTO entry (id, source, partition, anchor, kind, parent, dn, hash, attrs, generation, dirty)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT (anchor, source) DO NOTHING
      """,
      [
        .integer(id), .text(source), .integer(partition), .blob(change.anchor.bytes), .text(kind.rawValue),
        SQLValue(change.parent?.bytes), .text(name), .blob(ShortHash.of(bytes)), .blob(bytes), .integer(generation),
      ]) == 1
  }

  /// - Returns: whether the entry has to be synchronised.
  private func update(_ known: Known, with change: Change, in transaction: any Transaction) throws -> Bool {
    let bytes: [UInt8]
    if change.isComplete {
      bytes = try attributes(of: known.id, known.attributes, in: change).encoded()
    } else if change.attributes.isEmpty {
      bytes = known.attributes
    } else {
      var attributes = try Attributes(stored: known.attributes)
      attributes.merge(change.attributes)
      bytes = attributes.encoded()
    }
    let hash = ShortHash.of(bytes)
    let name = change.name ?? known.name
    let parent = change.parent?.bytes ?? known.parent
    let kind = change.kind?.rawValue ?? known.kind
    let isMoved = parent != known.parent
    let isChanged =
      hash != known.hash || isMoved || kind != known.kind || known.isDeleted || known.partition != partition
      || names.matters(from: known.name, to: name)
    if isChanged || name != known.name {
      try transaction.run(
        """
        UPDATE entry SET partition = ?, kind = ?, parent = ?, dn = ?, hash = ?, attrs = ?, generation = ?, deleted = 0,
          dirty = CASE WHEN ? THEN 1 ELSE dirty END WHERE id = ?
        """,
        [
          .integer(partition), .text(kind), SQLValue(parent), .text(name), .blob(hash), .blob(bytes),
          .integer(generation), SQLValue(isChanged), .integer(known.id),
        ])
      if known.isDeleted {
        // Who came back is told anew whom it refers to, and who is in scope as a member of it is looked at again.
        try transaction.run("UPDATE link SET change = 1 WHERE owner = ? AND change IS NULL", [.integer(known.id)])
      }
      if kind == ObjectKind.structure.rawValue, name != known.name || isMoved {
        try carryDescendants(
          of: change.anchor, from: known.name, to: name,
          isLookedAt: isMoved || known.isDeleted || names.matters(from: known.name, to: name), in: transaction)
      }
    } else if known.generation != generation {
      try transaction.run(
        "UPDATE entry SET generation = ? WHERE id = ?", [.integer(generation), .integer(known.id)])
    }
    return isChanged
  }

  /// A directory does not report the children of a renamed or moved container (MS-ADTS 3.1.1.3.4.1.3): their names
  /// follow here, and after a move they may have entered or left the scope.
  ///
  /// - Parameter isLookedAt: whether they have to be synchronised, because of the move or because rules look at their names.
  private func carryDescendants(
    of anchor: Anchor, from old: String, to new: String, isLookedAt: Bool, in transaction: any Transaction
  ) throws {
    let length = SQLValue.integer(Int64(old.unicodeScalars.count))
    try transaction.run(
      """
      WITH RECURSIVE below (anchor) AS (
        SELECT anchor FROM entry WHERE parent = ? AND source = ?
        UNION SELECT entry.anchor FROM entry JOIN below ON entry.parent = below.anchor WHERE entry.source = ?)
      UPDATE entry SET
        dn = CASE WHEN substr(dn, -?) = ? THEN substr(dn, 1, length(dn) - ?) || ? ELSE dn END,
        dirty = CASE WHEN ? THEN 1 ELSE dirty END
      WHERE source = ? AND anchor IN (SELECT anchor FROM below)
      """,
      [
        .blob(anchor.bytes), .text(source), .text(source), length, .text(old), length, .text(new), SQLValue(isLookedAt),
        .text(source),
      ])
  }

  /// Marks an entry as deleted. The directory says nothing about the groups that lose it as a member: the references to
  /// it go with it. Its own go when the row goes.
  ///
  /// - Parameter isOutside: it stands in a partition that is not imported: the references to it stay, and are looked at
  ///   again when the row is gone.
  func delete(_ id: Int64, _ anchor: Anchor, isOutside: Bool, in transaction: any Transaction) throws {
    try transaction.run(
      "UPDATE entry SET deleted = 1, dirty = 1, generation = ? WHERE id = ?", [.integer(generation), .integer(id)])
    if isOutside { return }
    try transaction.run("UPDATE link SET change = -1 WHERE target_guid = ?", [.blob(anchor.bytes)])
  }

  func apply(_ links: [LinkChange], of owner: Int64, in transaction: any Transaction) throws -> Int {
    var count = 0
    for link in links {
      switch link.operation {
      case .add:
        for target in link.targets { try transaction.run(Self.addLink, row(owner, link.attribute, target)) }
        count += link.targets.count
      case .remove:
        for target in link.targets {
          count += try transaction.run(
            "UPDATE link SET change = -1 WHERE owner = ? AND attr = ? AND target_guid = ?",
            [.integer(owner), .text(link.attribute), .blob(target.bytes)])
        }
      case .replace:
        let targets = Set(link.targets)
        let held = try transaction.query(
          "SELECT target_guid FROM link WHERE owner = ? AND attr = ?", [.integer(owner), .text(link.attribute)]
        ) { row in Anchor(try row[0]) }
        let gone = held.filter { !targets.contains($0) }
        count += try apply(
          [LinkChange(link.attribute, .remove, gone), LinkChange(link.attribute, .add, link.targets)], of: owner,
          in: transaction)
      }
    }
    return count
  }

  /// A link that was already synchronised stays so; one whose removal has not been synchronised yet comes back.
  private static let addLink = """
    INSERT INTO link (owner, attr, target_guid, generation, change) VALUES (?, ?, ?, ?, 1)
    ON CONFLICT (owner, attr, target_guid) DO UPDATE SET
      generation = excluded.generation, change = CASE WHEN change = -1 THEN 1 ELSE change END
    """

  private func row(_ owner: Int64, _ attribute: String, _ target: Anchor) -> [SQLValue] {
    [.integer(owner), .text(attribute), .blob(target.bytes), .integer(generation)]
  }
}
