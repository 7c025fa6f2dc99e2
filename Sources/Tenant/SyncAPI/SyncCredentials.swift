// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import PasswordHash
import SCIM
import Store
import SyncAPI
import Wire

/// Takes derived passwords from the Sync API. What it says of a password's age is the time of its change alone.
extension TenantDirectory {
  /// Numbers of a result. Zero is the interface's own word for success; the others are this tenant's.
  private enum Outcome {
    static let stored: Int64 = 0
    static let unknownUser: Int64 = 1
    static let invalid: Int64 = 2
    static let older: Int64 = 3
  }

  /// - Throws: ``SyncRefusal`` when password hash synchronisation is not switched on.
  func provision(_ call: ProvisionCredentials, by actor: Actor) async throws -> [ProvisionCredentials.Result] {
    let (features, anchors) = try await store.read { transaction in
      (
        try SyncSettings(transaction: transaction).features(),
        try call.items.map { try Self.sourceAnchor(of: $0.anchor, transaction) }
      )
    }
    guard features.contains(.passwordHashSync) else {
      throw SyncRefusal(
        code: "PasswordHashSyncDisabled",
        detail: "Password hash synchronisation is not switched on; SetCompanyDirsyncFeatures does that.")
    }
    let allowsForcedChange = features.contains(.enableForcedPasswordChange)
    let entries = zip(call.items, anchors).map { item, anchor in
      CredentialBatch.Entry(
        externalId: anchor, change: Self.change(item, anchor, allowsForcedChange: allowsForcedChange))
    }
    let results = try await store(CredentialBatch(entries: entries), by: actor)
    return zip(call.items, results).map { item, result in
      switch result.status {
      case .stored, .unchanged: ProvisionCredentials.Result(anchor: item.anchor, result: Outcome.stored)
      case .refused(let refusal):
        ProvisionCredentials.Result(
          anchor: item.anchor, result: Self.number(refusal.reason), detail: refusal.detail)
      }
    }
  }

  private static func number(_ reason: CredentialRefusal.Reason) -> Int64 {
    switch reason {
    case .older: Outcome.older
    case .unknownUser: Outcome.unknownUser
    case .invalid: Outcome.invalid
    }
  }

  private static func sourceAnchor(of anchor: SyncAnchor, _ transaction: any Transaction) throws -> String? {
    switch anchor {
    case .source(let text): text
    case .cloud(let text):
      try SyncObjectWriter.identified(text).flatMap { try StoredResource.find($0, $1, transaction)?.externalId }
    }
  }

  private static func change(
    _ item: ProvisionCredentials.Item, _ anchor: String?, allowsForcedChange: Bool
  ) -> Result<CredentialChange, CredentialRefusal> {
    guard let anchor else {
      return .failure(CredentialRefusal(reason: .unknownUser, detail: "No synchronised user has this anchor."))
    }
    guard let changed = SCIMDateTime.parse(item.changed) else {
      return .failure(.invalid("ChangeDate must be a time such as 2026-05-01T08:00:00Z."))
    }
    let value: DerivedPassword
    do { value = try DerivedPassword(parsing: item.value) } catch { return .failure(.invalid(error.message)) }
    return .success(
      CredentialChange(
        externalId: anchor, value: value, changed: changed,
        policy: CredentialPolicy(lastSet: changed, mustChange: item.mustChange && allowsForcedChange)))
  }
}
