// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// Joins entries to metaverse objects, lets attributes flow and notes what the target has yet to be told.
struct Metaverse {
  let transaction: any Transaction
  let target: TargetProfile
  let tenant: TenantDomains
  /// Seconds since 1970.
  let now: Double

  struct Object {
    var id: Int64
    var sourceAnchor: String
    var nickname: String?
    var attributes: [UInt8]
    var isGone: Bool
  }

  // MARK: Connect

  /// An entry that is in scope.
  func project(_ entry: ConnectorEntry, _ attributes: Attributes) throws {
    guard let (object, isNew) = try join(entry, attributes) else { return }
    let input = RuleInput(
      attributes: attributes, kind: entry.kind, now: now, tenant: tenant, nickname: object.nickname)
    var flowed = DefaultRules.flow(input)
    let claims = Claims(transaction: transaction, target: target.name, now: now)
    let settled = try claims.settle(object: object.id, entry: entry.id, wanted: Claims.wanted(by: flowed))
    let isHeld = try withhold(settled, from: &flowed, entry: entry, object: object.id, claims: claims)

    let bytes = flowed.encoded()
    let nickname = try stickyNickname(object, input, flowed)
    if bytes != object.attributes || nickname != object.nickname || object.isGone {
      try transaction.run(
        "UPDATE mv SET attrs = ?, nickname = ?, gone = 0 WHERE id = ?",
        [.blob(bytes), SQLValue(nickname), .integer(object.id)])
    }
    try schedule(object.id, attributes)
    if isNew || object.isGone { try enqueueLinks(entry) }
    try PendingQueue(transaction: transaction, target: target)
      .settle(object.id, kind: entry.kind, desired: flowed, isHeld: isHeld, hasChanged: bytes != object.attributes)
  }

  /// The object of an entry: the one it has, the one of its source anchor, or a new one. Nil when the anchor belongs to
  /// another entry.
  private func join(_ entry: ConnectorEntry, _ attributes: Attributes) throws -> (Object, isNew: Bool)? {
    if let id = entry.mv, let object = try object("id = ?", .integer(id)) { return (object, false) }
    let anchor = SourceAnchor.of(entry.anchor, kind: entry.kind, attributes: attributes)
    let quarantine = Quarantine(transaction: transaction, target: target.name, now: now)
    if let object = try object("source_anchor = ?", .text(anchor)) {
      let holder: Int64? = try transaction.value(
        "SELECT id FROM entry WHERE mv = ? AND deleted = 0 AND id <> ?", [.integer(object.id), .integer(entry.id)])
      if let holder, !object.isGone {
        try quarantine.put(
          entry: entry.id, mv: nil, .duplicateAnchor, "The source anchor \(anchor) belongs to another object.",
          other: String(holder))
        return nil
      }
      // The object goes on under another entry; the former one is left to be purged.
      try transaction.run("UPDATE entry SET mv = NULL, dirty = 1 WHERE mv = ?", [.integer(object.id)])
      try connect(entry, to: object.id)
      try LinkSettlement(transaction: transaction, target: target).settleAll(of: object.id)
      return (object, true)
    }
    let id: Int64? = try transaction.value(
      "INSERT INTO mv (kind, source_anchor, attrs) VALUES (?, ?, ?) RETURNING id",
      [.text(entry.kind.rawValue), .text(anchor), .blob(Attributes().encoded())])
    guard let id else { throw ConnectError.corrupt("an object without an identifier") }
    try connect(entry, to: id)
    try quarantine.remove(entry: entry.id, .duplicateAnchor)
    return (
      Object(id: id, sourceAnchor: anchor, nickname: nil, attributes: Attributes().encoded(), isGone: false), true
    )
  }

  private func connect(_ entry: ConnectorEntry, to object: Int64) throws {
    try transaction.run("UPDATE entry SET mv = ? WHERE id = ?", [.integer(object), .integer(entry.id)])
  }

  private func object(_ condition: String, _ argument: SQLValue) throws -> Object? {
    try transaction.first(
      "SELECT id, source_anchor, nickname, attrs, gone FROM mv WHERE \(condition)", [argument]
    ) { row in
      Object(
        id: try row[0], sourceAnchor: try row[1], nickname: try row[2], attributes: try row[3], isGone: try row[4])
    }
  }

