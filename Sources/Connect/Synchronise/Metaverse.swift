// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import SynchronisationRules
import Wire

/// The objects that entries of all forests make together: lets attributes flow, holds claims on names, and notes what
/// each target has yet to be told.
///
/// An object lives as long as one of its entries may make one; when one leaves, the rest carry on.
struct Metaverse {
  let transaction: any Transaction
  let targets: [TargetProfile]
  let configuration: ConnectConfiguration
  let rules: JoinRules
  let entryRules: EntryRules
  let tenants: Tenants
  /// Whether what objects lose may be the rules' doing.
  let hasNewRules: Bool
  /// Seconds since 1970.
  let now: Double

  struct Object {
    var id: Int64
    var kind: ObjectKind
    var sourceAnchor: String
    /// The entry that gave the source anchor.
    var anchorEntry: Int64?
    var nickname: String?
    var attributes: [UInt8]
    var isGone: Bool
    /// Whether it is only referred to (``OutsideObjects``).
    var isOutside = false
  }

  /// An entry that gives an object its values.
  struct Contributor {
    var entry: Int64
    var source: String
    var kind: ObjectKind
    var attributes: Attributes
    var evaluation: EntryEvaluation
    var onlyJoins: Bool

    /// The sign-in name that its directory has.
    var userName: String? {
      attributes.text("userprincipalname").map { $0.trimmingBlanks() }.flatMap { $0.isEmpty ? nil : $0 }
    }

    func standingIn(for object: ObjectKind) -> Contributor {
      guard Metaverse.isStandIn(kind, in: object) else { return self }
      var result = self
      result.evaluation.withholdValues()
      return result
    }
  }

  var outside: OutsideObjects { OutsideObjects(transaction: transaction, targets: targets, now: now) }
  private var keys: JoinKeys { JoinKeys(transaction: transaction, rules: rules) }
  private var links: LinkSettlement {
    LinkSettlement(transaction: transaction, targets: targets, configuration: configuration)
  }
  private var quarantine: Quarantine {
    Quarantine(transaction: transaction, target: Quarantine.everyTarget, now: now)
  }

  // MARK: Enter

  /// What the rules say of an entry.
  func evaluate(_ entry: ConnectorEntry, _ attributes: Attributes) throws -> EntryEvaluation {
    let nickname: String? = try entry.mv.flatMap { object in
      try transaction.value("SELECT nickname FROM mv WHERE id = ?", [.integer(object)], as: String?.self) ?? nil
    }
    return try evaluate(entry, attributes, nickname: nickname)
  }

  private func evaluate(
    _ entry: ConnectorEntry, _ attributes: Attributes, nickname: String?
  ) throws -> EntryEvaluation {
    let whole = Entry(
      anchor: entry.anchor, kind: entry.kind, name: entry.name, parent: entry.parent.map(Anchor.init),
      attributes: attributes)
    return try entryRules.evaluate(whole, entry.id, source: entry.source, nickname: nickname)
  }

  /// An entry that is in scope. Where a rule says that something is wrong with it, its object stays as it is.
  func enter(_ entry: ConnectorEntry, _ attributes: Attributes, _ evaluation: EntryEvaluation) throws {
    if let failure = evaluation.failure {
      return try quarantine.put(
        entry: entry.id, mv: entry.mv, .ruleFailed, "\(failure.text) (the rule \(failure.rule), \(failure.attribute))",
        other: nil)
    }
    try quarantine.remove(entry: entry.id, .ruleFailed)
    let joining = Joining(
      transaction: transaction, rules: rules, keys: keys, quarantine: quarantine,
      anchorSources: configuration.anchorSources)
    let entry = try becomingUser(entry, attributes, evaluation.first, joining)
    try keys.update(entry, attributes)
    var onlyJoins = evaluation.first.link == .join || rules.onlyJoins(entry.kind, attributes)
    guard let (object, isNew) = try joining.join(entry, attributes, evaluation.first, onlyJoins: onlyJoins) else {
      return
    }
    onlyJoins = onlyJoins || Self.isStandIn(entry.kind, in: object.kind)
    if object.isGone, onlyJoins { return }
    if isNew {
      try keys.wake(rules.isEmpty ? [] : rules.keys(of: attributes, kind: entry.kind), except: entry.id)
    } else if object.isGone {
      try joining.dismissOthers(than: entry.id, of: object.id)
    }
    if isNew || object.isGone {
      try Self.requeueLinks(of: entry.id, anchor: entry.anchor, in: transaction)
      if object.isGone { try links.settleAll(of: object.id) }
    }
    let contributor = Contributor(
      entry: entry.id, source: entry.source, kind: entry.kind, attributes: attributes,
      evaluation: isNew && object.nickname != nil
        ? try evaluate(entry, attributes, nickname: object.nickname) : evaluation, onlyJoins: onlyJoins)
    try refresh(
      object,
      try contributors(of: object.id, without: entry.id) + [contributor.standingIn(for: object.kind)])
  }

