// SPDX-License-Identifier: Apache-2.0

/// Tells a target references one by one where it refused them together, so that one that it does not take holds up no
/// other: a service refuses all changes of a group for one member that it does not have.
///
/// What is removed is told before what is added, and then halves of what is still refused. All of them were marked as sent
/// before the first was; what is not answered is told again.
struct LinkDivision {
  let target: any ExportTarget

  /// Requests for one operation: what is still refused then waits together for its next try.
  static let maximumRequests = 128
  /// Requests after which a target that has taken nothing is taken to refuse all of it.
  static let maximumRefusals = 20

  private(set) var requests = 0
  private var hasTaken = false

  init(target: any ExportTarget) { self.target = target }

  /// - Parameter outcome: what the target said of the whole operation.
  /// - Returns: parts of the operation, each with what the target said of it.
  /// - Throws: as ``ExportTarget/perform(_:)``.
  mutating func resolve(
    _ planned: PlannedOperation, _ outcome: ExportOutcome
  ) async throws -> [(PlannedOperation, ExportOutcome)] {
    guard let parts = planned.parts(after: outcome) else { return [(planned, outcome)] }
    var answers: [(PlannedOperation, ExportOutcome)] = []
    var left = Array(parts.map { ($0, outcome) }.reversed())
    while let (part, former) = left.popLast() {
      guard requests < (hasTaken ? Self.maximumRequests : Self.maximumRefusals),
        !(former.isNotFound && answers.count > 1 && answers.allSatisfy(\.1.isNotFound))
      else {
        answers.append((part, former))
        continue
      }
      requests += 1
      let outcome = try await target.perform([part.operation]).first ?? .unanswered("The target told no result.")
      if case .done = outcome { hasTaken = true }
      if outcome.isUnavailable {
        return answers + ([(part, outcome)] + left.reversed()).map { ($0.0, outcome) }
      }
      if let parts = part.parts(after: outcome) {
        left += parts.map { ($0, outcome) }.reversed()
      } else {
        answers.append((part, outcome))
      }
    }
    return answers
  }
}

extension ExportOutcome {
  fileprivate var isNotFound: Bool { self == .notFound }
}

extension PlannedOperation {
  /// The operation in parts, where the outcome may be that of one reference; nil where there is nothing to divide.
  fileprivate func parts(after outcome: ExportOutcome) -> [PlannedOperation]? {
    guard links.count > 1, case .link(_, _, _, let add, let remove) = operation else { return nil }
    let removed = Array(zip(links.filter { $0.operation == .remove }, remove))
    let added = Array(zip(links.filter { $0.operation == .add }, add))
    switch outcome {
    case .notFound:
      // Mostly the owner is gone. Two references by themselves tell, so that it does not take a request for each.
      let all = removed + added
      return [part(all[..<1]), part(all[1..<2]), part(all[2...])].filter { !$0.links.isEmpty }
    case .conflict, .refused, .held:
      if !removed.isEmpty, !added.isEmpty { return [part(removed[...]), part(added[...])] }
      let all = removed + added
      return [part(all[..<(all.count / 2)]), part(all[(all.count / 2)...])]
    case .done, .restored, .existing, .matching, .unanswered, .unavailable: return nil
    }
  }

  private func part(_ pairs: ArraySlice<(PlannedLink, LinkedObject)>) -> PlannedOperation {
    guard case .link(let kind, let id, let attribute, _, _) = operation else { return self }
    var part = self
    part.links = pairs.map(\.0)
    part.operation = .link(
      kind, id: id, attribute: attribute, add: pairs.filter { $0.0.operation == .add }.map(\.1),
      remove: pairs.filter { $0.0.operation == .remove }.map(\.1))
    return part
  }
}
