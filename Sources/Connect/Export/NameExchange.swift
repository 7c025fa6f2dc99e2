// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// Sign-in names and addresses that objects exchange with each other: a target gives none of them away while another holds
/// it, so that in a circle each waits for the next one. One of the circle is parked, a sign-in name under another one of the
/// target's own domain and addresses nowhere, and then the others get theirs in turn.
///
/// What was parked is in the `parked` table before the first request, with what the object had: when the pass ends and an
/// object did not get its own, because something else is in its way, it gets back what it had.
struct NameExchange: Sendable {
  let target: any ExportTarget
  let profile: TargetProfile
  /// The target's own domain.
  let domain: String
  let store: any Store
  /// In seconds since 1970.
  let now: @Sendable () -> Double

  /// The attributes that hold what must be unique.
  private static let attributes = ["userPrincipalName", "mail", "proxyAddresses"]

  /// Entra takes 64 characters before the at sign.
  private static let nicknameLength = 32

  /// An object that the target has, and is to have otherwise.
  struct Party: Sendable {
    var object: Int64
    var kind: ObjectKind
    var sourceAnchor: String
    var nickname: String?
    var revision: Int64
    var id: String
    var desired: Attributes
    var baseline: Attributes

    var holds: Set<Claim> { Claims.wanted(by: baseline) }
    var wants: Set<Claim> { Claims.wanted(by: desired).subtracting(holds) }
  }

  // MARK: Parking

  /// Parks one object of each circle among those that met a conflict, with those that have been held for one before.
  ///
  /// - Returns: how many were parked.
  func park(_ conflicts: Set<Int64>) async throws -> Int {
    let parties = try await store.read { transaction in
      let held = try transaction.query(
        "SELECT mv FROM quarantine WHERE target = ? AND reason = '\(QuarantineReason.targetConflict.rawValue)'",
        [.text(profile.name)]
      ) { row in try row[0] as Int64? }
      let queue = PendingQueue(transaction: transaction, target: profile, now: now())
      let waiting = try held.compactMap { $0 }.filter { try !queue.isWaitingForAName($0) }
      return try conflicts.union(waiting).sorted().compactMap { try party($0, in: transaction) }
    }
    let circles = Circles(parties)
    let wanted = parties.reduce(into: Set<Claim>()) { $0.formUnion($1.wants) }
    var count = 0
    for index in circles.parked {
      let party = parties[index]
      let temporary = temporary(party, contested: wanted.intersection(party.holds))
      if try await change(party, to: temporary, of: Self.attributes, isParking: true) { count += 1 }
    }
    let waiting = circles.members.map { parties[$0].object }
    try await store.write { transaction in
      // Those that have been held before get another try, too.
      try transaction.run(
        "UPDATE pending SET state = 'ready' WHERE target = ? AND mv = ?",
        rows: waiting.map { [.text(profile.name), .integer($0)] })
    }
    return count
  }

  /// What a parked object has: a name of its own, and no address that another one of them wants.
  private func temporary(_ party: Party, contested: Set<Claim>) -> Attributes {
    var attributes = party.baseline
    if contested.contains(where: { $0.space == .userName }), !domain.isEmpty {
      let nickname = party.nickname ?? party.baseline.text("userPrincipalName").map(Self.localPart) ?? "user"
      // Only of what every directory takes: Entra has no plus in a sign-in name.
      attributes.set(
        "userPrincipalName", texts: ["\(nickname.prefix(Self.nicknameLength))-parked-\(party.object)@\(domain)"])
    }
    for name in ["mail", "proxyAddresses"] {
      attributes.set(
        name, texts: attributes.texts(name).filter { !contested.contains(Claim(.address, Address.bare($0))) })
    }
    return attributes
  }

  private static func localPart(_ name: String) -> String { String(name.prefix { $0 != "@" }) }

  // MARK: Giving back

