// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Logging
import Store

/// Phase 4: tells the target what is pending.
///
/// Intent, request, result: the operations are marked as sent on disk, then sent with nothing locked, then their results
/// are recorded by ``Confirmation``. What a crash leaves marked is looked up by ``Recovery`` before anything is sent.
struct Exporter: Sendable {
  let target: any ExportTarget
  let profile: TargetProfile
  let store: any Store
  let logger: Logger
  let now: @Sendable () -> Double

  /// Requests that are planned together: enough to keep the connections busy, few enough to be looked up after a crash.
  static let roundsPerPlan = 4

  struct Result: Sendable {
    var exported: [ObjectKind: CycleReport.Exported] = [:]
    var requests = 0
    /// Operations that another round may bring to an end.
    var again = 0
    /// Whether nobody knows what became of some of them.
    var hasUnanswered = false
    var errors: [String] = []
  }

  /// One round over all stages.
  ///
  /// - Parameter isLast: whether a conflict is final: before that it may end when other objects were changed or deleted.
  func run(
    _ capabilities: TargetCapabilities, isLast: Bool, progress: Progress
  ) async throws -> Result {
    var result = Result()
    let total = try await pending()
    var done = 0
    for stage in ExportStage.allCases {
      var tried: Set<Int64> = []
      while true {
        try Task.checkCancellation()
        let size =
          capabilities.concurrency * stage.operationsPerRequest(capabilities)
        let skipping = tried
        let planned = try await store.write(durability: .full) { [plan = ExportPlan(target: profile)] transaction in
          try plan.next(stage, limit: size * Self.roundsPerPlan, skipping: skipping, in: transaction)
        }
        if planned.isEmpty { break }
        let again = try await send(
          planned, stage.operationsPerRequest(capabilities), capabilities, isLast: isLast, &result)
        tried.formUnion(again)
        result.again += again.count
        done += planned.reduce(0) { $0 + max(1, $1.links.count) }
        progress.report(.export, done: done, total: max(done, total))
      }
    }
    return result
  }

  private func pending() async throws -> Int {
    try await store.read { [name = profile.name] transaction in
      try transaction.value(
        """
        SELECT (SELECT COUNT(*) FROM pending WHERE target = ?1 AND state = 'ready')
          + (SELECT COUNT(*) FROM pending_link WHERE target = ?1 AND state = 'ready')
        """, [.text(name)]) ?? 0
    }
  }

  /// Sends planned operations, a request's worth at a time, and records what became of each.
  ///
  /// - Returns: the objects whose operation did not succeed and is ready for another round.
  private func send(
    _ planned: [PlannedOperation], _ operationsPerRequest: Int, _ capabilities: TargetCapabilities, isLast: Bool,
    _ result: inout Result
  ) async throws -> Set<Int64> {
    let requests = planned.chunks(of: operationsPerRequest)
    var again: Set<Int64> = []
    var failure: (any Error)?
    try await withThrowingTaskGroup(of: (ArraySlice<PlannedOperation>, Answer).self) { group in
      var next = requests.startIndex
      func sendNext() {
        guard next < requests.endIndex, failure == nil else { return }
        let request = requests[next]
        next += 1
        group.addTask { (request, await answer(request)) }
      }
      for _ in 0..<capabilities.concurrency { sendNext() }
      while let (request, answer) = try await group.next() {
        result.requests += 1
        switch answer {
        case .outcomes(let outcomes):
          let confirmation = Confirmation(target: profile, isLast: isLast, now: now())
          let recorded = try await store.write { transaction in
            try confirmation.record(Array(zip(request, outcomes)), in: transaction)
          }
          again.formUnion(recorded.again)
          result.errors += recorded.errors
          for (kind, counts) in recorded.exported { result.exported[kind, default: .init()].add(counts) }
          if outcomes.contains(where: \.isUnanswered) { result.hasUnanswered = true }
          if case .unavailable(let reason)? = outcomes.first(where: \.isUnavailable) {
            failure =
              failure
              ?? ConnectError(
                .targetUnreachable, "The export stopped: \(reason)",
                remedy: "What was not answered is looked up by the next pass; run it when the target answers again.")
          }
        case .failed(let error):
          failure = failure ?? error
        }
        sendNext()
      }
    }
    if let failure { throw failure }
    return again
  }

  private enum Answer: Sendable {
    case outcomes([ExportOutcome])
    case failed(any Error)
  }

  /// A conflict is resolved here, where the target can be asked: the object may be there already.
  private func answer(_ request: ArraySlice<PlannedOperation>) async -> Answer {
    do {
      var outcomes = try await target.perform(request.map(\.operation))
      for (index, (planned, outcome)) in zip(request, outcomes).enumerated() {
        guard case .conflict = outcome, case .create = planned.operation else { continue }
        outcomes[index] = try await match(planned) ?? outcome
      }
      return .outcomes(outcomes)
    } catch {
      return .failed(error)
    }
  }

  /// What the target holds that the object could be; nil when nothing.
  private func match(_ planned: PlannedOperation) async throws -> ExportOutcome? {
    var found = try await target.find(planned.kind, .sourceAnchor(planned.sourceAnchor))
    if found.isEmpty {
      let names = Matching.Names(planned.desired)
      for key in [names.userName.map(TargetKey.userName), names.address.map(TargetKey.address)].compactMap({ $0 }) {
        found += try await target.find(planned.kind, key).filter { record in !found.contains { $0.id == record.id } }
      }
    }
    switch Matching.judge(found, sourceAnchor: planned.sourceAnchor) {
    case .none: return nil
    case .hold(let reason, let detail): return .held(reason, detail)
    case .take(let record): return record.sourceAnchor == planned.sourceAnchor ? .existing(record) : .matching(record)
    }
  }
}

extension ExportStage {
  /// An operation on references carries hundreds of them: fewer go into one request.
  func operationsPerRequest(_ capabilities: TargetCapabilities) -> Int {
    self == .links ? max(1, capabilities.operationsPerRequest / 10) : capabilities.operationsPerRequest
  }
}

extension CycleReport.Exported {
  mutating func add(_ other: CycleReport.Exported) {
    created += other.created
    adopted += other.adopted
    updated += other.updated
    deleted += other.deleted
    linksAdded += other.linksAdded
    linksRemoved += other.linksRemoved
  }
}
