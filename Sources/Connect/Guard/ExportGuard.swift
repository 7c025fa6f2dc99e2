// SPDX-License-Identifier: Apache-2.0

import Crypto
import IdentityModel
import Store
import SynchronisationRules
import Wire

/// Phase 3: stops an export that would do more harm than an administrator expects, before its first request.
///
/// Counted is what nobody approved: deletions by type, whatever their cause, and members that are removed although both
/// ends stay; and attributes that everybody below a unit loses at once (``ClearedValues``). A service that looks every second would meet a mass deletion piece by piece: the deletions that it let pass
/// a short while ago (the `passed` table) are counted with those that are pending.
struct ExportGuard: Sendable {
  let configuration: ConnectConfiguration
  let target: String

  /// - Throws: ``ConnectError`` `tooManyDeletions`, `tooManyRemovals`, `valuesLost` or `scopeLost`.
  func check(_ store: any Store, at time: Double) async throws {
    let finding = try await store.write { transaction in
      let approvals = Approvals(transaction: transaction, target: target)
      try approvals.forgetDone()
      try ClearedValues(transaction: transaction).forgetDone()
      try transaction.run(
        "DELETE FROM passed WHERE target = ? AND at < ?", [.text(target), .real(time - configuration.guard.window)])
      let finding = try examine(transaction, at: time)
      if finding.isClear {
        try remember(transaction, at: time)
      } else if try approvals.use(finding, at: time) {
        return GuardFinding(target: target)
      }
      return finding
    }
    guard !finding.isClear else { return }
    let code: ConnectErrorCode =
      finding.hasLostScope
      ? .scopeLost
      : !finding.deletions.isEmpty ? .tooManyDeletions : finding.removals.isEmpty ? .valuesLost : .tooManyRemovals
    throw ConnectError(
      code, finding.message,
      remedy: "Nothing was sent to \(target). 'bridgehead connect approve' names the objects; to let exactly this "
        + "through, run 'bridgehead connect approve \(finding.fingerprint)'.")
  }

  /// Whether an export would be let through as things stand; changes nothing.
  func lets(through transaction: any Transaction, at time: Double) throws -> Bool {
    let finding = try examine(transaction, at: time)
    return try finding.isClear
      || Approvals(transaction: transaction, target: target).approved(finding.fingerprint) != nil
  }

  /// Notes the deletions that pass now.
  private func remember(_ transaction: any Transaction, at time: Double) throws {
    guard configuration.guard.remembers else { return }
    try transaction.run(
      """
      INSERT INTO passed (target, anchor, kind, at) SELECT ?1, anchor, kind, ?2 FROM (\(Self.deletions))
      WHERE true ON CONFLICT (target, anchor) DO NOTHING
      """, [.text(target), .real(time)])
  }

  func examine(_ transaction: any Transaction, at time: Double) throws -> GuardFinding {
    var finding = GuardFinding(target: target)
    let limits = configuration.guard
    let deletions = try transaction.query(
      """
      SELECT kind, COUNT(*), TOTAL(isLeaving) FROM (\(Self.deletions)) AS deletion GROUP BY kind
      """, [.text(target)],
      { row in
        (kind: try row.kind(0), count: try row[1] as Int, leaving: Int(try row[2] as Double))
      })
    for (kind, count, leaving) in deletions {
      let recent: Int =
        try transaction.value(
          """
          SELECT COUNT(*) FROM passed WHERE target = ?1 AND kind = ?2 AND at >= ?3
            AND anchor NOT IN (SELECT anchor FROM (\(Self.deletions)))
          """, [.text(target), .text(kind.rawValue), .real(time - limits.window)]) ?? 0
      // Few that leave others behind are passed without counting those.
      guard try count + recent > limits.floor || count + recent > 1 && isLast(kind, transaction) else { continue }
      let total: Int =
        try transaction.value(
          """
          SELECT COUNT(*) FROM remote JOIN mv ON mv.id = remote.mv AND mv.outside = 0
          WHERE remote.target = ? AND mv.kind = ?
          """,
          [.text(target), .text(kind.rawValue)]) ?? 0
      let limit = limits.limit(of: total + recent)
      if count + recent > limit {
        finding.deletions.append(
          .init(kind: kind, count: count, recent: recent, leavingScope: leaving, total: total + recent, limit: limit))
      }
    }
    try examineRemovals(transaction, limits, &finding)
    finding.clearings = try ClearedValues(transaction: transaction).excess(
      target, limit: limits.clearedValues,
      attributes: Set(configuration.rules.rules.flatMap(\.flows).map(\.to)))
    // What went without taking anybody along does no harm.
    if !deletions.isEmpty {
      finding.lostUnits =
        try Scope.lost(configuration, in: transaction) + ScopeGroups.lost(configuration.rules, in: transaction)
    }
    if !finding.isClear { finding.fingerprint = try fingerprint(of: finding, transaction) }
    return finding
  }

  /// Whether the target would hold no object of a kind any more.
  private func isLast(_ kind: ObjectKind, _ transaction: any Transaction) throws -> Bool {
    // In the words of the indexes of all kinds that are fewer than users.
    let rare = kind == .contact || kind == .device ? "AND mv.kind IN ('contact', 'device')" : ""
    let other: Int? = try transaction.value(
      """
      SELECT 1 FROM mv CROSS JOIN remote ON remote.target = ? AND remote.mv = mv.id
      WHERE mv.kind = '\(kind.rawValue)' \(rare) AND mv.gone = 0 AND mv.outside = 0 LIMIT 1
      """, [.text(target)])
    return other == nil
  }

