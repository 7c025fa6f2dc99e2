// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// Finds what a target held before under an object's source anchor (hard match) or, without any anchor, under its sign-in
/// name or primary address (soft match), so that it is taken over instead of being created twice.
///
/// A privileged account is never taken over: whoever may choose a name in a directory would become administrator of the
/// target.
struct Matching {
  let transaction: any Transaction
  let target: TargetProfile
  /// Seconds since 1970.
  let now: Double

  /// What to do about an object that the target is not known to hold.
  enum Verdict {
    case none
    case take(TargetRecord)
    case hold(QuarantineReason, String)
  }

  /// By what records are compared with an object.
  struct Names: Sendable, Equatable {
    var userName: String?
    var address: String?

    init(_ attributes: Attributes) {
      userName = attributes.text("userPrincipalName")?.lowercased()
      address =
        (attributes.texts("proxyAddresses").first { $0.hasPrefix("SMTP:") }.map(Address.bare)
        ?? attributes.text("mail"))?.lowercased()
    }
  }

  /// The rules, whichever way the records were found. All of them have the object's anchor, its name or its address.
  static func judge(_ records: [TargetRecord], sourceAnchor: String) -> Verdict {
    let live = records.filter { !$0.isDeleted }
    let hard = live.filter { $0.sourceAnchor == sourceAnchor }
    let deleted = records.filter { $0.isDeleted && $0.sourceAnchor == sourceAnchor }
    // What carries another anchor belongs to another object, of this directory or of another one.
    let soft = live.filter { $0.sourceAnchor ?? "" == "" }
    let candidates = !hard.isEmpty ? hard : !deleted.isEmpty ? deleted : soft
    guard let first = candidates.first else { return .none }
    guard candidates.count == 1 else {
      return .hold(
        .ambiguousMatch, "The target holds several objects that it could be: " + list(candidates) + ".")
    }
    if first.isPrivileged {
      return .hold(
        .privilegedMatch,
        first.isDeleted
          ? "The target's deleted account (\(first.id)) is privileged and is not restored; let an administrator restore it "
            + "there and take its role away, or purge it."
          : "The target's account \(describe(first)) is privileged and is not taken over; rename one of the two, or give "
            + "the account the source anchor \(sourceAnchor) after taking its role away.")
    }
    return .take(first)
  }

  private static func list(_ records: [TargetRecord]) -> String {
    records.map(describe).sorted().joined(separator: "; ")
  }

  private static func describe(_ record: TargetRecord) -> String {
    "\(record.attributes.text("userPrincipalName") ?? record.attributes.text("displayName") ?? "without a name") "
      + "(\(record.id))"
  }

  // MARK: By the last full reading

  /// Binds an object to what the target holds for it.
  ///
  /// - Returns: the record that was taken; whether the object has to be held back instead.
  func match(
    _ object: Int64, kind: ObjectKind, desired: Attributes
  ) throws -> (taken: TargetRecord?, isHeld: Bool) {
    let strangers = Strangers(transaction: transaction, target: target.name)
    guard try !strangers.isEmpty,
      let anchor: String = try transaction.value("SELECT source_anchor FROM mv WHERE id = ?", [.integer(object)])
    else { return (nil, false) }
    let records = try strangers.find(kind, sourceAnchor: anchor, Names(desired))
    var verdict = Self.judge(records, sourceAnchor: anchor)
    if case .take(let record) = verdict, record.sourceAnchor != anchor, let rival = try rival(of: object, for: record) {
      verdict = .hold(
        .ambiguousMatch, "The target's object \(Self.describe(record)) could also be \(rival).")
    }
    let quarantine = Quarantine(transaction: transaction, target: target.name, now: now)
    try quarantine.relent(mv: object, [.ambiguousMatch, .privilegedMatch])
    switch verdict {
    case .none: return (nil, false)
    case .take(let record):
      try bind(object, record)
      try strangers.remove(record.id)
      return (record, false)
    case .hold(let reason, let detail):
      try quarantine.put(mv: object, reason, detail)
      return (nil, true)
    }
  }

  /// Another object without a place at the target that has the record's name or primary address.
  private func rival(of object: Int64, for record: TargetRecord) throws -> String? {
    let names = Names(record.attributes)
    for (space, value) in [(Claim.Space.userName, names.userName), (.address, names.address)] {
      guard let value else { continue }
      let rival: [UInt8]? = try transaction.value(
        """
        SELECT \(TargetForms.attributes(at: "?1")) FROM claim JOIN mv ON mv.id = claim.mv AND mv.gone = 0
        WHERE claim.target = ?1 AND claim.attr = ?2 AND claim.folded = ?3 AND claim.held = 1 AND claim.mv <> ?4
          AND NOT EXISTS (SELECT 1 FROM remote WHERE remote.target = ?1 AND remote.mv = mv.id)
        """, [.text(target.name), .text(space.rawValue), .text(value), .integer(object)])
      guard let attributes = try rival.map({ try Attributes(stored: $0) }) else { continue }
      let its = Names(attributes)
      if its.userName == names.userName || its.address == names.address {
        return DifferenceReader.name(attributes) ?? ""
      }
    }
    return nil
  }