  /// Gives objects that are still parked what they shall have, or else what they had, and forgets those that are not.
  ///
  /// - Returns: how many requests that took.
  func giveBack() async throws -> Int {
    let parked = try await store.read { transaction in
      try transaction.query(
        """
        SELECT parked.anchor, mv.id, parked.former, parked.temporary FROM parked
        LEFT JOIN mv ON mv.source_anchor = parked.anchor AND mv.gone = 0 WHERE parked.target = ? ORDER BY mv.id
        """, [.text(profile.name)]
      ) { row in
        Parked(
          anchor: try row[0], object: try row[1], former: try Attributes(stored: try row[2]),
          temporary: try Attributes(stored: try row[3]))
      }
    }
    var requests = 0
    for row in parked {
      guard let object = row.object,
        let party = try await store.read({ transaction in try party(object, in: transaction) })
      else { continue }
      let names = row.names(party)
      for attributes in [party.desired, row.former] where !names.isEmpty {
        requests += 1
        if try await change(party, to: attributes, of: names, isParking: false) { break }
      }
    }
    guard !parked.isEmpty else { return 0 }
    try await store.write { transaction in
      for row in parked {
        if let object = row.object {
          // What became of it is not known yet, or it could have neither.
          if try isUnanswered(object, in: transaction) { continue }
          if let party = try party(object, in: transaction), !row.names(party).isEmpty { continue }
        }
        try transaction.run(
          "DELETE FROM parked WHERE target = ? AND anchor = ?", [.text(profile.name), .text(row.anchor)])
      }
    }
    return requests
  }

  /// A row of the `parked` table.
  private struct Parked: Sendable {
    var anchor: String
    /// Nil when it is gone.
    var object: Int64?
    var former: Attributes
    var temporary: Attributes

    /// The attributes of which the target still holds what is temporary.
    func names(_ party: Party) -> [String] {
      NameExchange.attributes.filter { name in
        !former.sameValues(as: temporary, for: name) && party.baseline.sameValues(as: temporary, for: name)
          && !party.desired.sameValues(as: temporary, for: name)
      }
    }
  }

  // MARK: Requests

  /// Tells the target what an object has for now; what it shall have stays pending.
  ///
  /// - Returns: whether the target did it.
  private func change(
    _ party: Party, to values: Attributes, of names: [String], isParking: Bool
  ) async throws -> Bool {
    var changes = Attributes()
    var attributes = party.baseline
    for name in names
    where profile.accepts(name, of: party.kind) && !party.baseline.sameValues(as: values, for: name) {
      changes[name] = values[name]
    }
    guard !changes.isEmpty else { return false }
    attributes.merge(changes)
    let key: [SQLValue] = [.text(profile.name), .integer(party.object)]
    let isMarked = try await store.write(durability: .full) { [attributes] transaction in
      let marked = try transaction.run(
        "UPDATE pending SET sent = revision WHERE target = ? AND mv = ? AND revision = ? AND sent IS NULL",
        key + [.integer(party.revision)])
      guard marked == 1, isParking else { return marked == 1 }
      try transaction.run(
        """
        INSERT INTO parked (target, anchor, former, temporary) VALUES (?, ?, ?, ?)
        ON CONFLICT (target, anchor) DO UPDATE SET temporary = excluded.temporary
        """,
        [
          .text(profile.name), .text(party.sourceAnchor), .blob(party.baseline.encoded()),
          .blob(attributes.encoded()),
        ])
      return true
    }
    guard isMarked else { return false }
    let operation = ExportOperation.update(party.kind, id: party.id, changes: changes, attributes: attributes)
    let outcome = try await target.perform([operation]).first ?? .unanswered("The target told no result.")
    // What is not known is looked up before the next round or by the next pass, as any other operation.
    if outcome.isUnanswered || outcome.isUnavailable { return false }
    return try await store.write { [attributes, time = now()] transaction in
      try transaction.run("UPDATE pending SET sent = NULL WHERE target = ? AND mv = ?", key)
      guard case .done(let record) = outcome else { return false }
      let confirmed = record ?? TargetRecord(id: party.id, sourceAnchor: party.sourceAnchor, attributes: attributes)
      try Baseline(transaction: transaction, target: profile, now: time).put(party.object, confirmed)
      if !isParking, profile.difference(from: confirmed.attributes, to: party.desired, kind: party.kind).isEmpty {
        try transaction.run(
          "DELETE FROM pending WHERE target = ? AND mv = ? AND revision = ?", key + [.integer(party.revision)])
        try Quarantine(transaction: transaction, target: profile.name, now: time)
          .relent(mv: party.object, [.targetConflict])
      }
      if isParking {
        // As the target spells it.
        try transaction.run(
          "UPDATE parked SET temporary = ? WHERE target = ? AND anchor = ?",
          [.blob(confirmed.attributes.encoded()), .text(profile.name), .text(party.sourceAnchor)])
      }
      return true
    }
  }