  /// A contact in the object of a user stands for that user where it is referred to, and gives no values.
  static func isStandIn(_ kind: ObjectKind, in object: ObjectKind) -> Bool { kind == .contact && object == .user }

  /// A contact that has an object of its own gives it up when its user is there.
  private func becomingUser(
    _ entry: ConnectorEntry, _ attributes: Attributes, _ evaluation: Evaluation, _ joining: Joining
  ) throws -> ConnectorEntry {
    guard entry.kind == .contact, !rules.isEmpty, let id = entry.mv,
      let object = try Object.find("id = ?", .integer(id), in: transaction), object.kind == .contact,
      try joining.candidates(for: entry, attributes, evaluation).contains(where: { candidate in
        try Object.find("id = ?", .integer(candidate.object), in: transaction)?.kind == .user
      })
    else { return entry }
    if !object.isGone { try leave(entry) }
    try transaction.run("UPDATE entry SET mv = NULL WHERE id = ?", [.integer(entry.id)])
    var entry = entry
    entry.mv = nil
    return entry
  }

  /// The entries that an object has, as their forests hold them.
  private func contributors(of object: Int64, without entry: Int64) throws -> [Contributor] {
    try transaction.query(
      """
      SELECT entry.id, source, anchor, entry.kind, parent, entry.attrs, deleted, entry.mv, dn, partition,
        mv.nickname, mv.kind
      FROM entry JOIN mv ON mv.id = entry.mv WHERE entry.mv = ? AND deleted = 0 AND entry.id <> ?
      """, [.integer(object), .integer(entry)]
    ) { row in (entry: try ConnectorEntry(row), nickname: try row[10] as String?, object: try row[11] as String) }
    .map { entry, nickname, kind in
      let object = ObjectKind(rawValue: kind) ?? entry.kind
      let attributes = try Attributes(stored: entry.attributes)
      let evaluation = try evaluate(entry, attributes, nickname: nickname)
      return Contributor(
        entry: entry.id, source: entry.source, kind: entry.kind, attributes: attributes, evaluation: evaluation,
        onlyJoins: evaluation.first.link == .join || rules.onlyJoins(entry.kind, attributes)
          || Self.isStandIn(entry.kind, in: object)
      ).standingIn(for: object)
    }
  }

  /// Computes an object from its entries; without one that may make an object it goes.
  private func refresh(_ object: Object, _ contributors: [Contributor]) throws {
    let ordered = precedence(contributors)
    guard let first = ordered.first, !first.onlyJoins else { return try retire(object.id) }
    // Without the values of one that waits the object would not be what its directories say.
    if ordered.contains(where: { $0.evaluation.failure != nil }) { return }
    let before = try Attributes(stored: object.attributes)
    let merged = configuration.rules.merge(ordered.map(\.evaluation.first), previous: before)
    let places = try settle(object, ordered, merged.attributes, before: before)
    try NameConflicts(transaction: transaction, now: now)
      .note(Dictionary(places.map { ($0.target.name, $0.lost) }) { $1 }, entry: first.entry, object: object.id)

    try keys.update(object: object.id, merged.attributes, kind: object.kind, entry: first.entry)
    let bytes = places.first?.bytes ?? merged.attributes.encoded()
    let nickname = object.nickname ?? (object.kind == .user ? first.evaluation.nickname : nil)
    if !object.isGone, !before.isEmpty, !hasNewRules {
      for place in places where place.bytes != (place.formerForm ?? object.attributes) {
        try ClearedValues(transaction: transaction).note(
          object.id, at: place.target.name, before: try place.formerForm.map { try Attributes(stored: $0) } ?? before,
          after: place.given)
      }
    }
    if bytes != object.attributes || nickname != object.nickname || object.isGone {
      try transaction.run(
        "UPDATE mv SET attrs = ?, nickname = ?, gone = 0 WHERE id = ?",
        [.blob(bytes), SQLValue(nickname), .integer(object.id)])
    }
    let wanted = ordered.lazy.compactMap(\.userName).first
    for place in places {
      if object.kind == .user {
        try ReplacedNames(transaction: transaction).note(
          object.id, at: place.target.name, given: place.given.text("userPrincipalName"), wanted: wanted,
          tenants.domains(of: place.target.name))
      }
      try TargetForms(transaction: transaction, object: object.id)
        .save(place.bytes == bytes ? nil : place.bytes, at: place.target.name, instead: place.formerForm)
      try PendingQueue(transaction: transaction, target: place.target, now: now)
        .settle(
          object.id, kind: object.kind, desired: place.attributes, isHeld: place.isHeld,
          hasChanged: place.bytes != (place.formerForm ?? object.attributes))
    }
  }

