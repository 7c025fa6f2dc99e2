// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import LDAP
import Wire

/// The computer account whose key a forest shares with the tenant, as a domain controller tells it.
package struct SSOAccount: Sendable, Hashable, Codable {
  package var distinguishedName: String
  /// Without the `$` at its end.
  package var name: String
  package var servicePrincipalNames: [String]
  /// msDS-SupportedEncryptionTypes (MS-KILE 2.2.7); nil where it is not set.
  package var encryptionTypes: Int64?
  /// Nil for an account that Bridgehead did not make.
  package var marker: SSOMarker?
  package var passwordLastSet: Date?
  /// msDS-KeyVersionNumber (MS-ADTS 3.1.1.4.5.16).
  package var keyVersion: Int64?

  /// AES128_CTS_HMAC_SHA1_96 and AES256_CTS_HMAC_SHA1_96, and nothing else.
  package static let aesOnly: Int64 = 0x18

  static let attributes = [
    "sAMAccountName", "servicePrincipalName", "msDS-SupportedEncryptionTypes", SSOMarker.attribute, "pwdLastSet",
    "msDS-KeyVersionNumber",
  ]

  init(_ entry: SearchEntry) {
    distinguishedName = entry.dn
    name = (entry.string("sAMAccountName") ?? "").trimmingSuffix("$")
    servicePrincipalNames = entry.strings("servicePrincipalName").sorted()
    encryptionTypes = entry.integer("msDS-SupportedEncryptionTypes")
    marker = entry.string(SSOMarker.attribute).flatMap(SSOMarker.init(text:))
    passwordLastSet = entry.fileTime("pwdLastSet").flatMap { time in
      time.ticks > 0 ? Date(timeIntervalSince1970: Double(time.unixSeconds)) : nil
    }
    keyVersion = entry.integer("msDS-KeyVersionNumber")
  }
}

/// How Bridgehead tells its own account from others, and one tenant's from another's.
package struct SSOMarker: Sendable, Hashable, Codable {
  /// Of class top: every object may have it, and nothing else uses it.
  static let attribute = "adminDescription"
  private static let prefix = "bridgehead-sso"

  /// The tenant's initial domain, which never changes.
  package var tenant: String

  package init(tenant: String) { self.tenant = tenant }

  /// Nil for any other text.
  init?(text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == Self.prefix, parts[1] == "1", !parts[2].isEmpty else { return nil }
    tenant = String(parts[2])
  }

  var text: String { "\(Self.prefix):1:\(tenant)" }
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
