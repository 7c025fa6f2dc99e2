// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Logging
import Store
import SynchronisationRules

/// Reads the target in full: what it holds becomes the baseline, so that what somebody else changed there is changed
/// back, and what it held before under a source anchor of ours is taken over instead of being created twice.
struct Reconciliation: Sendable {
  let target: any ExportTarget
  let profile: TargetProfile
  let configuration: ConnectConfiguration
  let store: any Store
  let logger: Logger
  let now: @Sendable () -> Double

  /// Whether it was never read, or longer ago than the configuration says.
  func isDue() async throws -> Bool {
    try await store.read {
      [name = profile.name, configuration, time = now()] transaction in
      try Self.isDue(name, configuration, now: time, in: transaction)
    }
  }

  static func isDue(
    _ target: String, _ configuration: ConnectConfiguration, now: Double, in transaction: any Transaction
  ) throws -> Bool {
    guard let last = try Setting.load(.reconciled, of: target, in: transaction).flatMap(Double.init) else {
      return true
    }
    return last + configuration.targetReadingInterval <= now
  }

  /// - Returns: how many objects were read.
  func run(progress: Progress) async throws -> Int {
    let reading = try await store.write { [name = profile.name] transaction in
      let number = (try Setting.load(.reading, of: name, in: transaction).flatMap { Int64($0) } ?? 0) + 1
      try Setting.save(.reading, of: name, String(number), in: transaction)
      return number
    }
    let count = try await read(target.reading(of: profile.kinds), reading: reading, progress: progress)
    try await match()
    try await store.write { [name = profile.name, time = now()] transaction in
      try Setting.save(.reconciled, of: name, String(Int64(time)), in: transaction)
    }
    return count
  }

  /// References may come before what they lead to: those are compared when everything was read.
  private func read(
    _ pages: AsyncThrowingStream<[ReadRecord], any Error>, reading: Int64, progress: Progress
  ) async throws -> Int {
    var count = 0
    try await store.write { [name = profile.name] in try DeferredLinks(transaction: $0, target: name).forget() }
    for try await page in pages {
      try Task.checkCancellation()
      try await store.write { transaction in
        for read in page { try take(read.record, kind: read.kind, reading: reading, in: transaction) }
      }
      count += page.count
      progress.report(.confirm, done: count, total: nil)
    }
    for kind in profile.kinds { try await finish(kind, reading: reading) }
    var isOver = false
    while !isOver {
      try Task.checkCancellation()
      isOver = try await store.write { [name = profile.name] transaction in
        let deferred = try DeferredLinks(transaction: transaction, target: name).take()
        for owner in deferred {
          let (held, _) = try resolve(owner.links, in: transaction)
          try compareLinks(held, of: owner.object, kind: owner.kind, in: transaction)
        }
        return deferred.isEmpty
      }
    }
    return count
  }

  /// What is done once all objects of a kind were read.
  private func finish(_ kind: ObjectKind, reading: Int64) async throws {
    // Of several with one source anchor the one that was deleted last is its object.
    var anchors: Set<String> = []
    let deleted = try await target.deletedRecords(kind).filter { anchors.insert($0.sourceAnchor ?? "").inserted }
    try await store.write { [name = profile.name] transaction in
      let strangers = Strangers(transaction: transaction, target: name)
      for record in deleted { try strangers.put(kind, record, reading: reading) }
      try strangers.forget(kind, before: reading)
    }
    try await forgetUnseen(kind, reading: reading)
  }

  private func take(
    _ record: TargetRecord, kind: ObjectKind, reading: Int64, in transaction: any Transaction
  ) throws {
    let strangers = Strangers(transaction: transaction, target: profile.name)
    let known = try transaction.first(
      "SELECT mv, adoption FROM remote WHERE target = ? AND remote_id = ?", [.text(profile.name), .text(record.id)]
    ) { row in (object: try row[0] as Int64, isOurs: (try row[1] as Int) == Adoption.none.rawValue) }
    if let known, !known.isOurs, record.isPrivileged {
      // It was given a role before it was ours.
      try strangers.put(kind, record, reading: reading)
      return try Baseline(transaction: transaction, target: profile, now: now())
        .settle(known.object, kind: kind, found: nil)
    }
    guard let object = try known?.object ?? match(record, kind: kind, in: transaction) else {
      return try strangers.put(kind, record, reading: reading)
    }
    if known?.isOurs != true {
      try Quarantine(transaction: transaction, target: profile.name, now: now())
        .relent(mv: object, [.ambiguousMatch, .privilegedMatch])
    }
    // Where somebody took the anchor away, it is given back.
    let (anchor, isOutside) =
      try transaction.first("SELECT source_anchor, outside FROM mv WHERE id = ?", [.integer(object)]) { row in
        (try row[0] as String, try row[1] as Bool)
      } ?? ("", false)
    // What is only referred to stays the target's own, and so do its references.
    if isOutside { try strangers.put(kind, record, reading: reading) }
    try Baseline(transaction: transaction, target: profile, now: now())
      .settle(
        object, kind: kind, found: record, seen: reading, adoption: record.sourceAnchor == anchor ? .none : .anchor)
    if isOutside { return }
    let (held, isComplete) = try resolve(record.links, in: transaction)
    if isComplete {
      try compareLinks(held, of: object, kind: kind, in: transaction)
    } else {
      try DeferredLinks(transaction: transaction, target: profile.name).put(record.links, of: object, kind: kind)
    }
  }