  /// An object at one target.
  private struct Place {
    var target: TargetProfile
    /// What the rules give it there.
    var given: Attributes
    /// What it shall have there: without what others hold.
    var attributes: Attributes
    var bytes: [UInt8]
    /// What it had there so far, where that differed from the metaverse.
    var formerForm: [UInt8]?
    /// What others hold there.
    var lost: [Claims.Lost]
    /// The whole object has to wait where its sign-in name is not its own.
    var isHeld: Bool { lost.contains { $0.claim.space == .userName } }
  }

  /// What the object is at each target that has a place for it: by the rules for that target's domains, without the
  /// addresses that others hold there.
  private func settle(
    _ object: Object, _ contributors: [Contributor], _ common: Attributes, before: Attributes
  ) throws -> [Place] {
    let forms = targets.count > 1 ? try TargetForms(transaction: transaction, object: object.id).load() : [:]
    return try targets.compactMap { target in
      let claims = Claims(transaction: transaction, target: target.name)
      guard target.holds(object.kind) else {
        // What a target has no place for stands in nobody's way there.
        try claims.release(object: object.id)
        return nil
      }
      var attributes = common
      let place = tenants.place(of: target.name)
      if place > 0 {
        let former = try forms[target.name].map { try Attributes(stored: $0) } ?? before
        attributes =
          configuration.rules.merge(contributors.map { $0.evaluation.at(place) }, previous: former).attributes
      }
      let given = attributes
      let lost = try claims.settle(object: object.id, wanted: Claims.wanted(by: attributes))
      let addresses = Set(lost.map(\.claim).filter { $0.space == .address })
      for name in ["mail", "proxyAddresses"] where !addresses.isEmpty {
        attributes.set(
          name, texts: attributes.texts(name).filter { !addresses.contains(Claim(.address, Address.bare($0))) })
      }
      return Place(
        target: target, given: given, attributes: attributes, bytes: attributes.encoded(),
        formerForm: forms[target.name], lost: lost)
    }
  }

  /// Those that may make an object before those that only join it, then in the order of the configuration's forests.
  private func precedence(_ contributors: [Contributor]) -> [Contributor] {
    guard contributors.count > 1 else { return contributors }
    let order = Dictionary(configuration.sources.enumerated().map { ($1, $0) }) { first, _ in first }
    return contributors.sorted { left, right in
      (left.onlyJoins ? 1 : 0, order[left.source] ?? .max, left.entry)
        < (right.onlyJoins ? 1 : 0, order[right.source] ?? .max, right.entry)
    }
  }

  // MARK: Leave

  /// An entry that was deleted or left the scope.
  func leave(_ entry: ConnectorEntry) throws {
    try quarantine.remove(entry: entry.id)
    try NameConflicts(transaction: transaction, now: now).forget(entry: entry.id, targets: targets)
    try keys.remove(entry)
    guard let id = entry.mv, let object = try Object.find("id = ?", .integer(id), in: transaction) else {
      if entry.isDeleted { try Self.purge(entry: entry.id, in: transaction) }
      return
    }
    if object.isGone { return }
    if object.isOutside { return try OutsideObjects.retire(id, in: transaction) }
    let rest = try contributors(of: id, without: entry.id)
    guard rest.contains(where: { !$0.onlyJoins }) else { return try retire(id) }
    if entry.isDeleted {
      try Self.purge(entry: entry.id, in: transaction)
    } else {
      try transaction.run("UPDATE entry SET mv = NULL WHERE id = ?", [.integer(entry.id)])
    }
    try transaction.run("DELETE FROM anchor_write WHERE entry = ?", [.integer(entry.id)])
    try links.settleAll(of: id)
    // What the entry had decided is now decided by the rest.
    for name in LinkSettlement.singleValued {
      try transaction.run(
        """
        UPDATE link SET change = 1 WHERE attr = ? AND change IS NULL AND owner IN (SELECT id FROM entry WHERE mv = ?)
        """, [.text(name), .integer(id)])
    }
    try refresh(object, rest)
  }

  /// An object without an entry that could make it: it goes as soon as no target holds it any more.
  private func retire(_ object: Int64) throws {
    for target in targets { try Claims(transaction: transaction, target: target.name).release(object: object) }
    try NameConflicts(transaction: transaction, now: now).note([:], entry: -1, object: object)
    try quarantine.wakeWaiting(for: object)
    try keys.update(object: object, Attributes(), kind: .user, entry: -1)
    try Self.requeueLinks(of: object, in: transaction)
    // A contact that stood for a user is one of its own again.
    try transaction.run(
      """
      UPDATE entry SET mv = NULL, dirty = 1 WHERE mv = ?1 AND kind = 'contact' AND deleted = 0
        AND EXISTS (SELECT 1 FROM mv WHERE id = ?1 AND kind = 'user')
      """, [.integer(object)])
    var isHeld = false
    for target in targets {
      if try PendingQueue(transaction: transaction, target: target, now: now).delete(object) { isHeld = true }
    }
    if isHeld {
      try transaction.run("UPDATE mv SET gone = 1 WHERE id = ?", [.integer(object)])
    } else {
      try Self.purge(object: object, in: transaction)
    }
  }

