// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// Phase 5: what the target answered becomes the new baseline, in the transaction that clears what was sent.
struct Confirmation: Sendable {
  let target: TargetProfile
  let configuration: ConnectConfiguration
  /// Whether a conflict is final, because no further round follows.
  let isLast: Bool
  /// Seconds since 1970.
  let now: Double

  struct Recorded: Sendable {
    var exported: [ObjectKind: CycleReport.Exported] = [:]
    /// Objects whose operation is ready for another round.
    var again: Set<Int64> = []
    /// Those of them that met a conflict.
    var conflicts: Set<Int64> = []
    /// Members that the target does not seem to have: they are looked up before the next round.
    var lookUps = 0
    var errors: [String] = []
  }

  func record(
    _ answers: [(PlannedOperation, ExportOutcome)], in transaction: any Transaction
  ) throws -> Recorded {
    var recorded = Recorded()
    var refused: [Int64: (sourceAnchor: String, reason: String)] = [:]
    for (planned, outcome) in answers {
      if planned.links.isEmpty {
        try record(planned, outcome, &recorded, transaction)
      } else if let reason = try recordLinks(planned, outcome, &recorded, transaction) {
        refused[planned.object] = (planned.sourceAnchor, reason)
      }
    }
    let quarantine = Quarantine(transaction: transaction, target: target.name, now: now)
    for (owner, refusal) in refused.sorted(by: { $0.key < $1.key }) {
      let detail = try HeldLinks(transaction: transaction, target: target.name).describe(owner) + ": " + refusal.reason
      try quarantine.refuse(mv: owner, .referenceRefused, detail)
      recorded.errors.append("\(refusal.sourceAnchor): \(detail)")
    }
    return recorded
  }

  // MARK: Objects

  private func record(
    _ planned: PlannedOperation, _ outcome: ExportOutcome, _ recorded: inout Recorded, _ transaction: any Transaction
  ) throws {
    let baseline = Baseline(transaction: transaction, target: target, now: now)
    let quarantine = Quarantine(transaction: transaction, target: target.name, now: now)
    switch (planned.operation, outcome) {
    case (.delete, .done), (.delete, .notFound):
      try deleted(planned, baseline, transaction)
      recorded.exported[planned.kind, default: .init()].deleted += 1
    case (.create, .done(let record?)):
      try clear(planned, confirmed: record, baseline, quarantine, &recorded, transaction)
      recorded.exported[planned.kind, default: .init()].created += 1
    case (.create, .existing(let record)):
      try clear(planned, confirmed: record, baseline, quarantine, &recorded, transaction)
      recorded.exported[planned.kind, default: .init()].adopted += 1
    case (.update(_, let id, _, let attributes), .done(let record)):
      let confirmed =
        record ?? TargetRecord(id: id, sourceAnchor: planned.sourceAnchor, attributes: attributes)
      try clear(planned, confirmed: confirmed, baseline, quarantine, &recorded, transaction)
      recorded.exported[planned.kind, default: .init()].updated += 1
    case (.create, .matching(let record)):
      try Matching(transaction: transaction, target: target, now: now).bind(planned.object, record)
      try unsend(planned, "ready", transaction)
      try transaction.run(
        "UPDATE pending SET op = 'update' WHERE target = ? AND mv = ? AND op = 'create'",
        [.text(target.name), .integer(planned.object)])
      recorded.again.insert(planned.object)
    case (_, .held(let reason, let detail)):
      try hold(planned, reason, detail, quarantine, &recorded, transaction)
    case (.adopt(_, let id, _, _, _, let attributes), .done(let record)),
      (.adopt(_, let id, _, _, _, let attributes), .restored(let record, _)):
      let confirmed =
        record ?? TargetRecord(id: id, sourceAnchor: planned.sourceAnchor, attributes: attributes)
      try clear(planned, confirmed: confirmed, baseline, quarantine, &recorded, transaction)
      recorded.exported[planned.kind, default: .init()].adopted += 1
      if case .restored(_, let groups) = outcome {
        try Memberships(transaction: transaction, target: target, configuration: configuration)
          .found(groups, of: planned.object)
      }
    case (.update, .notFound), (.adopt, .notFound):
      try baseline.settle(planned.object, kind: planned.kind, found: nil)
      recorded.again.insert(planned.object)
    case (_, .conflict) where !isLast:
      try unsend(planned, "ready", transaction)
      recorded.again.insert(planned.object)
      recorded.conflicts.insert(planned.object)
    case (_, .conflict(let reason)):
      try hold(planned, .targetConflict, reason, quarantine, &recorded, transaction)
    case (_, .refused(let reason)):
      try hold(planned, .targetRefused, reason, quarantine, &recorded, transaction)
    case (_, .unanswered(let reason)), (_, .unavailable(let reason)):
      // The mark stays: the object is looked up before the next round, or by the next pass.
      recorded.again.insert(planned.object)
      recorded.errors.append("\(planned.sourceAnchor): \(reason)")
    case (.create, _), (.update, _), (.adopt, _), (.delete, _), (.link, _):
      try hold(planned, .targetRefused, "The target gave no usable answer.", quarantine, &recorded, transaction)
    }
  }

