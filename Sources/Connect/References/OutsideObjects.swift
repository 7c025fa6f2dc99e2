// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import Wire

/// Objects that references name and no imported partition holds.
///
/// Their entries stand in the connector space under ``partition``, as the Global Catalog told of them. In the metaverse
/// they are nobody's to export: what a target holds under their source anchor is found there, so that references to it
/// can be told, and is itself never written to.
struct OutsideObjects {
  let transaction: any Transaction
  let targets: [TargetProfile]
  /// Seconds since 1970.
  let now: Double

  /// In place of a partition that is read: rows of `watermark` begin with 1.
  static let partition: Int64 = 0

  /// What no import told of becomes, or stays, something that references may name.
  func enter(_ entry: ConnectorEntry, _ attributes: Attributes) throws {
    let anchor = SourceAnchor.of(entry.anchor, kind: entry.kind, attributes: attributes)
    if let id = entry.mv {
      let object = try Metaverse.Object.find("id = ?", .integer(id), in: transaction)
      if let object, object.isOutside, object.sourceAnchor == anchor, object.kind == entry.kind {
        try transaction.run(
          "UPDATE mv SET attrs = ?1 WHERE id = ?2 AND attrs <> ?1",
          [.blob(Self.names(attributes).encoded()), .integer(id)])
        return
      }
      try Self.dissolve(id, in: transaction)
    }
    // Of what no target has a place for there is nothing to refer to. An object of ours that has the anchor is told by
    // its own entries.
    guard targets.contains(where: { $0.holds(entry.kind) }),
      try Metaverse.Object.find("source_anchor = ?", .text(anchor), in: transaction) == nil
    else { return }
    let id: Int64? = try transaction.value(
      "INSERT INTO mv (kind, source_anchor, anchor_entry, attrs, outside) VALUES (?, ?, ?, ?, 1) RETURNING id",
      [
        .text(entry.kind.rawValue), .text(anchor), .integer(entry.id), .blob(Self.names(attributes).encoded()),
      ])
    guard let id else { throw ConnectError.corrupt("an object without an identifier") }
    try transaction.run("UPDATE entry SET mv = ? WHERE id = ?", [.integer(id), .integer(entry.id)])
    for target in targets where target.holds(entry.kind) { try bind(id, entry.kind, anchor, at: target) }
    try Metaverse.requeueLinks(of: id, in: transaction)
  }

  /// Finds what the last full reading of a target met under an anchor; later ones find it by themselves.
  private func bind(_ object: Int64, _ kind: ObjectKind, _ anchor: String, at target: TargetProfile) throws {
    let records = try Strangers(transaction: transaction, target: target.name)
      .find(kind, sourceAnchor: anchor, Matching.Names(Attributes()))
      .filter { Self.isBindable($0, to: anchor) }
    guard let record = records.first, records.count == 1 else { return }
    try Baseline(transaction: transaction, target: target, now: now).put(object, record)
  }

  /// A privileged account is left alone here, too: who may choose an anchor in a directory would choose its groups.
  static func isBindable(_ record: TargetRecord, to anchor: String) -> Bool {
    record.sourceAnchor == anchor && !record.isDeleted && !record.isPrivileged
  }

  /// An imported entry takes its place: what the targets hold is from now on found by the rules for imported ones.
  static func dissolve(_ object: Int64, in transaction: any Transaction) throws {
    try transaction.run(
      "UPDATE entry SET dirty = 1 WHERE mv = ? AND partition = 0", [.integer(object)])
    try Metaverse.requeueLinks(of: object, in: transaction)
    try Metaverse.purge(object: object, in: transaction)
  }

  /// It is imported now, and out of scope: references to it are taken back, and the object goes with the last of them.
  static func retire(_ object: Int64, in transaction: any Transaction) throws {
    try transaction.run("UPDATE mv SET gone = 1 WHERE id = ?", [.integer(object)])
    try Metaverse.requeueLinks(of: object, in: transaction)
  }

  /// By what people know it.
  private static func names(_ attributes: Attributes) -> Attributes {
    var names = Attributes()
    names.set("userPrincipalName", texts: attributes.texts("userprincipalname"))
    let name = ["displayname", "cn", "samaccountname"].lazy.compactMap { attributes.text($0) }.first
    names.set("displayName", texts: [name].compactMap { $0 })
    names.set("mail", texts: attributes.texts("mail"))
    return names
  }
}