  /// Nil for an object that the target does not have, or of which nothing is pending.
  private func party(_ object: Int64, in transaction: any Transaction) throws -> Party? {
    try transaction.first(
      """
      SELECT mv.kind, mv.source_anchor, mv.nickname, pending.revision, remote.remote_id, remote.baseline,
        \(TargetForms.attributes(at: "?1"))
      FROM mv JOIN pending ON pending.target = ?1 AND pending.mv = mv.id
      JOIN remote ON remote.target = ?1 AND remote.mv = mv.id AND remote.adoption = 0
      WHERE mv.id = ?2 AND pending.op = 'update' AND pending.sent IS NULL
      """, [.text(profile.name), .integer(object)]
    ) { row in
      let kind = try row.kind(0)
      return Party(
        object: object, kind: kind, sourceAnchor: try row[1], nickname: try row[2], revision: try row[3],
        id: try row[4], desired: profile.representable(try Attributes(stored: try row[6]), kind: kind),
        baseline: try Attributes(stored: try row[5]))
    }
  }

  private func isUnanswered(_ object: Int64, in transaction: any Transaction) throws -> Bool {
    let row: Int? = try transaction.value(
      "SELECT 1 FROM pending WHERE target = ? AND mv = ? AND sent IS NOT NULL", [.text(profile.name), .integer(object)])
    return row != nil
  }
}

/// Who waits for whom: an object for those that hold what it wants. Objects are named by their place in the list.
struct Circles {
  /// One of each circle, so that none is left without them.
  private(set) var parked: [Int] = []
  /// Those that could not go on without that.
  private(set) var members: [Int] = []

  private var waitsFor: [Int: Set<Int>] = [:]
  private var waiting: [Int: [Int]] = [:]

  init(_ parties: [NameExchange.Party]) {
    var holders: [Claim: Int] = [:]
    for (index, party) in parties.enumerated() {
      for claim in party.holds { holders[claim] = index }
    }
    for (index, party) in parties.enumerated() {
      let others = Set(party.wants.compactMap { holders[$0] }).subtracting([index])
      waitsFor[index] = others
      for other in others { waiting[other, default: []].append(index) }
    }
    release(parties.indices.filter { waitsFor[$0]?.isEmpty ?? true })
    members = waitsFor.keys.sorted()
    for first in members where waitsFor[first] != nil {
      // Each that is left waits for one that is left, so that a walk comes back to where it was.
      var (walk, next): (Set<Int>, Int) = ([], first)
      while walk.insert(next).inserted, let on = waitsFor[next]?.min() { next = on }
      parked.append(next)
      release([next])
    }
  }

  /// Lets go those that wait for nobody, and then those that waited for them only.
  private mutating func release(_ indices: [Int]) {
    var free = indices
    while let index = free.popLast() {
      waitsFor[index] = nil
      for other in waiting[index] ?? [] {
        guard waitsFor[other]?.remove(index) != nil else { continue }
        if waitsFor[other]?.isEmpty ?? false { free.append(other) }
      }
    }
  }
}
