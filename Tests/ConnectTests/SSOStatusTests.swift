// SPDX-License-Identifier: Apache-2.0

import Foundation
import LDAP
import Testing

@testable import Connect

@Suite struct SSOStatusTests {
  private static let service = "HTTP/autologon.tenant.example"
  private static let now = Date(timeIntervalSince1970: 1_800_000_000)

  private func account(days: Double = 1, _ change: (inout SSOAccount) -> Void = { _ in }) -> SSOAccount {
    var account = SSOAccount(
      SearchEntry(
        dn: "CN=BRIDGEHEADSSO,CN=Computers,DC=corp,DC=example",
        attributes: [
          Attribute("sAMAccountName", ["BRIDGEHEADSSO$"]), Attribute("servicePrincipalName", [Self.service]),
          Attribute("msDS-SupportedEncryptionTypes", ["24"]), Attribute("msDS-KeyVersionNumber", ["2"]),
          Attribute("adminDescription", ["bridgehead-sso:1:corp.tenant.example"]),
        ]))
    account.passwordLastSet = Self.now.addingTimeInterval(-days * 86_400)
    change(&account)
    return account
  }

  private func key(version: Int64 = 2, activated: Bool = true, retires: Date? = nil) -> SSOTenantKey {
    SSOTenantKey(
      id: "1", forest: "corp.example", account: "BRIDGEHEADSSO", version: version, created: Self.now,
      activated: activated ? Self.now : nil, retires: retires)
  }

  private func warnings(_ account: SSOAccount?, _ keys: [SSOTenantKey]) -> [String] {
    SSOStatus(
      forest: "corp.example", service: Self.service, account: account, keys: keys, entraAccount: nil, at: Self.now
    ).warnings
  }

  @Test func readsTheAccount() {
    let account = account()
    #expect(account.name == "BRIDGEHEADSSO" && account.marker == SSOMarker(tenant: "corp.tenant.example"))
    #expect(warnings(account, [key()]).isEmpty)
  }

  @Test func warnsOfAnOldKey() {
    #expect(warnings(account(days: 29.9), [key()]).isEmpty)
    let late = warnings(account(days: 31), [key()])
    #expect(late.count == 1 && late[0].contains("31 days old") && late[0].contains("sso roll"))
  }

  @Test func warnsOfWhatDiffers() {
    #expect(warnings(account { $0.keyVersion = 3 }, [key()]).first?.contains("somebody else") == true)
    #expect(warnings(account(), []).first?.contains("no key in force") == true)
    #expect(warnings(account(), [key(activated: false)]).first?.contains("no key in force") == true)
    #expect(warnings(account(), [key(retires: Self.now)]).first?.contains("no key in force") == true)
    #expect(warnings(account { $0.encryptionTypes = nil }, [key()]).first?.contains("AES") == true)
    #expect(
      warnings(account { $0.servicePrincipalNames.append("HTTP/other") }, [key()]).first?.contains("HTTP/other") == true
    )
    #expect(warnings(nil, [key()]).first?.contains("the account is gone") == true)
    #expect(warnings(nil, []).isEmpty)
  }

  @Test(arguments: ["", "bridgehead-sso", "bridgehead-sso:1:", "bridgehead-sso:2:x", "Entra", "bridgehead-sso:1:x:y"])
  func takesNoOthersMarker(text: String) { #expect(SSOMarker(text: text) == nil) }
}
