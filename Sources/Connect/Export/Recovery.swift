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
    var kind: ObjectKind
    var sourceAnchor: String
    /// Whether it was bound to an object that did not carry its anchor yet.
    var isAdopting: Bool
  }

  /// - Returns: how many objects were looked up.
  func run() async throws -> Int {
    let name = profile.name
    _ = try await store.write { transaction in
      try transaction.run("UPDATE pending_link SET sent = NULL WHERE target = ? AND sent IS NOT NULL", [.text(name)])
    }
    var count = 0
    while let next = try await self.next() {
      try Task.checkCancellation()
      let found = try await target.find(next.kind, .sourceAnchor(next.sourceAnchor)).first
      try await store.write { [profile, time = now()] transaction in
        let baseline = Baseline(transaction: transaction, target: profile, now: time)
        if found == nil, next.isAdopting {
          try baseline.retryAdoption(next.object)
        } else {
          try baseline.settle(next.object, kind: next.kind, found: found)
        }
      }
      count += 1
    }
    return count
  }

  private func next() async throws -> Unanswered? {
    try await store.read { [name = profile.name] transaction in
      try transaction.first(
        """
        SELECT pending.mv, mv.kind, mv.source_anchor, COALESCE(remote.adoption, 0) FROM pending
        JOIN mv ON mv.id = pending.mv
        LEFT JOIN remote ON remote.target = pending.target AND remote.mv = pending.mv
        WHERE pending.target = ? AND pending.sent IS NOT NULL LIMIT 1
        """, [.text(name)]
      ) { row in
        Unanswered(
          object: try row[0], kind: ObjectKind(rawValue: try row[1]) ?? .user, sourceAnchor: try row[2],
          isAdopting: (try row[3] as Int) != 0)
      }
    }
  }
}
