// SPDX-License-Identifier: Apache-2.0

import LDAP
import Wire

extension DomainWritebackSession {
  private static let attributes = [
    "sAMAccountName", "displayName", "objectSid", "objectClass", "userAccountControl", "isCriticalSystemObject",
    "adminCount", "tokenGroups", "msDS-KeyVersionNumber", "pwdLastSet", "lockoutTime", "msDS-ResultantPSO",
  ]

  func account(_ identifier: GUID) async throws -> WritebackAccount? {
    let found = try await connection.entry("<GUID=\(identifier)>", attributes: Self.attributes)
    guard let found, let name = found.string("sAMAccountName") else { return nil }
    return WritebackAccount(
      identifier: identifier, distinguishedName: found.dn, samAccountName: name,
      displayName: found.string("displayName"), sid: found.sid("objectSid"), classes: found.strings("objectClass"),
      control: UInt32(truncatingIfNeeded: found.integer("userAccountControl") ?? 0),
      isCritical: found.bool("isCriticalSystemObject") ?? false, adminCount: found.integer("adminCount") ?? 0,
      groups: groups(found),
      password: PasswordState(
        version: found.integer("msDS-KeyVersionNumber").flatMap { UInt32(exactly: $0) },
        lastSet: found.fileTime("pwdLastSet"), isLocked: (found.integer("lockoutTime") ?? 0) != 0),
      rules: try await rules(found.string("msDS-ResultantPSO")))
  }

  /// All or none: of a list with a value that is no identifier nothing is believed.
  private func groups(_ entry: SearchEntry) -> [SecurityIdentifier] {
    let values = entry["tokenGroups"]?.values ?? []
    let groups = values.compactMap { try? SecurityIdentifier($0) }
    return groups.count == values.count ? groups : []
  }

  /// MS-ADTS 3.1.1.1.5 and MS-SAMR 3.1.1.7: those of the password settings object, or the domain's. Times are negative
  /// intervals.
  private func rules(_ settings: String?) async throws -> PasswordRules {
    guard let name = settings ?? root.defaultNamingContext else { return PasswordRules() }
    let isDomain = settings == nil
    let names =
      isDomain
      ? ["minPwdLength", "minPwdAge", "pwdProperties"]
      : ["msDS-MinimumPasswordLength", "msDS-MinimumPasswordAge", "msDS-PasswordComplexityEnabled"]
    guard let found = try await connection.entry(name, attributes: names) else { return PasswordRules() }
    return PasswordRules(
      minimumLength: found.integer(names[0]).flatMap { Int(exactly: $0) },
      // MS-SAMR 2.2.1.15 DOMAIN_PASSWORD_COMPLEX.
      isComplex: isDomain ? found.integer(names[2]).map { $0 & 1 != 0 } : found.bool(names[2]),
      minimumAge: found.integer(names[1]).map { -max($0, -.max) / 10_000_000 })
  }
}
