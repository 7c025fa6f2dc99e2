// SPDX-License-Identifier: Apache-2.0

import Store

/// What a pass that imported nothing new would still find to do.
struct Work: Sendable, Equatable {
  /// Something that no pass has looked at yet, or whose time has come.
  var isNew: Bool
  /// Operations that the last passes left.
  var leftovers: Int

  /// - Parameter leftBehind: sources that could not be read; their catalogs are not asked, either.
  static func look(
    _ configuration: ConnectConfiguration, leftBehind: [String] = [], now: Double, in transaction: any Transaction
  ) throws -> Work {
    let isUnsynchronised: Bool =
      try transaction.value(
        """
        SELECT EXISTS (SELECT 1 FROM entry WHERE dirty = 1) OR EXISTS (SELECT 1 FROM link WHERE change IS NOT NULL)
          OR EXISTS (SELECT 1 FROM due WHERE at <= ?)
        """, [.integer(Int64(now))]) ?? false
    let isReferenceDue = try configuration.catalogSources.subtracting(leftBehind).contains { source in
      try !UnresolvedReferences(transaction: transaction, source: source).due(at: now, limit: 1).isEmpty
    }
    // Nothing is exported in staging mode: what is pending stays.
    if configuration.isStaging { return Work(isNew: isUnsynchronised || isReferenceDue, leftovers: 0) }
    let isRetryDue = try configuration.targets.contains { target in
      try Quarantine(transaction: transaction, target: target.name, now: now).isReleaseDue()
    }
    let isReadingDue = try configuration.targets.contains { target in
      try Reconciliation.isDue(target.name, configuration, now: now, in: transaction)
    }
    let leftovers: Int =
      try transaction.value(
        """
        SELECT (SELECT COUNT(*) FROM pending WHERE state = 'ready' OR sent IS NOT NULL)
          + (SELECT COUNT(*) FROM pending_link WHERE state = 'ready' OR sent IS NOT NULL)
        """) ?? 0
    return Work(isNew: isUnsynchronised || isReferenceDue || isRetryDue || isReadingDue, leftovers: leftovers)
  }
}
