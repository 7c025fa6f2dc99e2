// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import IdentityModel
package import Store
import Wire

/// An object, or one of its values, that is quarantined or refused: what `connect errors` shows.
package struct HeldObject: Sendable, Codable, Equatable {
  /// Its distinguished name; nil when its entry is gone.
  package var distinguishedName: String?
  /// The sign-in name or display name; nil when it never came to the metaverse.
  package var name: String?
  package var kind: ObjectKind?
  package var sourceAnchor: String?
  /// Nil when it concerns every target.
  package var target: String?
  package var reason: QuarantineReason
  package var detail: String
  /// The object that is in the way.
  package var other: Other?
  /// Seconds since 1970.
  package var since: Double
  package var attempts: Int
  /// When the refused operation is tried again; nil when it waits for the conflict to end.
  package var nextTry: Double?
  package var remedy: String

  package struct Other: Sendable, Codable, Equatable {
    package var name: String
    package var distinguishedName: String?
  }

  /// Everything that is held, the longest held first.
  package static func read(_ store: any Store) async throws -> [HeldObject] {
    try await store.read { transaction in
      try transaction.query(
        """
        SELECT entry.dn, mv.id, COALESCE(mv.kind, entry.kind), mv.source_anchor, quarantine.target, quarantine.reason,
          quarantine.detail, other.id, quarantine.since, quarantine.attempts, quarantine.next_try,
          (SELECT dn FROM entry WHERE entry.mv = other.id LIMIT 1)
        FROM quarantine LEFT JOIN entry ON entry.id = quarantine.entry
          LEFT JOIN mv ON mv.id = COALESCE(quarantine.mv, entry.mv)
          LEFT JOIN mv AS other ON other.id = CAST(quarantine.other AS INTEGER)
        ORDER BY quarantine.since, quarantine.entry, quarantine.reason
        """, []
      ) { row in
        guard let reason = QuarantineReason(rawValue: try row[5]) else {
          throw ConnectError.corrupt("an unknown reason of quarantine")
        }
        let target: String = try row[4]
        let object: Int64? = try row[1]
        let otherObject: Int64? = try row[7]
        let otherDN: String? = try row[11]
        return HeldObject(
          distinguishedName: try row[0], name: try object.map { try DifferenceReader.name(of: $0, transaction) },
          kind: (try row[2] as String?).flatMap(ObjectKind.init), sourceAnchor: try row[3],
          target: target == Quarantine.everyTarget ? nil : target, reason: reason, detail: try row[6],
          other: try otherObject.map {
            Other(name: try DifferenceReader.name(of: $0, transaction), distinguishedName: otherDN)
          },
          since: try row[8], attempts: try row[9], nextTry: try row[10], remedy: reason.remedy)
      }
    }
  }

  /// Makes the next pass try at once what waits, instead of at its time.
  ///
  /// - Parameter objects: rows of the connector space and of the metaverse, as ``ObjectFinder`` finds them; nil for all.
  /// - Returns: how many were waiting.
  static func retry(
    _ objects: [ObjectFinder.Found]?, at time: Double, in transaction: any Transaction
  ) throws -> Int {
    var count = 0
    for object in objects ?? [(entry: nil, mv: nil)] {
      let (condition, arguments): (String, [SQLValue]) =
        objects == nil
        ? ("1", []) : ("(entry = ?1 OR mv = ?2)", [SQLValue(object.entry), SQLValue(object.mv)])
      // What waits for a conflict to end is looked at again by synchronising its entry.
      try transaction.run(
        "UPDATE entry SET dirty = 1 WHERE id IN (SELECT entry FROM quarantine WHERE next_try IS NULL AND \(condition))",
        arguments)
      try transaction.run("UPDATE quarantine SET next_try = 0 WHERE next_try IS NOT NULL AND \(condition)", arguments)
      count += try transaction.value("SELECT COUNT(*) FROM quarantine WHERE \(condition)", arguments) ?? 0
    }
    if objects == nil {
      count += try transaction.run("UPDATE unresolved SET next_try = 0 WHERE next_try > ?", [.real(time)])
    }
    if count > 0 { try Setting.save(.call, String(time), in: transaction) }
    return count
  }
}

extension ObjectFinder {
  /// Makes the next pass try at once what waits: an object named as for ``show(_:in:)``, or everything when nil.
  ///
  /// - Returns: how many values and operations were waiting.
  /// - Throws: ``ConnectError`` `objectNotFound`.
  package func retry(_ object: String?, in store: any Store) async throws -> Int {
    let time = now().timeIntervalSince1970
    return try await store.write { transaction in
      try HeldObject.retry(try object.map { try known($0, transaction) }, at: time, in: transaction)
    }
  }
}

extension QuarantineReason {
  /// What an administrator can do about it.
  package var remedy: String {
    switch self {
    case .duplicateUserName: "give one of the two another user principal name; the conflict then ends by itself."
    case .duplicateAddress: "remove the address from one of the two; the conflict then ends by itself."
    case .duplicateAnchor: "clear or correct ms-DS-ConsistencyGuid of one of the two."
    case .anchorChanged: "restore the ms-DS-ConsistencyGuid that the object was made with."
    case .ruleFailed: "correct in the directory what the text names, or the rule that says so."
    case .ambiguousJoin: "make the values by which users are joined unique, or take the object out of scope."
    case .ambiguousMatch: "give the right object in the cloud the source anchor, or make names and addresses unique."
    case .privilegedMatch:
      "take the privileged roles from the account in the cloud, or give one of the two another name."
    case .anchorNotWritten:
      "let the service account write ms-DS-ConsistencyGuid, or correct what the detail names; it is tried again by itself."
    case .targetConflict: "find the object in the cloud that has the value, and change or delete one of the two."
    case .targetRefused: "correct the value that the detail names; it is tried again by itself."
    case .referenceRefused:
      "see whether the target has the member that the detail names; it is tried again by itself."
    case .notAccepted: "see who else writes the value in the cloud; it is tried again by itself."
    }
  }
}
