// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Logging
import Store
import Wire

/// What each target takes, as it last said; kept in the store, so that a pass needs no answer to know
/// what the targets are told.
struct TargetOffer: Sendable {
  let targets: [any ExportTarget]
  let configuration: ConnectConfiguration
  let store: any Store
  let logger: Logger
  let now: @Sendable () -> Double

  /// What a target takes that was never asked.
  static let unasked: Set<ObjectKind> = [.user, .group]

  /// Which targets are asked.
  enum Occasion: Sendable {
    /// Those that never were.
    case first
    /// Those of which a full reading is due as well.
    case due
    case full
  }

  /// One that does not answer is taken at its last word: its export will tell why it does not.
  func ask(_ occasion: Occasion) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for target in targets { group.addTask { try await ask(target, occasion) } }
      try await group.waitForAll()
    }
  }

  private func ask(_ target: any ExportTarget, _ occasion: Occasion) async throws {
    let (last, isDue) = try await store.read { [name = target.name, configuration, time = now()] transaction in
      (
        try Setting.load(.offer, of: name, in: transaction),
        try Reconciliation.isDue(name, configuration, now: time, in: transaction)
      )
    }
    guard last == nil || occasion == .full || occasion == .due && isDue else { return }
    let text: String
    do {
      text = try await target.offeredVocabulary().text
    } catch {
      try Task.checkCancellation()
      let reason = error.explanation
      logger.warning(
        "a target did not tell what it takes", metadata: ["target": "\(target.name)", "reason": "\(reason)"])
      return
    }
    guard text != last else { return }
    logger.notice("a target tells what it takes", metadata: ["target": "\(target.name)", "offer": "\(text)"])
    try await store.write { [name = target.name] transaction in
      try Setting.save(.offer, of: name, text, in: transaction)
      // What it holds of the kinds that are new is looked up before any of them is made.
      try Setting.remove(.reconciled, of: name, in: transaction)
    }
  }

  /// The targets as they are told apart when objects are synchronised.
  func profiles() async throws -> [TargetProfile] {
    let targets = targets.map { target in
      (target.name, TargetVocabulary(target.vocabulary, optional: target.optionalVocabulary))
    }
    return try await store.read { transaction in
      try targets.map { try Self.profile($0, $1, in: transaction) }
    }
  }

  static func profile(
    _ name: String, _ vocabulary: TargetVocabulary, in transaction: any Transaction
  ) throws -> TargetProfile {
    let offer =
      try Setting.load(.offer, of: name, in: transaction).map(OfferedVocabulary.init(text:))
      ?? OfferedVocabulary(kinds: unasked)
    var taken = vocabulary.attributes.filter { offer.kinds.contains($0.key) }
    for (kind, names) in vocabulary.optional { taken[kind]?.subtract(names.subtracting(offer.optional[kind] ?? [])) }
    return TargetProfile(name: name, vocabulary: taken)
  }
}
