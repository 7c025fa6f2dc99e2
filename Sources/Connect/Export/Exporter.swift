// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Logging
import Store
import Wire

/// Phase 4: tells the target what is pending.
///
/// Intent, request, result: the operations are marked as sent on disk, then sent with nothing locked, then their results
/// are recorded by ``Confirmation``. What a crash leaves marked is looked up by ``Recovery`` before anything is sent.
struct Exporter: Sendable {
  let target: any ExportTarget
  let profile: TargetProfile
  let configuration: ConnectConfiguration
  /// Whether what the target holds was read in full in this pass: nobody needs to be looked up then before being created.
  let isTargetKnown: Bool
  let store: any Store
  let logger: Logger
  let now: @Sendable () -> Double

  /// Requests for each connection that are planned together: enough to keep the connections busy, few enough to be looked up
  /// after a crash.
  static let roundsPerPlan = 4
  /// References in one request, over all its operations.
  static let linksPerRequest = 1000

  struct Result: Sendable {
    var exported: [ObjectKind: CycleReport.Exported] = [:]
    var requests = 0
    /// Operations that another round may bring to an end.
    var again = 0
    /// The objects whose operation met a conflict and is ready for another round.
    var conflicts: Set<Int64> = []
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
      try await run(stage, capabilities, isLast: isLast, &result) { planned in
        done += planned
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

  /// Sends all operations of a stage over as many connections as the target allows, and records what became of each. The next
  /// ones are planned while the last are under way, but for references: of those an object has one operation at a time.
  ///
  /// - Parameter progress: is told how many operations and references were answered.
  private func run(
    _ stage: ExportStage, _ capabilities: TargetCapabilities, isLast: Bool, _ result: inout Result,
    progress: (Int) -> Void
  ) async throws {
    var cursor = ExportCursor()
    var waiting: [ArraySlice<PlannedOperation>] = []
    var underWay = 0
    var failure: (any Error)?
    try await withThrowingTaskGroup(of: (ArraySlice<PlannedOperation>, Answer).self) { group in
      while true {
        while failure == nil, underWay < capabilities.concurrency {
          if waiting.isEmpty, stage != .links || underWay == 0 {
            waiting = try await plan(stage, capabilities, after: &cursor).reversed()
          }
          guard let request = waiting.popLast() else { break }
          underWay += 1
          group.addTask { (request, await answer(request)) }
        }
        guard let (request, answer) = try await group.next() else { break }
        underWay -= 1
        result.requests += 1
        switch answer {
        case .outcomes(let outcomes, let divisions):
          result.requests += divisions
          cursor.abandon(try await record(outcomes, isLast: isLast, &result))
          if case .unavailable(let reason)? = outcomes.first(where: \.1.isUnavailable)?.1 {
            failure =
              failure
              ?? ConnectError(
                .targetUnreachable, "The export stopped: \(reason)",
                remedy: "What was not answered is looked up by the next pass; run it when the target answers again.")
          }
          progress(request.reduce(0) { $0 + max(1, $1.links.count) })
        case .failed(let error):
          failure = failure ?? error
        }
      }
    }
    if let failure { throw failure }
  }

  /// The next requests of a stage, which the store now has as sent.
  private func plan(
    _ stage: ExportStage, _ capabilities: TargetCapabilities, after cursor: inout ExportCursor
  ) async throws -> [ArraySlice<PlannedOperation>] {
    try Task.checkCancellation()
    let limit = capabilities.concurrency * capabilities.operationsPerRequest * Self.roundsPerPlan
    let (planned, moved) = try await store.write(durability: .full) { [plan = ExportPlan(target: profile), cursor] in
      var cursor = cursor
      return (try plan.next(stage, limit: limit, after: &cursor, in: $0), cursor)
    }
    cursor = moved
    return planned.requests(operations: capabilities.operationsPerRequest, links: Self.linksPerRequest)
  }

  /// - Returns: the objects whose operation did not succeed and is ready for another round.
  private func record(
    _ outcomes: [(PlannedOperation, ExportOutcome)], isLast: Bool, _ result: inout Result
  ) async throws -> Set<Int64> {
    let confirmation = Confirmation(target: profile, configuration: configuration, isLast: isLast, now: now())
    let recorded = try await store.write { transaction in
      try confirmation.record(outcomes, in: transaction)
    }
    result.again += recorded.again.count + recorded.lookUps
    result.conflicts.formUnion(recorded.conflicts)
    result.errors += recorded.errors
    for (kind, counts) in recorded.exported { result.exported[kind, default: .init()].add(counts) }
    if outcomes.contains(where: \.1.isUnanswered) { result.hasUnanswered = true }
    return recorded.again
  }

  private enum Answer: Sendable {
    /// References may have been told in parts, which took so many more requests.
    case outcomes([(PlannedOperation, ExportOutcome)], divisions: Int)
    case failed(any Error)
  }

  /// What the target may hold already is looked up here, where it can be asked: by address before a create, because two
  /// accounts with one address are no conflict to it; by all names after a conflict.
  private func answer(_ request: ArraySlice<PlannedOperation>) async -> Answer {
    do {
      var outcomes: [ExportOutcome?] = []
      for planned in request { outcomes.append(try await matchByAddress(planned)) }
      let left = zip(request, outcomes).filter { $1 == nil }.map(\.0)
      var answers = (left.isEmpty ? [] : try await target.perform(left.map(\.operation))).makeIterator()
      for (index, planned) in request.enumerated() where outcomes[index] == nil {
        var outcome = answers.next() ?? .unanswered("The target told no result.")
        if case .conflict = outcome, case .create = planned.operation { outcome = try await match(planned) ?? outcome }
        outcomes[index] = outcome
      }
      var (divided, divisions): ([(PlannedOperation, ExportOutcome)], Int) = ([], 0)
      for (planned, outcome) in zip(request, outcomes) {
        var division = LinkDivision(target: target)
        divided += try await division.resolve(planned, outcome ?? .unanswered("The target told no result."))
        divisions += division.requests
      }
      return .outcomes(divided, divisions: divisions)
    } catch {
      return .failed(error)
    }
  }

  /// An account with the object's address that was made since the last full reading of the target; nil when there is none.
  private func matchByAddress(_ planned: PlannedOperation) async throws -> ExportOutcome? {
    guard case .create = planned.operation, !isTargetKnown,
      profile.accepts("proxyAddresses", of: planned.kind) || profile.accepts("mail", of: planned.kind),
      let address = Matching.Names(planned.desired).address
    else { return nil }
    return judge(try await target.find(planned.kind, .address(address)), planned)
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
    return judge(found, planned)
  }

  private func judge(_ found: [TargetRecord], _ planned: PlannedOperation) -> ExportOutcome? {
    switch Matching.judge(found, sourceAnchor: planned.sourceAnchor) {
    case .none: return nil
    case .hold(let reason, let detail): return .held(reason, detail)
    case .take(let record): return record.sourceAnchor == planned.sourceAnchor ? .existing(record) : .matching(record)
    }
  }
}

extension [PlannedOperation] {
  /// Requests of so many operations and references at most; one operation's references stay together.
  func requests(operations: Int, links: Int) -> [ArraySlice<PlannedOperation>] {
    var requests: [ArraySlice<PlannedOperation>] = []
    var start = startIndex
    var carried = 0
    for index in indices {
      let weight = self[index].links.count
      if index > start, index - start == operations || carried + weight > links {
        requests.append(self[start..<index])
        (start, carried) = (index, 0)
      }
      carried += weight
    }
    if start < endIndex { requests.append(self[start...]) }
    return requests
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