  /// The objects that the target's identifiers lead to, by attribute, and whether all of them are known.
  private func resolve(
    _ links: [String: [String]], in transaction: any Transaction
  ) throws -> (held: [String: Set<Int64>], isComplete: Bool) {
    var isComplete = true
    let held = try links.mapValues { ids in
      var members: Set<Int64> = []
      for id in ids {
        let member: Int64? = try transaction.value(
          "SELECT mv FROM remote WHERE target = ? AND remote_id = ?", [.text(profile.name), .text(id)])
        if let member { members.insert(member) } else { isComplete = false }
      }
      return members
    }
    return (held, isComplete)
  }

  private func compareLinks(
    _ held: [String: Set<Int64>], of object: Int64, kind: ObjectKind, in transaction: any Transaction
  ) throws {
    for attribute in Set((configuration.rules.references[kind] ?? [:]).values)
    where profile.accepts(attribute, of: kind) {
      try compare(held[attribute] ?? [], of: object, attribute: attribute, in: transaction)
    }
  }

  /// Objects that were to be created are compared with what was read.
  private func match() async throws {
    var last: Int64? = -1
    while let after = last {
      try Task.checkCancellation()
      last = try await store.write { [profile, time = now()] transaction in
        try Matching(transaction: transaction, target: profile, now: time).matchCreates(after: after, limit: 500)
      }
    }
  }

  /// The object of the record's source anchor, unless another record has it already.
  private func match(
    _ record: TargetRecord, kind: ObjectKind, in transaction: any Transaction
  ) throws -> Int64? {
    guard let anchor = record.sourceAnchor, !record.isPrivileged else { return nil }
    let object: Int64? = try transaction.value(
      """
      SELECT id FROM mv WHERE source_anchor = ? AND kind = ?
        AND NOT EXISTS (
          SELECT 1 FROM remote WHERE remote.target = ? AND remote.mv = mv.id AND remote.seen > 0 AND remote.adoption = 0)
      """, [.text(anchor), .text(kind.rawValue), .text(profile.name)])
    return object
  }

  /// Brings the confirmed references of an object to what the target holds and settles each with the directory's.
  private func compare(
    _ held: Set<Int64>, of owner: Int64, attribute: String, in transaction: any Transaction
  ) throws {
    let key: [SQLValue] = [.text(profile.name), .integer(owner), .text(attribute)]
    let confirmed = Set(
      try transaction.query(
        "SELECT member FROM remote_link WHERE target = ? AND owner = ? AND attr = ?", key, { try $0[0] as Int64 }))
    let settlement = LinkSettlement(transaction: transaction, targets: [profile], configuration: configuration)
    for member in held.union(confirmed) {
      if held.contains(member) != confirmed.contains(member) {
        let statement =
          held.contains(member)
          ? "INSERT INTO remote_link (target, owner, attr, member) VALUES (?, ?, ?, ?)"
          : "DELETE FROM remote_link WHERE target = ? AND owner = ? AND attr = ? AND member = ?"
        try transaction.run(statement, key + [.integer(member)])
      }
      try settlement.settle(owner: owner, attribute: attribute, member: member, at: profile)
    }
  }

  /// What a complete reading did not meet is not there.
  private func forgetUnseen(_ kind: ObjectKind, reading: Int64) async throws {
    while true {
      let count = try await store.write { [profile, time = now()] transaction in
        let missing = try transaction.query(
          """
          SELECT remote.mv FROM remote JOIN mv ON mv.id = remote.mv
          WHERE remote.target = ? AND remote.seen < ? AND mv.kind = ? LIMIT 500
          """, [.text(profile.name), .integer(reading), .text(kind.rawValue)]
        ) { row in try row[0] as Int64 }
        for object in missing {
          try Baseline(transaction: transaction, target: profile, now: time)
            .settle(object, kind: kind, found: nil, seen: reading)
        }
        return missing.count
      }
      if count == 0 { return }
      logger.notice(
        "objects were missing at the target", metadata: ["kind": "\(kind.rawValue)", "count": "\(count)"])
    }
  }
}