  // MARK: References and rows

  /// References from and to an entry that came have to be looked at again.
  private static func requeueLinks(of entry: Int64, anchor: Anchor, in transaction: any Transaction) throws {
    try transaction.run("UPDATE link SET change = 1 WHERE owner = ? AND change IS NULL", [.integer(entry)])
    try transaction.run(
      "UPDATE link SET change = 1 WHERE target_guid = ? AND change IS NULL", [.blob(anchor.bytes)])
  }

  /// References from and to all entries of an object have to be looked at again.
  static func requeueLinks(of object: Int64, in transaction: any Transaction) throws {
    let entries = try transaction.query(
      "SELECT id, anchor FROM entry WHERE mv = ?", [.integer(object)],
      { row in (id: try row[0] as Int64, anchor: Anchor(try row[1])) })
    for entry in entries { try requeueLinks(of: entry.id, anchor: entry.anchor, in: transaction) }
  }

  /// A target holds nothing of a gone object any more; with the last target the object goes.
  static func release(object: Int64, from target: String, in transaction: any Transaction) throws {
    let arguments: [SQLValue] = [.text(target), .integer(object)]
    try PasswordLooks.note(object, at: target, whereHeld: true, in: transaction)
    for (table, column) in targetTables + targetNotes {
      try transaction.run("DELETE FROM \(table) WHERE target = ? AND \(column) = ?", arguments)
    }
    let isHeld: Int? = try transaction.value(
      """
      SELECT 1 FROM remote WHERE target IN (SELECT name FROM target) AND mv = ?1
      UNION SELECT 1 FROM pending WHERE target IN (SELECT name FROM target) AND mv = ?1
      """, [.integer(object)])
    if isHeld == nil { try purge(object: object, in: transaction) }
  }

  /// The tables that begin with the target.
  private static let targetTables = [
    ("pending", "mv"), ("pending_link", "owner"), ("pending_link", "member"), ("remote", "mv"),
    ("remote_link", "owner"), ("remote_link", "member"), ("cleared", "mv"),
  ]
  /// Those in which an object is found by itself.
  private static let targetNotes = [("quarantine", "mv"), ("form", "mv"), ("replaced_name", "mv")]

  /// Removes an object that no target holds, and the entries that were only kept for it.
  static func purge(object: Int64, in transaction: any Transaction) throws {
    let argument = [SQLValue.integer(object)]
    for (table, column) in targetTables {
      try transaction.run(
        "DELETE FROM \(table) WHERE target IN (SELECT name FROM target) AND \(column) = ?", argument)
    }
    for (table, column) in targetNotes + [
      ("claim", "mv"), ("anchor_write", "mv"), ("mv", "id"),
    ] {
      try transaction.run("DELETE FROM \(table) WHERE \(column) = ?", argument)
    }
    let deleted = try transaction.query("SELECT id FROM entry WHERE mv = ? AND deleted = 1", argument) { row in
      try row[0] as Int64
    }
    for entry in deleted { try purge(entry: entry, in: transaction) }
    try transaction.run("UPDATE entry SET mv = NULL WHERE mv = ?", argument)
  }

  /// Removes a deleted entry. References to it were marked when it was deleted; those that stayed name something outside
  /// from now on.
  private static func purge(entry: Int64, in transaction: any Transaction) throws {
    try transaction.run(
      "UPDATE link SET change = 1 WHERE target_guid = (SELECT anchor FROM entry WHERE id = ?) AND change IS NULL",
      [.integer(entry)])
    try transaction.run("DELETE FROM link WHERE owner = ?", [.integer(entry)])
    try Placeless(transaction: transaction).remove(entry)
    try transaction.run("DELETE FROM entry WHERE id = ?", [.integer(entry)])
  }
}

extension Metaverse.Object {
  static func find(_ condition: String, _ argument: SQLValue, in transaction: any Transaction) throws -> Self? {
    try transaction.first(
      "SELECT id, kind, source_anchor, anchor_entry, nickname, attrs, gone, outside FROM mv WHERE \(condition)",
      [argument]
    ) { row in
      Self(
        id: try row[0], kind: try row.kind(1), sourceAnchor: try row[2], anchorEntry: try row[3], nickname: try row[4],
        attributes: try row[5], isGone: try row[6], isOutside: try row[7])
    }
  }
}