  /// Whether a group would have no member any more of those that it has.
  private func isEmptied(_ group: Int64, _ transaction: any Transaction) throws -> Bool {
    let other: Int? = try transaction.value(
      """
      SELECT 1 FROM remote_link WHERE target = ?1 AND owner = ?2 AND attr = 'members' AND NOT EXISTS (
        SELECT 1 FROM pending_link WHERE pending_link.target = ?1 AND pending_link.owner = ?2
          AND pending_link.attr = 'members' AND pending_link.member = remote_link.member AND pending_link.op = 'remove')
      LIMIT 1
      """, [.text(target), .integer(group)])
    return other == nil
  }

  private func examineRemovals(
    _ transaction: any Transaction, _ limits: ConnectConfiguration.Guard, _ finding: inout GuardFinding
  ) throws {
    let groups = try transaction.query(
      "SELECT owner, COUNT(*) FROM (\(Self.removals)) AS removal GROUP BY owner", [.text(target)]
    ) { row in (owner: try row[0] as Int64, count: try row[1] as Int) }
    let count = groups.reduce(0) { $0 + $1.count }
    if count > limits.removalFloor {
      let total: Int =
        try transaction.value(
          "SELECT COUNT(*) FROM remote_link WHERE target = ? AND attr = 'members'", [.text(target)]) ?? 0
      let limit = limits.limit(ofMemberships: total)
      if count > limit { finding.removals.append(.init(group: nil, count: count, total: total, limit: limit)) }
    }
    for group in groups {
      guard
        try group.count > limits.groupRemovalFloor
          || group.count > limits.smallGroup && isEmptied(group.owner, transaction)
      else { continue }
      let total: Int =
        try transaction.value(
          "SELECT COUNT(*) FROM remote_link WHERE target = ? AND owner = ? AND attr = 'members'",
          [.text(target), .integer(group.owner)]) ?? 0
      let limit = limits.limit(ofMembers: total)
      guard group.count > limit else { continue }
      finding.removals.append(
        .init(
          group: try DifferenceReader.name(of: group.owner, transaction), count: group.count, total: total,
          limit: limit))
    }
  }

  /// The deletions that nobody approved: metaverse object, kind, source anchor, and 1 where the object is still on the
  /// premises. `?1` is the target.
  static let deletions = """
    SELECT mv.id AS object, mv.kind AS kind, mv.source_anchor AS anchor,
      EXISTS (SELECT 1 FROM entry WHERE entry.mv = mv.id AND entry.deleted = 0) AS isLeaving
    FROM pending JOIN mv ON mv.id = pending.mv
    WHERE pending.target = ?1 AND pending.op = 'delete' AND NOT EXISTS (
      SELECT 1 FROM approved WHERE approved.target = ?1 AND approved.mv = pending.mv AND approved.member = 0)
    """

  /// The removals of members that nobody approved, where group and member stay: group, member, and both source anchors.
  /// `?1` is the target.
  static let removals = """
    SELECT pending_link.owner AS owner, pending_link.member AS member, g.source_anchor AS ownerAnchor,
      m.source_anchor AS memberAnchor
    FROM pending_link JOIN mv AS g ON g.id = pending_link.owner AND g.gone = 0
      JOIN mv AS m ON m.id = pending_link.member AND m.gone = 0
    WHERE pending_link.target = ?1 AND pending_link.attr = 'members' AND pending_link.op = 'remove' AND NOT EXISTS (
      SELECT 1 FROM approved WHERE approved.target = ?1 AND approved.mv = pending_link.owner
        AND approved.member = pending_link.member)
    """

  /// A hash over the source anchors of what is to be deleted, and of what is to be removed, as far as the guard stops it:
  /// a small change elsewhere makes no other difference of it.
  private func fingerprint(of finding: GuardFinding, _ transaction: any Transaction) throws -> String {
    var hash = SHA256()
    func add(_ text: String) { hash.update(data: Array(text.utf8) + [0]) }
    add(target)
    let kinds = Set(finding.deletions.map(\.kind.rawValue))
    try transaction.forEach(
      "SELECT kind, anchor FROM (\(Self.deletions)) AS deletion ORDER BY anchor", [.text(target)]
    ) { row in
      let kind: String = try row[0]
      if finding.hasLostScope || kinds.contains(kind) { add(try row[1]) }
    }
    if !finding.removals.isEmpty {
      add("")
      try transaction.forEach(
        "SELECT ownerAnchor, memberAnchor FROM (\(Self.removals)) AS removal ORDER BY ownerAnchor, memberAnchor",
        [.text(target)]
      ) { row in
        add(try row[0])
        add(try row[1])
      }
    }
    if !finding.clearings.isEmpty {
      add("")
      let attributes = Set(finding.clearings.map(\.attribute))
      try transaction.forEach(
        "SELECT attr, anchor FROM (\(ClearedValues.pending)) AS clearing ORDER BY attr, anchor", [.text(target)]
      ) { row in
        guard attributes.contains(try row[0]) else { return }
        add(try row[0])
        add(try row[1])
      }
    }
    return Hex.encode(Array(hash.finalize().prefix(8)))
  }
}
