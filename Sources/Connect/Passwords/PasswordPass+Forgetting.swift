// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Store
import Wire

extension PasswordPass {
  /// Passwords of users that left which one pass has forgotten.
  static let maximumDepartures = 10_000

  /// Makes those due who came to a target, and has it forget the passwords of users that are no longer among its objects:
  /// their deletion was carried out. One that waits for the guard, or comes back before, keeps its password. Mostly nobody
  /// came or left, and then nothing is written.
  func lookAtUsers(_ report: inout PasswordReport) async throws {
    let sources = sources.map(\.name)
    for target in targets {
      let (table, looks) = (DepartureTable(target: target.name), PasswordLooks(target: target.name))
      let time = now().timeIntervalSince1970
      let (isScan, hasWork) = try await store.read { transaction in
        let isScan = try looks.isScanDue(sources, at: time, in: transaction)
        return (isScan, try isScan || looks.hasAny(in: transaction) || table.hasAny(in: transaction))
      }
      guard hasWork else { continue }
      let removals = try await store.write { transaction in
        try table.collect(all: isScan, forgets: target.forgets, at: time, in: transaction)
        for source in sources {
          try CredentialTable(source: source, target: target.name).admit(all: isScan, at: time, in: transaction)
        }
        try looks.clear(in: transaction)
        if isScan { try looks.noteScan(sources, at: time, in: transaction) }
        return try table.due(at: time, limit: Self.maximumDepartures, in: transaction)
      }
      for part in removals.chunks(of: max(1, target.batchSize)) {
        try Task.checkCancellation()
        let removals = Array(part)
        let outcomes = await outcomes(of: removals, at: target, &report)
        try await store.write { transaction in
          for (removal, outcome) in zip(removals, outcomes) {
            if let (reason, detail) = Self.obstacle(outcome) {
              try table.keep(
                removal, reason: reason, detail: detail, nextTry: time + Self.retryAfter, in: transaction)
            } else {
              try table.remove(removal, in: transaction)
            }
          }
        }
      }
    }
  }

  /// Tells a target to forget, and counts what became of it.
  func outcomes(
    of removals: [PasswordRemoval], at target: any PasswordTarget, _ report: inout PasswordReport
  ) async -> [Result<PasswordOutcome, any Error>] {
    guard target.forgets else { return removals.map { _ in .success(.unchanged) } }
    var results: [Result<PasswordOutcome, any Error>]
    do {
      let answers = try await target.forget(removals)
      results = removals.indices.map {
        answers.indices.contains($0) ? .success(answers[$0]) : .failure(ConnectError.unanswered)
      }
    } catch {
      let reason = "\(error)"
      report.errors.append("\(target.name): \(reason)")
      results = removals.map { _ in .failure(error) }
    }
    for result in results {
      switch result {
      case .success(.stored): report.forgotten += 1
      case .failure: report.due += 1
      default: if Self.obstacle(result) != nil { report.refused += 1 }
      }
    }
    return results
  }

  /// Why a password was not forgotten, as a reason and in words; nil when the target holds it no more.
  static func obstacle(_ outcome: Result<PasswordOutcome, any Error>) -> (reason: String, detail: String)? {
    switch outcome {
    // Somebody who is not there has no password; a newer one was told by somebody who knows more.
    case .success(.stored), .success(.unchanged), .success(.older), .success(.refused("unknownUser", _)): nil
    case .success(.refused(let reason, let detail)): (reason, detail)
    case .failure(let error):
      (
        (error as? any DiagnosableError)?.identifier ?? "unknown",
        error.explanation
      )
    }
  }

  /// Looks now and then whether the domain's passwords live longer or shorter than before: then all of them expire at
  /// another time, of which replication says nothing. Fine-grained policies count as far as the account may read them, which
  /// by default is for administrators; one that may not be read is noticed with the next change of a password or of the
  /// account.
  func checkPolicy(_ reading: any PasswordReading, _ source: any PasswordSource, _ partition: String) async throws {
    let time = now().timeIntervalSince1970
    let known = try await store.read { try PasswordPolicyRecord.load(partition, of: source.name, in: $0) }
    if let readAt = known?.readAt, time >= readAt, time - readAt < Self.policyInterval { return }
    let policy = try await reading.policy()
    try await store.write { [targets] transaction in
      // Of a store that never knew it, nothing was sent with a time of expiry.
      if known == nil || known?.policy != policy {
        for target in targets {
          try CredentialTable(source: source.name, target: target.name).refresh(partition, in: transaction)
        }
      }
      try PasswordPolicyRecord.save(policy, partition, of: source.name, at: time, in: transaction)
    }
  }
}
