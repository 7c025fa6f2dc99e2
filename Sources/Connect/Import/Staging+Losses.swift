// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// Values that a complete change lacks and the entry had.
extension Staging {
  /// What a change has to wait for; nil when nothing.
  func loss(
    of entry: Int64, _ known: [UInt8], in change: Change, _ transaction: any Transaction
  ) throws -> Loss? {
    guard change.isComplete, case .doubted = losses else { return nil }
    var lost = Set(try Attributes(stored: known).names.filter { change.attributes[$0].isEmpty })
    let held = try transaction.query(
      "SELECT attr FROM link WHERE owner = ? AND change IS NOT -1 GROUP BY attr", [.integer(entry)]
    ) { row in try row[0] as String }
    for name in held where !change.links.contains(where: { $0.attribute == name && !$0.targets.isEmpty }) {
      lost.insert(name)
    }
    return lost.isEmpty ? nil : Loss(change.anchor, lost)
  }

  /// Whether a new entry came without what it cannot be without. What rules would make of the rest nobody meant: a user
  /// whose `userAccountControl` is hidden would be one that may sign in.
  func isPartial(_ change: Change) -> Bool {
    change.kind == .user && change.isComplete && needed.contains { change.attributes[$0].isEmpty }
  }

  /// The attributes to store for an entry that came completely.
  func attributes(of entry: Int64, _ known: [UInt8], in change: Change) throws -> Attributes {
    let hidden = hidden(of: change.anchor)
    var attributes =
      try watch?.keeping(known, of: entry, in: change.attributes, hidden: hidden) ?? change.attributes
    guard !hidden.isEmpty else { return attributes }
    let known = try Attributes(stored: known)
    for name in known.names where hidden.contains(name) { attributes[name] = known[name] }
    return attributes
  }

  /// References without those that are hidden, which are met by that.
  func shown(
    _ links: [LinkChange], of entry: Int64, _ anchor: Anchor, _ transaction: any Transaction
  ) throws -> [LinkChange] {
    let hidden = hidden(of: anchor)
    for name in hidden {
      try transaction.run(
        "UPDATE link SET generation = ? WHERE owner = ? AND attr = ? AND generation < ?",
        [.integer(generation), .integer(entry), .text(name), .integer(generation)])
    }
    return links.filter { !hidden.contains($0.attribute) }
  }

  private func hidden(of anchor: Anchor) -> Set<String> {
    guard case .known(let hidden) = losses else { return [] }
    return hidden[anchor] ?? []
  }
}

/// Entries that a complete enumeration did not bring, before they are taken for deleted.
extension Staging {
  func absentees(_ transaction: any Transaction) throws -> [Absentee] {
    try transaction.query(
      "SELECT anchor, parent FROM entry WHERE partition = ? AND source = ? AND generation < ? AND deleted = 0",
      [.integer(partition), .text(source), .integer(generation)]
    ) { row in Absentee(Anchor(try row[0]), parent: (try row[1] as [UInt8]?).map { Anchor($0) }) }
  }

  /// Takes entries as met, with all that they refer to.
  func keep(_ unseen: ArraySlice<Anchor>, in transaction: any Transaction) throws {
    let departures = try Departures(source: source, in: transaction)
    for anchor in unseen {
      let id: Int64? = try transaction.value(
        "UPDATE entry SET generation = ? WHERE anchor = ? AND source = ? RETURNING id",
        [.integer(generation), .blob(anchor.bytes), .text(source)])
      guard let id else { continue }
      try transaction.run(
        "UPDATE link SET generation = ? WHERE owner = ?", [.integer(generation), .integer(id)])
      _ = try departures.isReturning(anchor)
    }
  }
}
