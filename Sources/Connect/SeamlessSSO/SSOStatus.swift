// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials

/// How Seamless SSO stands in one forest.
package struct SSOStatus: Sendable, Codable {
  package var forest: String
  package var service: String
  package var account: SSOAccount?
  /// The tenant's keys of this forest, the newest first.
  package var keys: [SSOTenantKey]
  /// Entra ID's own account, where the forest has one.
  package var entraAccount: String?
  /// What needs somebody's attention.
  package var warnings: [String]

  package var isEnabled: Bool { account != nil && !keys.isEmpty }

  /// Microsoft's advice for its own account: whoever gets the key can sign in as anybody until it changes.
  package static let longestKeyAge: TimeInterval = 30 * 86_400

  package init(
    forest: String, service: String, account: SSOAccount?, keys: [SSOTenantKey], entraAccount: String?,
    leftover: String? = nil, at now: Date
  ) {
    self.forest = forest
    self.service = service
    self.account = account
    self.keys = keys
    self.entraAccount = entraAccount
    warnings = Self.warnings(service, account, keys, at: now)
    if let leftover {
      warnings.append("an interrupted 'sso enable' left \(leftover) behind: run it again, or 'sso disable'")
    }
  }

  private static func warnings(
    _ service: String, _ account: SSOAccount?, _ keys: [SSOTenantKey], at now: Date
  ) -> [String] {
    let roll = "run 'bridgehead connect sso roll'"
    guard let account else {
      return keys.contains { $0.retires == nil }
        ? ["the account is gone, though the tenant has its key: run 'bridgehead connect sso enable' or 'disable'"] : []
    }
    var warnings: [String] = []
    if let set = account.passwordLastSet, now.timeIntervalSince(set) > longestKeyAge {
      warnings.append("the key is \(Int(now.timeIntervalSince(set) / 86_400)) days old: \(roll)")
    }
    if let present = keys.first(where: { $0.activated != nil && $0.retires == nil }) {
      if let version = account.keyVersion, version != present.version {
        warnings.append(
          "the account's key has version \(version), the tenant's \(present.version): somebody else changed the password; "
            + roll)
      }
    } else {
      warnings.append("the tenant has no key in force: \(roll)")
    }
    if account.servicePrincipalNames != [service] {
      warnings.append("its service names are \(account.servicePrincipalNames), not \(service) alone: \(roll)")
    }
    if account.encryptionTypes != SSOAccount.aesOnly {
      warnings.append("it is not limited to AES (msDS-SupportedEncryptionTypes): \(roll)")
    }
    return warnings
  }
}

extension SeamlessSSO {
  /// Looks at the forest and the tenant.
  package func status() async throws -> SSOStatus {
    let state = try await checkedState()
    let survey = try await directory.survey(account: options.account, service: state.service)
    let (account, leftover) = try await own(survey, state)
    return SSOStatus(
      forest: directory.forest, service: state.service, account: account, keys: state.keys.filter(isOfForest),
      entraAccount: survey.entraAccount, leftover: leftover, at: now())
  }
}
