// SPDX-License-Identifier: Apache-2.0

import PasswordWriteback
import Store
import Wire

extension WritebackService {
  /// What has yet to be found out or told; also after a restart. Domains are looked at side by side.
  ///
  /// - Parameter inHand: the identifiers of those that are being carried out; asked for after the records were read, so that
  ///   none of these is taken for interrupted.
  /// - Returns: whether something is still open.
  package func settle(except inHand: @Sendable () async -> Set<String> = { [] }) async throws -> Bool {
    let open = try await store.read { try WritebackRecord.open(in: $0) }
    let spared = await inHand()
    let domains = Dictionary(grouping: open.filter { !spared.contains($0.header.identifier) }) {
      $0.place?.domain ?? ""
    }
    let isOpen = try await withThrowingTaskGroup(of: Bool.self) { group in
      for records in domains.values {
        group.addTask { try await settle(records) }
      }
      return try await group.reduce(false) { $0 || $1 }
    }
    return isOpen
  }

  /// Forgets requests that ended long ago.
  func purge() async throws {
    try await store.write { [now = now()] in try WritebackRecord.purge(before: now - WritebackSettings.memory, in: $0) }
  }

  /// Those of one domain.
  private func settle(_ records: [WritebackRecord]) async throws -> Bool {
    var (isOpen, isSilent) = (false, false)
    for record in records {
      guard record.state == .intent else {
        if let outcome = record.outcome { try await tell(record.header.identifier, outcome) }
        continue
      }
      // A domain that does not answer is waited for once.
      var outcome: WritebackOutcome?
      if !isSilent {
        let look = try await withTimeLimit(.seconds(Self.lookTime)) { try await resolve(record) }
        if let look { outcome = look } else { isSilent = true }
      }
      isOpen = try await settle(record, outcome) || isOpen
    }
    return isOpen
  }

  /// - Parameter outcome: nil as long as it cannot be told.
  /// - Returns: whether it is still open.
  private func settle(_ record: WritebackRecord, _ outcome: WritebackOutcome?) async throws -> Bool {
    if let outcome {
      guard try await conclude(record, outcome) else { return false }
      try await tell(record.header.identifier, outcome)
      return false
    }
    guard record.outcome == nil else { return true }
    let isUnknown = try await store.write(durability: .full) { transaction in
      guard try record.isIntent(in: transaction) else { return false }
      var record = record
      record.outcome = WritebackOutcome(.unknown)
      try record.save(in: transaction)
      return true
    }
    if isUnknown { try await channel.answer(record.header.identifier, WritebackOutcome(.unknown)) }
    return isUnknown
  }

  /// - Returns: false when it has ended meanwhile.
  private func conclude(_ record: WritebackRecord, _ outcome: WritebackOutcome) async throws -> Bool {
    let event = event(
      record.header, "resolved", "after an interruption: \(outcome.status.rawValue)", record.place)
    return try await store.write(durability: .full) { transaction in
      guard try record.isIntent(in: transaction) else { return false }
      var record = record
      record.state = .ended
      record.outcome = outcome
      try record.save(in: transaction)
      try event.insert(transaction)
      return true
    }
  }
}