  /// Leaves out what belongs to another object.
  ///
  /// - Returns: whether the whole object has to wait, because its sign-in name is not its own.
  private func withhold(
    _ settled: Claims.Settlement, from flowed: inout Attributes, entry: ConnectorEntry, object: Int64, claims: Claims
  ) throws -> Bool {
    let quarantine = Quarantine(transaction: transaction, target: target.name, now: now)
    if let lost = settled.lost.first(where: { $0.claim.space == .userName }) {
      try quarantine.put(
        entry: entry.id, mv: object, .duplicateUserName,
        "The sign-in name \(lost.claim.folded) belongs to another object.", other: String(lost.holder))
    } else {
      try quarantine.remove(entry: entry.id, .duplicateUserName)
    }
    let addresses = settled.lost.filter { $0.claim.space == .address }
    if let first = addresses.first {
      try quarantine.put(
        entry: entry.id, mv: object, .duplicateAddress,
        "Withheld, because they belong to other objects: "
          + addresses.map(\.claim.folded).sorted().joined(separator: ", "), other: String(first.holder))
      let lost = Set(addresses.map(\.claim))
      for name in ["mail", "proxyAddresses"] {
        flowed.set(
          name, texts: flowed.texts(name).filter { !lost.contains(Claim(.address, Address.bare($0))) })
      }
    } else {
      try quarantine.remove(entry: entry.id, .duplicateAddress)
    }
    return settled.lost.contains { $0.claim.space == .userName }
  }

  /// The nickname is kept from the first time that it was needed.
  private func stickyNickname(_ object: Object, _ input: RuleInput, _ flowed: Attributes) throws -> String? {
    if let nickname = object.nickname { return nickname }
    guard input.kind == .user, let name = flowed.text("userPrincipalName"),
      name.lowercased().hasSuffix("@" + tenant.initial), input.text("userprincipalname") != name
    else { return nil }
    return String(name.prefix { $0 != "@" })
  }

  /// An account that will expire is looked at again when it does.
  private func schedule(_ object: Int64, _ attributes: Attributes) throws {
    if let expiry = AccountState.expiry(attributes), Double(expiry) > now {
      try transaction.run(
        """
        INSERT INTO due (mv, at, why) VALUES (?, ?, 'accountExpires')
        ON CONFLICT (mv) DO UPDATE SET at = excluded.at
        """, [.integer(object), .integer(expiry)])
    } else {
      try transaction.run("DELETE FROM due WHERE mv = ?", [.integer(object)])
    }
  }

  /// References from and to an object that came or went have to be looked at again.
  private func enqueueLinks(_ entry: ConnectorEntry) throws {
    try transaction.run(
      "UPDATE link SET change = 1 WHERE owner = ? AND change IS NULL", [.integer(entry.id)])
    try transaction.run(
      "UPDATE link SET change = 1 WHERE target_guid = ? AND change IS NULL", [.blob(entry.anchor.bytes)])
  }

  // MARK: Disconnect

  /// An entry that was deleted or left the scope.
  func disconnect(_ entry: ConnectorEntry) throws {
    try Quarantine(transaction: transaction, target: target.name, now: now).remove(entry: entry.id)
    guard let id = entry.mv else {
      if entry.isDeleted { try Self.purge(entry: entry.id, in: transaction) }
      return
    }
    try Claims(transaction: transaction, target: target.name, now: now).release(object: id)
    try transaction.run("DELETE FROM due WHERE mv = ?", [.integer(id)])
    try enqueueLinks(entry)
    if try PendingQueue(transaction: transaction, target: target).delete(id) {
      try transaction.run("UPDATE mv SET gone = 1 WHERE id = ?", [.integer(id)])
    } else {
      try Self.purge(object: id, in: transaction)
    }
  }

  /// Removes an object that no target holds, and the entries that were only kept for it.
  static func purge(object: Int64, in transaction: any Transaction) throws {
    let argument = [SQLValue.integer(object)]
    for (table, column) in [
      ("pending", "mv"), ("pending_link", "owner"), ("pending_link", "member"), ("remote", "mv"),
      ("remote_link", "owner"), ("remote_link", "member"), ("claim", "mv"), ("due", "mv"), ("quarantine", "mv"),
      ("mv", "id"),
    ] {
      try transaction.run("DELETE FROM \(table) WHERE \(column) = ?", argument)
    }
    let deleted = try transaction.query("SELECT id FROM entry WHERE mv = ? AND deleted = 1", argument) { row in
      try row[0] as Int64
    }
    for entry in deleted { try purge(entry: entry, in: transaction) }
    try transaction.run("UPDATE entry SET mv = NULL WHERE mv = ?", argument)
  }

  /// Removes a deleted entry. References to it were marked when it was deleted.
  private static func purge(entry: Int64, in transaction: any Transaction) throws {
    try transaction.run("DELETE FROM link WHERE owner = ?", [.integer(entry)])
    try transaction.run("DELETE FROM entry WHERE id = ?", [.integer(entry)])
  }
}
