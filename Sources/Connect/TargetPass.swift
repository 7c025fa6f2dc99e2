// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Logging
import Store
import Wire

/// Guard, export and confirm for one target.
struct TargetPass: Sendable {
  let target: any ExportTarget
  let profile: TargetProfile
  let configuration: ConnectConfiguration
  let synchroniser: Synchroniser
  let store: any Store
  let logger: Logger
  let now: @Sendable () -> Double
  let progress: Progress

  /// Rounds of export and confirm in one pass: names that change hands need a second one, a value that the target changes
  /// or refuses a third, and then it waits. Where a name becomes free with each round, for the next one, there are more.
  static let rounds = 3
  static let maximumRounds = 50

  private var clock: PhaseClock { PhaseClock(logger: logger, now: now) }

  func run(full: Bool, into report: inout CycleReport) async throws {
    let capabilities = try await clock.timed(.export, &report) { _ in try await target.prepare() }
    let wasStaging = try await store.read { [name = target.name] transaction in
      try Setting.load(.staged, of: name, in: transaction) != nil
    }
    if configuration.isStaging {
      // Others may write to the target meanwhile: what it holds is looked up before the first export.
      if !wasStaging { try await setStaged(true) }
      _ = try await reconcile(full: full, &report)
    } else {
      let isKnown = try await reconcile(full: full || wasStaging, &report)
      if wasStaging { try await setStaged(false) }
      try await guardedExport(capabilities, isTargetKnown: isKnown, &report)
    }
    try await clock.timed(.confirm, &report) { report in try await summarise(&report) }
  }

  private func setStaged(_ isStaged: Bool) async throws {
    try await store.write { [name = target.name] transaction in
      if isStaged {
        try Setting.save(.staged, of: name, "1", in: transaction)
      } else {
        try Setting.remove(.staged, of: name, in: transaction)
      }
    }
  }

  private func guardedExport(
    _ capabilities: TargetCapabilities, isTargetKnown: Bool, _ report: inout CycleReport
  ) async throws {
    try await clock.timed(.guard, &report) { [time = now()] _ in
      try await ExportGuard(configuration: configuration, target: target.name).check(store, at: time)
    }
    var allowed = capabilities
    var summary = ExportSummary(operations: 0, successful: 0)
    let names = NameExchange(
      target: target, profile: profile,
      domain: configuration.targets.first { $0.name == target.name }?.initialDomain ?? "",
      store: store, now: now)
    var (round, conflicts, isLast) = (0, Int.max, false)
    while true {
      round += 1
      let result = try await export(allowed, isLast: isLast, isTargetKnown: isTargetKnown, &report)
      summary.add(result)
      if result.again == 0 || isLast { break }
      if result.hasUnanswered { allowed = capabilities.singly }
      let parked = result.conflicts.isEmpty ? 0 : try await names.park(result.conflicts)
      report.requests += parked
      let isMoving = parked > 0 || !result.conflicts.isEmpty && result.conflicts.count < conflicts
      isLast = round + 1 >= Self.maximumRounds || round + 1 >= Self.rounds && !isMoving
      conflicts = result.conflicts.count
    }
    report.requests += try await names.giveBack()
    if summary.operations > 0 {
      try await clock.timed(.confirm, &report) { [summary] _ in try await target.conclude(summary) }
    }
  }

  /// - Returns: whether the target was read in full.
  private func reconcile(full: Bool, _ report: inout CycleReport) async throws -> Bool {
    try await clock.timed(.confirm, &report) { _ in
      // Requests of an earlier pass come first: what became of them is part of what the target holds.
      try await recover()
      let reconciliation = Reconciliation(
        target: target, profile: profile, configuration: configuration, store: store, logger: logger, now: now)
      let isDue = try await reconciliation.isDue()
      guard full || isDue else { return false }
      let count = try await reconciliation.run(progress: progress)
      logger.info("target read in full", metadata: ["phase": "confirm", "objects": "\(count)"])
      // References to what it turned out to hold.
      try await synchroniser.settleLinks(store)
      return true
    }
  }

  private func recover() async throws {
    let recovery = Recovery(target: target, profile: profile, store: store, now: now)
    let count = try await recovery.run()
    if count > 0 { logger.notice("unanswered requests were looked up", metadata: ["count": "\(count)"]) }
    try await synchroniser.settleLinks(store)
  }

  private func export(
    _ capabilities: TargetCapabilities, isLast: Bool, isTargetKnown: Bool, _ report: inout CycleReport
  ) async throws -> Exporter.Result {
    try await clock.timed(.export, &report) { report in
      try await store.write { [target = target.name, time = now()] transaction in
        try Quarantine(transaction: transaction, target: target, now: time).release()
      }

      let exporter = Exporter(
        target: target, profile: profile, configuration: configuration, isTargetKnown: isTargetKnown, store: store,
        logger: logger, now: now)
      let result = try await exporter.run(capabilities, isLast: isLast, progress: progress)
      for (kind, counts) in result.exported { report.count(kind) { $0.add(counts) } }
      report.requests += result.requests
      if isLast || result.again == 0 { report.errors += result.errors }
      if result.again > 0 { try await recover() }
      return result
    }
  }

  private func summarise(_ report: inout CycleReport) async throws {
    let profile = profile
    let (counts, leftOut, replaced) = try await store.read { transaction in
      func count(_ sql: String) throws -> Int { try transaction.value(sql, [.text(profile.name)]) ?? 0 }
      let counts = (
        differing: try count(
          "SELECT COUNT(*) FROM quarantine WHERE target = ? AND reason = 'notAccepted'"),
        quarantined: try count("SELECT COUNT(*) FROM quarantine WHERE target = ?"),
        pending: try count(
          """
          SELECT (SELECT COUNT(*) FROM pending WHERE target = ?1)
            + (SELECT COUNT(*) FROM pending_link WHERE target = ?1)
          """)
      )
      let homeless = ObjectKind.allCases.filter { $0.isExported && !profile.holds($0) }
      let leftOut = try homeless.filter { kind in
        let row: Int? = try transaction.value(
          "SELECT 1 FROM mv WHERE kind = ? AND kind IN ('contact', 'device') LIMIT 1", [.text(kind.rawValue)])
        return row != nil
      }
      return (counts, leftOut, try ReplacedNames(transaction: transaction).count(at: profile.name))
    }
    report.differing = counts.differing
    report.quarantined = counts.quarantined
    report.pending = counts.pending
    report.replacedNames = replaced == 0 ? nil : replaced
    if !leftOut.isEmpty {
      report.leftOut = leftOut.map { "\(profile.name) has no place for objects of type \($0.rawValue)" }
    }
  }
}

extension ExportSummary {
  fileprivate mutating func add(_ result: Exporter.Result) {
    let done = result.exported.values.reduce(0) { $0 + $1.created + $1.adopted + $1.updated + $1.deleted }
    successful += done
    operations += done + result.errors.count
  }
}