  /// Takes over what the target holds and clears the revision that was sent.
  private func clear(
    _ planned: PlannedOperation, confirmed: TargetRecord, _ baseline: Baseline, _ quarantine: Quarantine,
    _ recorded: inout Recorded, _ transaction: any Transaction
  ) throws {
    try baseline.put(planned.object, confirmed)
    let difference = target.difference(from: confirmed.attributes, to: planned.desired, kind: planned.kind)
    let key: [SQLValue] = [.text(target.name), .integer(planned.object)]
    if difference.isEmpty {
      try quarantine.relent(
        mv: planned.object, [.targetConflict, .targetRefused, .notAccepted, .ambiguousMatch, .privilegedMatch])
      let cleared = try transaction.run(
        "DELETE FROM pending WHERE target = ? AND mv = ? AND revision = ? AND op <> 'delete'",
        key + [.integer(planned.revision)])
      if cleared == 0 { try unsend(planned, "ready", transaction) }
      return
    }
    // The target holds something else: an object that was there already, or a value that it changed.
    try transaction.run(
      "UPDATE pending SET op = 'update', sent = NULL WHERE target = ? AND mv = ? AND op <> 'delete'", key)
    if isLast {
      try hold(
        planned, .notAccepted,
        "The target keeps other values of " + difference.names.joined(separator: ", ") + ".", quarantine, &recorded,
        transaction)
    } else {
      recorded.again.insert(planned.object)
    }
  }

  private func deleted(
    _ planned: PlannedOperation, _ baseline: Baseline, _ transaction: any Transaction
  ) throws {
    let isGone: Bool =
      try transaction.value("SELECT gone FROM mv WHERE id = ?", [.integer(planned.object)]) ?? true
    if isGone {
      try baseline.rememberDeleted(planned.object, kind: planned.kind)
      try Metaverse.release(object: planned.object, from: target.name, in: transaction)
    } else {
      // It came back while its deletion was under way.
      try baseline.settle(planned.object, kind: planned.kind, found: nil)
    }
  }

  private func unsend(_ planned: PlannedOperation, _ state: String, _ transaction: any Transaction) throws {
    try transaction.run(
      "UPDATE pending SET sent = NULL, state = ? WHERE target = ? AND mv = ?",
      [.text(state), .text(target.name), .integer(planned.object)])
  }

