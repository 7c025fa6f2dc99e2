// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import IdentityModel
import Logging
import Store
import SynchronisationRules
import Wire

/// Phase 2: takes every entry that changed to the metaverse and leaves what each target has yet to be told in `pending`.
///
/// The work is a queue in the store (`entry.dirty`, `link.change`): each transaction takes a stretch of it, so that a
/// crash repeats nothing and loses nothing.
struct Synchroniser: Sendable {
  let configuration: ConnectConfiguration
  let targets: [TargetProfile]
  let logger: Logger
  let now: @Sendable () -> Double

  static let entriesPerTransaction = 500
  static let linksPerTransaction = 2_000

  /// - Parameter full: looks at every entry and every reference again, so that the pending export owes nothing to earlier
  ///   passes.
  func run(_ store: any Store, full: Bool, progress: Progress) async throws -> Int {
    try await store.write { transaction in try prepare(transaction, full: full) }
    let total: Int? = try await store.read { transaction in
      try transaction.value(
        """
        SELECT (SELECT COUNT(*) FROM entry WHERE dirty = 1) + (SELECT COUNT(*) FROM link WHERE change IS NOT NULL)
        """)
    }
    var done = 0
    while true {
      try Task.checkCancellation()
      let count = try await store.write { transaction in
        let entries = try synchroniseEntries(transaction, limit: Self.entriesPerTransaction)
        return entries > 0 ? entries : try synchroniseLinks(transaction, limit: Self.linksPerTransaction)
      }
      if count == 0 { return done }
      done += count
      progress.report(.synchronise, done: done, total: total.map { max($0, done) })
    }
  }

  /// References only: between two rounds of an export, when objects turned out to be missing at the target.
  func settleLinks(_ store: any Store) async throws {
    while try await store.write({ try synchroniseLinks($0, limit: Self.linksPerTransaction) }) > 0 {
      try Task.checkCancellation()
    }
  }

  /// Everything in one transaction: what a preview undoes afterwards.
  func runAll(_ transaction: any Transaction, full: Bool) throws -> Int {
    try prepare(transaction, full: full)
    var done = 0
    while true {
      var count = try synchroniseEntries(transaction, limit: Self.entriesPerTransaction)
      if count == 0 { count = try synchroniseLinks(transaction, limit: Self.linksPerTransaction) }
      if count == 0 { return done }
      done += count
    }
  }

  /// Marks what has to be looked at again although its entry did not change: after a change of the configuration or of
  /// the rules everything, as when somebody asks for it; otherwise what is due.
  private func prepare(_ transaction: any Transaction, full: Bool) throws {
    let missing = try Scope.resolve(configuration, in: transaction)
    guard missing.isEmpty else {
      throw ConnectError(
        .scopeUnresolved,
        "The configuration names organisational units that the directory does not have: "
          + missing.joined(separator: "; ") + ".",
        remedy: "Correct the names under include and exclude; nothing was exported.")
    }
    let groups = try ScopeGroups(configuration.rules, in: transaction).resolve()
    guard groups.isEmpty else {
      throw ConnectError(
        .scopeUnresolved,
        "The rules name groups that the directory does not have: " + groups.joined(separator: "; ") + ".",
        remedy: "Correct the names at ISMEMBEROF and ISNOTMEMBEROF; nothing was exported.")
    }
    let fingerprint =
      configuration.rulesFingerprint + "/" + targets.map(\.fingerprint).joined(separator: "/")
    let isNew = try Setting.load(.rules, in: transaction) != fingerprint
    if isNew || full {
      try transaction.run("UPDATE entry SET dirty = 1 WHERE deleted = 0", [])
      try transaction.run("UPDATE link SET change = 1 WHERE change IS NULL", [])
    }
    if isNew {
      try JoinKeys(transaction: transaction, rules: JoinRules(configuration)).rebuild()
      try forgetFormerTargets(transaction)
      for source in configuration.sources where !configuration.catalogSources.contains(source) {
        try transaction.run("DELETE FROM unresolved WHERE source = ?", [.text(source)])
      }
      for source in configuration.sources where !configuration.anchorSources.contains(source) {
        try transaction.run(
          "DELETE FROM anchor_write WHERE entry IN (SELECT id FROM entry WHERE source = ?)", [.text(source)])
      }
      try ImportedDomains(configuration, in: transaction).forgetOthers(in: transaction)
      try Setting.save(.rules, fingerprint, in: transaction)
      try Setting.save(.rulesChanged, "", in: transaction)
    }
    try DueTimes(transaction: transaction, now: now()).wake()
  }

  /// What a target that is no longer configured holds is its own business from now on; should it come back, it is read
  /// anew.
  private func forgetFormerTargets(_ transaction: any Transaction) throws {
    let known = try transaction.query(
      """
      SELECT target FROM remote GROUP BY target UNION SELECT target FROM pending GROUP BY target
        UNION SELECT target FROM claim GROUP BY target UNION SELECT target FROM form GROUP BY target
        UNION SELECT target FROM cleared GROUP BY target
      """, []
    ) { row in try row[0] as String }
    for former in known where !targets.contains(where: { $0.name == former }) {
      for table in [
        "remote", "remote_link", "pending", "pending_link", "quarantine", "stranger", "claim", "form", "cleared",
        "parked", "password_look", "replaced_name",
      ] {
        try transaction.run("DELETE FROM \(table) WHERE target = ?", [.text(former)])
      }
      for setting in [Setting.reconciled, .offer, .passwordsScanned] {
        try Setting.remove(setting, of: former, in: transaction)
      }
    }
    let orphans = try transaction.query(
      """
      SELECT id FROM mv WHERE gone = 1 AND NOT EXISTS (SELECT 1 FROM remote WHERE remote.mv = mv.id)
        AND NOT EXISTS (SELECT 1 FROM pending WHERE pending.mv = mv.id)
      """, []
    ) { row in try row[0] as Int64 }
    for object in orphans { try Metaverse.purge(object: object, in: transaction) }
    try transaction.run("DELETE FROM target")
    try transaction.run("INSERT INTO target (name) VALUES (?)", rows: targets.map { [.text($0.name)] })
  }