  /// From now on the record is the object's; what is still missing is its anchor, or its return from deletion.
  func bind(_ object: Int64, _ record: TargetRecord) throws {
    let anchor: String? = try transaction.value("SELECT source_anchor FROM mv WHERE id = ?", [.integer(object)])
    let adoption: Adoption = record.isDeleted ? .restore : record.sourceAnchor == anchor ? .none : .anchor
    // A full reading that is under way has met it.
    let reading = try Setting.load(.reading, of: target.name, in: transaction).flatMap { Int64($0) } ?? 0
    try Baseline(transaction: transaction, target: target, now: now)
      .put(object, record, seen: reading, adoption: adoption)
  }

  /// After a full reading: everything that was to be created is compared with what the target turned out to hold.
  ///
  /// - Returns: the last object that was looked at; nil when none is left.
  func matchCreates(after last: Int64, limit: Int) throws -> Int64? {
    let rows = try transaction.query(
      """
      SELECT mv.id, mv.kind, \(TargetForms.attributes(at: "?1")), pending.state
      FROM pending JOIN mv ON mv.id = pending.mv AND mv.gone = 0
      WHERE pending.target = ?1 AND pending.op = 'create' AND pending.sent IS NULL AND pending.mv > ?2
      ORDER BY pending.mv LIMIT ?3
      """, [.text(target.name), .integer(last), .integer(Int64(limit))]
    ) { row in
      (
        object: try row[0] as Int64, kind: try row.kind(1),
        desired: try row[2] as [UInt8],
        isHeld: (try row[3] as String) == PendingState.held.rawValue
      )
    }
    let queue = PendingQueue(transaction: transaction, target: target, now: now)
    for row in rows {
      let isWaiting = try row.isHeld && queue.isWaitingForAName(row.object)
      try queue.settle(
        row.object, kind: row.kind, desired: try Attributes(stored: row.desired), isHeld: isWaiting, hasChanged: false)
    }
    return rows.last?.object
  }
}

/// What a target's object lacks to be one of ours. The raw values are those of the store.
enum Adoption: Int, Sendable {
  case none
  /// It does not carry the source anchor.
  case anchor
  /// It is deleted and can be restored.
  case restore
}

/// The `stranger` table: what a target holds that is no object of ours, as of its last full reading, and what it can
/// restore.
struct Strangers {
  let transaction: any Transaction
  let target: String

  var isEmpty: Bool {
    get throws {
      let row: Int? = try transaction.value("SELECT 1 FROM stranger WHERE target = ? LIMIT 1", [.text(target)])
      return row == nil
    }
  }

  func put(_ kind: ObjectKind, _ record: TargetRecord, reading: Int64) throws {
    let names = record.isDeleted ? Matching.Names(Attributes()) : Matching.Names(record.attributes)
    try transaction.run(
      """
      INSERT INTO stranger
        (target, remote_id, kind, source_anchor, user_name, address, privileged, deleted, etag, attrs, reading)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (target, remote_id) DO UPDATE SET
        kind = excluded.kind, source_anchor = excluded.source_anchor, user_name = excluded.user_name,
        address = excluded.address, privileged = excluded.privileged, deleted = excluded.deleted, etag = excluded.etag,
        attrs = excluded.attrs, reading = excluded.reading
      """,
      [
        .text(target), .text(record.id), .text(kind.rawValue), SQLValue(record.sourceAnchor), SQLValue(names.userName),
        SQLValue(names.address), SQLValue(record.isPrivileged), SQLValue(record.isDeleted), SQLValue(record.version),
        .blob(record.attributes.encoded()), .integer(reading),
      ])
  }

  func remove(_ id: String) throws {
    try transaction.run("DELETE FROM stranger WHERE target = ? AND remote_id = ?", [.text(target), .text(id)])
  }

  /// What was deleted under an anchor before is not what is taken back.
  func forgetDeleted(_ kind: ObjectKind, sourceAnchor: String) throws {
    try transaction.run(
      "DELETE FROM stranger WHERE target = ? AND source_anchor = ? AND kind = ? AND deleted = 1",
      [.text(target), .text(sourceAnchor), .text(kind.rawValue)])
  }

  /// What the last reading of a kind did not meet is not there any more.
  func forget(_ kind: ObjectKind, before reading: Int64) throws {
    try transaction.run(
      "DELETE FROM stranger WHERE target = ? AND kind = ? AND reading < ?",
      [.text(target), .text(kind.rawValue), .integer(reading)])
  }

  func find(_ kind: ObjectKind, sourceAnchor: String, _ names: Matching.Names) throws -> [TargetRecord] {
    var found: [String: TargetRecord] = [:]
    for (column, value) in [
      ("source_anchor", sourceAnchor), ("user_name", names.userName), ("address", names.address),
    ] {
      guard let value else { continue }
      let records = try transaction.query(
        """
        SELECT remote_id, etag, source_anchor, attrs, privileged, deleted FROM stranger
        WHERE target = ? AND \(column) = ? AND kind = ? AND NOT EXISTS (
          SELECT 1 FROM remote WHERE remote.target = stranger.target AND remote.remote_id = stranger.remote_id)
        """, [.text(target), .text(value), .text(kind.rawValue)]
      ) { row in
        TargetRecord(
          id: try row[0], version: try row[1], sourceAnchor: try row[2],
          attributes: try Attributes(stored: try row[3]), isPrivileged: try row[4], isDeleted: try row[5])
      }
      for record in records { found[record.id] = record }
    }
    return found.values.sorted { $0.id < $1.id }
  }
}
