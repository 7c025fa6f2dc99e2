// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store

/// Before anything is sent: finds out what became of the requests that an earlier pass left unanswered.
///
/// Each object is looked up by its source anchor. What the target holds becomes the baseline and the operation is
/// settled against it; what it does not hold is created again. References are simply told again: adding a member twice
/// is adding it once.
struct Recovery: Sendable {
  let target: any ExportTarget
  let profile: TargetProfile
  let store: any Store
  let now: @Sendable () -> Double

  private struct Unanswered: Sendable {
    var object: Int64
    var anchored: AnchoredObject
    /// What it lacked to be ours; nil where the target was not known to hold it.
    var adoption: Adoption?

    /// Whether it was bound to an object that did not carry its anchor yet.
    var isAdopting: Bool { (adoption ?? Adoption.none) != Adoption.none }
  }

  /// Objects that are looked up together: more than an export has under way, so that a target that has to be read for it is
  /// read once; few enough to be held in memory.
  private static let batch = 1000

  /// - Returns: how many objects were looked up.
  func run() async throws -> Int {
    let name = profile.name
    _ = try await store.write { transaction in
      try transaction.run("UPDATE pending_link SET sent = NULL WHERE target = ? AND sent IS NOT NULL", [.text(name)])
    }
    var count = 0
    while true {
      try Task.checkCancellation()
      let unanswered = try await next()
      guard !unanswered.isEmpty else { return count }
      let found = try await target.objects(Set(unanswered.map(\.anchored)))
      try await store.write { [profile, time = now()] transaction in
        let baseline = Baseline(transaction: transaction, target: profile, now: time)
        for next in unanswered {
          var record = found[next.anchored]
          if let stranger = record, stranger.isPrivileged, next.adoption == nil {
            // A create says nothing of who made it: it is matched as what a reading finds.
            try Strangers(transaction: transaction, target: profile.name)
              .put(next.anchored.kind, stranger, reading: 0)
            record = nil
          }
          if record == nil, next.isAdopting {
            try baseline.retryAdoption(next.object)
          } else {
            try baseline.settle(next.object, kind: next.anchored.kind, found: record)
          }
        }
      }
      count += unanswered.count
    }
  }

  private func next() async throws -> [Unanswered] {
    try await store.read { [name = profile.name] transaction in
      try transaction.query(
        """
        SELECT pending.mv, mv.kind, mv.source_anchor, remote.adoption FROM pending
        JOIN mv ON mv.id = pending.mv
        LEFT JOIN remote ON remote.target = pending.target AND remote.mv = pending.mv
        WHERE pending.target = ? AND pending.sent IS NOT NULL LIMIT ?
        """, [.text(name), .integer(Int64(Self.batch))]
      ) { row in
        Unanswered(
          object: try row[0],
          anchored: AnchoredObject(try row.kind(1), sourceAnchor: try row[2]),
          adoption: (try row[3] as Int?).map { Adoption(rawValue: $0) ?? Adoption.none })
      }
    }
  }
}