  private func synchroniseEntries(_ transaction: any Transaction, limit: Int) throws -> Int {
    let rows = try dirtyEntries(transaction, limit: limit)
    guard !rows.isEmpty else {
      try Setting.remove(.rulesChanged, in: transaction)
      return 0
    }
    let scope = try Scope(configuration, in: transaction)
    let metaverse = Metaverse(
      transaction: transaction, targets: targets, configuration: configuration, rules: JoinRules(configuration),
      entryRules: try EntryRules(configuration, now: now(), in: transaction), tenants: configuration.tenants,
      hasNewRules: try Setting.load(.rulesChanged, in: transaction) != nil, now: now())
    for row in rows {
      try transaction.run("UPDATE entry SET dirty = 0 WHERE id = ?", [.integer(row.id)])
      try synchronise(row, scope: scope, metaverse: metaverse)
    }
    return rows.count
  }

  /// Of one source at a time, in the order of precedence, whichever was read first: who comes first makes the object.
  private func dirtyEntries(_ transaction: any Transaction, limit: Int) throws -> [ConnectorEntry] {
    // What is left are entries of sources that are no longer configured.
    for source in configuration.sources.map(Optional.some) + [nil] {
      let size = SQLValue.integer(Int64(limit))
      let arguments: [SQLValue] = source.map { [size, .text($0)] } ?? [size]
      let rows = try transaction.query(
        """
        SELECT id, source, anchor, kind, parent, attrs, deleted, mv, dn, partition FROM entry
        WHERE dirty = 1 \(source == nil ? "" : "AND source = ?2") ORDER BY source, id LIMIT ?1
        """, arguments
      ) { row in try ConnectorEntry(row) }
      if !rows.isEmpty { return rows }
    }
    return []
  }

  private func synchronise(_ entry: ConnectorEntry, scope: Scope, metaverse: Metaverse) throws {
    let due = DueTimes(transaction: metaverse.transaction, now: metaverse.now)
    let placeless = Placeless(transaction: metaverse.transaction)
    try placeless.remove(entry.id)
    if entry.isDeleted {
      try due.clear(entry.id)
      try metaverse.entryRules.wakeMembers(ofDeleted: entry)
      return try metaverse.leave(entry)
    }
    if entry.kind == .structure { return }
    let attributes = try Attributes(stored: entry.attributes)
    if entry.isOutside { return try metaverse.outside.enter(entry, attributes) }
    guard scope.exclusion(ofPartition: entry.partition, source: entry.source) == nil else {
      try due.clear(entry.id)
      return try metaverse.leave(entry)
    }
    // Wherever they stand, they only join.
    if entry.kind == .foreign {
      let evaluation = try metaverse.evaluate(entry, attributes)
      try due.set(entry.id, evaluation.nextChange)
      return try metaverse.enter(entry, attributes, evaluation)
    }
    switch try scope.verdict(below: entry.parent, in: entry.partition, source: entry.source) {
    case .included:
      let evaluation = try metaverse.evaluate(entry, attributes)
      // Also what is out of scope today may come into it by itself.
      try due.set(entry.id, evaluation.nextChange)
      if evaluation.first.exclusion != nil { return try metaverse.leave(entry) }
      try metaverse.enter(entry, attributes, evaluation)
    case .excluded:
      try due.clear(entry.id)
      try metaverse.leave(entry)
    case .unknown:
      try placeless.add(entry.id)
      logger.warning("the place of an entry is unknown", metadata: ["entry": "\(entry.id)"])
    }
  }

  private func synchroniseLinks(_ transaction: any Transaction, limit: Int) throws -> Int {
    try LinkSettlement(transaction: transaction, targets: targets, configuration: configuration).settle(limit: limit)
  }
}

extension ConnectConfiguration {
  var tenants: Tenants { Tenants(targets) }

  /// What the result of synchronising depends on besides the entries.
  var rulesFingerprint: String {
    let filters = forests.map { forest in
      ([forest.name] + forest.domains.map { "=" + $0.lowercased() }.sorted()
        + forest.filter.include.map { "+" + DistinguishedName.folded($0) }.sorted()
        + forest.filter.exclude.map { "-" + DistinguishedName.folded($0) }.sorted()).joined(separator: "|")
    }
    let domains = targets.map { target in
      ([target.name, target.initialDomain] + target.verifiedDomains.sorted()).joined(separator: "|").lowercased()
    }
    let text =
      (filters.sorted() + domains
      + [sources.joined(separator: "|"), anchorSources.sorted().joined(separator: "|"), rules.fingerprint]
      + catalogSources.sorted().map { "catalog of " + $0 }
      + joinUsersBy.map { $0.lowercased() }).joined(separator: "\n")
    return Data(ShortHash.of(Array(text.utf8))).base64EncodedString()
  }
}