  private func hold(
    _ planned: PlannedOperation, _ reason: QuarantineReason, _ detail: String, _ quarantine: Quarantine,
    _ recorded: inout Recorded, _ transaction: any Transaction
  ) throws {
    let revision: Int64? = try transaction.value(
      "SELECT revision FROM pending WHERE target = ? AND mv = ?", [.text(target.name), .integer(planned.object)])
    // A newer revision was not refused: it gets its own try.
    try unsend(planned, revision == planned.revision ? "held" : "ready", transaction)
    if revision == planned.revision { try quarantine.refuse(mv: planned.object, reason, detail) }
    recorded.errors.append("\(planned.sourceAnchor): \(detail)")
  }

  // MARK: References

  /// - Returns: why references are held now; nil when none are.
  private func recordLinks(
    _ planned: PlannedOperation, _ outcome: ExportOutcome, _ recorded: inout Recorded, _ transaction: any Transaction
  ) throws -> String? {
    let condition = "target = ? AND owner = ? AND attr = ? AND member = ?"
    func key(_ link: PlannedLink) -> [SQLValue] {
      [.text(target.name), .integer(planned.object), .text(planned.attribute), .integer(link.member)]
    }
    func unsend(_ state: PendingState) throws {
      for link in planned.links {
        try transaction.run(
          "UPDATE pending_link SET sent = NULL, state = ? WHERE \(condition)", [.text(state.rawValue)] + key(link))
      }
    }
    switch outcome {
    case .done:
      for link in planned.links {
        if link.operation == .add {
          try transaction.run(
            "INSERT INTO remote_link (target, owner, attr, member) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            key(link))
          recorded.exported[planned.kind, default: .init()].linksAdded += 1
        } else {
          try transaction.run("DELETE FROM remote_link WHERE \(condition)", key(link))
          recorded.exported[planned.kind, default: .init()].linksRemoved += 1
        }
        let cleared = try transaction.run(
          "DELETE FROM pending_link WHERE \(condition) AND revision = ?", key(link) + [.integer(link.revision)])
        if cleared == 0 {
          try transaction.run("UPDATE pending_link SET sent = NULL WHERE \(condition)", key(link))
        }
      }
      try HeldLinks(transaction: transaction, target: target.name).relent(planned.object)
    case .notFound where !isLast || planned.links.count > 1:
      // Either the owner is gone, or a member is: both are looked up before the next round.
      try unsend(.ready)
      try lookUp(planned.object, &recorded, transaction)
      try lookUpMember(of: planned, &recorded, transaction)
      recorded.again.insert(planned.object)
    case .notFound:
      try unsend(.held)
      return "The target does not find one of the two."
    case .conflict(let reason), .refused(let reason), .held(_, let reason):
      // A newer revision was not refused, but waits for its owner's next try as well.
      try unsend(.held)
      try lookUpMember(of: planned, &recorded, transaction)
      return reason
    case .unanswered(let reason), .unavailable(let reason):
      recorded.again.insert(planned.object)
      recorded.errors.append("\(planned.sourceAnchor): \(reason)")
    case .restored, .existing, .matching:
      recorded.errors.append("\(planned.sourceAnchor): the target gave no usable answer")
    }
    return nil
  }

  /// A member that is refused by itself may have been deleted at the target.
  private func lookUpMember(
    of planned: PlannedOperation, _ recorded: inout Recorded, _ transaction: any Transaction
  ) throws {
    guard planned.links.count == 1, let link = planned.links.first, link.operation == .add else { return }
    try lookUp(link.member, &recorded, transaction)
  }

  /// Has ``Recovery`` find out whether the target has an object, as after a request that was not answered. What is only
  /// referred to is looked up by full readings.
  private func lookUp(_ object: Int64, _ recorded: inout Recorded, _ transaction: any Transaction) throws {
    recorded.lookUps += try transaction.run(
      """
      INSERT INTO pending (target, mv, op, revision, sent, state)
      SELECT ?1, id, 'update', 1, 1, 'ready' FROM mv WHERE id = ?2 AND outside = 0
      ON CONFLICT (target, mv) DO UPDATE SET sent = revision
      """, [.text(target.name), .integer(object)])
  }
}
