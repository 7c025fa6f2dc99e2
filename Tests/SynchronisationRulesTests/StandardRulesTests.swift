// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Testing

@testable import SynchronisationRules

@Suite struct StandardRulesTests {
  private let set = StandardRules.ruleSet

  private func attributes(_ entry: Entry, _ context: RuleContext = context()) -> Attributes {
    set.merge([set.evaluate(entry, in: context)]).attributes
  }

  @Test("The text of the standard rules is sound")
  func sound() throws {
    #expect(try RuleFile.rules(in: StandardRules.yaml, file: "standard", standard: []).count == 9)
    #expect(set.rules.count == 9)
    #expect(
      set.references == [
        .user: ["manager": "manager"], .group: ["member": "members", "managedBy": "managedBy"],
        .contact: ["manager": "manager"],
      ])
  }

  @Test("A user with everything")
  func user() {
    let user = entry([
      "sAMAccountName": ["ann"], "userPrincipalName": ["Ann@corp.example"], "userAccountControl": ["512"],
      "accountExpires": ["9223372036854775807"], "displayName": [" Ann Müller "], "cn": ["ann"], "givenName": ["Ann"],
      "sn": ["Müller"], "mail": ["ann.mueller@corp.example"], "proxyAddresses": ["smtp:ann@corp.example", "X400:c=de"],
      "title": ["Clerk"], "department": ["Sales"], "company": ["Corp"], "telephoneNumber": ["1"], "mobile": ["2"],
      "streetAddress": ["Street 1"], "l": ["Berlin"], "st": ["BE"], "postalCode": ["10115"], "c": ["DE"],
      "employeeID": ["7"],
      "preferredLanguage": ["de-DE"], "initials": ["M."], "description": [String(repeating: "x", count: 449), "y"],
      "physicalDeliveryOfficeName": ["B1"], "homePhone": ["3"], "facsimileTelephoneNumber": ["4"],
      "otherTelephone": ["5", "6"], "wWWHomePage": ["ann.example"], "extensionAttribute1": ["e1"],
      "extensionAttribute15": ["e15"], "mailNickname": ["ann"], "targetAddress": ["SMTP:ann@x"],
      "msExchHideFromAddressLists": ["TRUE"],
    ])
    #expect(
      attributes(user)
        == Attributes(texts: [
          "userPrincipalName": ["Ann@corp.example"], "accountEnabled": ["true"], "displayName": ["Ann Müller"],
          "givenName": ["Ann"], "surname": ["Müller"], "mail": ["ann.mueller@corp.example"],
          "proxyAddresses": ["SMTP:ann.mueller@corp.example", "smtp:ann@corp.example"], "jobTitle": ["Clerk"],
          "department": ["Sales"], "companyName": ["Corp"], "telephoneNumber": ["1"], "mobile": ["2"],
          "streetAddress": ["Street 1"], "city": ["Berlin"], "state": ["BE"], "postalCode": ["10115"],
          "country": ["DE"],
          "employeeId": ["7"], "preferredLanguage": ["de-DE"], "initials": ["M."],
          "description": [String(repeating: "x", count: 448)], "physicalDeliveryOfficeName": ["B1"],
          "homePhone": ["3"], "facsimileTelephoneNumber": ["4"], "otherTelephone": ["5", "6"],
          "wwwHomePage": ["ann.example"], "extensionAttribute1": ["e1"], "extensionAttribute15": ["e15"],
          "mailNickname": ["ann"], "targetAddress": ["SMTP:ann@x"], "hideFromAddressLists": ["true"],
          "onPremisesSamAccountName": ["ann"], "onPremisesDomainName": ["corp.example"],
          "onPremisesDistinguishedName": ["CN=Ann,OU=People,DC=corp,DC=example"],
        ]))
  }

  @Test("Without an alias Exchange does not know a user, and has nothing to say")
  func exchange() {
    let user = attributes(
      entry(["sAMAccountName": ["ann"], "targetAddress": ["SMTP:ann@x"], "msExchHideFromAddressLists": ["TRUE"]]))
    #expect(user["targetAddress"].isEmpty && user["hideFromAddressLists"].isEmpty)
  }

  @Test("Sign-in names under a domain that is not verified are replaced")
  func signInName() {
    func name(_ texts: [String: [String]], nickname: String? = nil) -> String? {
      attributes(entry(texts.merging(["sAMAccountName": ["sam"]]) { $1 }), context(nickname: nickname)).text(
        "userPrincipalName")
    }
    #expect(name(["userPrincipalName": [" a@CORP.example "]]) == "a@CORP.example")
    #expect(name(["userPrincipalName": ["a@local"]]) == "a@corp.tenant.example")
    #expect(name(["userPrincipalName": ["a@local"], "mail": ["m@x"]]) == "m@corp.tenant.example")
    #expect(
      name(["userPrincipalName": ["a@local"], "mailNickname": ["nick"]], nickname: "first")
        == "first@corp.tenant.example")
    #expect(name([:]) == "sam@corp.tenant.example")
  }

  @Test("Accounts are enabled unless they are disabled or expired")
  func accounts() {
    func enabled(_ control: String?, _ expires: String?, now: Double = 1_733_600_000) -> (String?, Double?) {
      var texts = ["sAMAccountName": ["ann"]]
      texts["userAccountControl"] = control.map { [$0] }
      texts["accountExpires"] = expires.map { [$0] }
      let merged = set.merge([set.evaluate(entry(texts), in: context(now: now))])
      return (merged.attributes.text("accountEnabled"), merged.nextChange)
    }
    #expect(enabled("512", nil) == ("true", nil))
    #expect(enabled(nil, nil) == ("true", nil))
    #expect(enabled("514", "133781040000000000") == ("false", nil))
    #expect(enabled("512", "0") == ("true", nil))
    #expect(enabled("512", "133781040000000000") == ("true", 1_733_630_400))
    #expect(enabled("512", "133781040000000000", now: 1_733_630_399) == ("true", 1_733_630_400))
    #expect(enabled("512", "133781040000000000", now: 1_733_630_400) == ("false", nil))
  }

  @Test(
    "What stays out",
    arguments: [
      (ObjectKind.user, "isCriticalSystemObject", "TRUE", "it is a critical system object"),
      (.user, "sAMAccountName", "MSOL_1", "it is a service account of another synchronisation tool"),
      (.user, "sAMAccountName", "AAD_1", "it is a service account of another synchronisation tool"),
      (.user, "sAMAccountName", "", "it has no sAMAccountName"),
      (.user, "sAMAccountName", "SUPPORT_388945a0", "it is the support account of an earlier Windows"),
      (.user, "sAMAccountName", "CAS_{1}", "it is a system mailbox"),
      (.user, "adminDescription", "User_1", "it was written here from the cloud"),
      (.user, "mailNickname", "SystemMailbox{1}", "it is a system mailbox"),
      (.user, "mailNickname", "CAS_{1}", "it is a system mailbox"),
      (.user, "msExchRecipientTypeDetails", "4096", "it is a recipient of Exchange's own"),
      (.user, "msExchRecipientTypeDetails", "8192", "it is a recipient of Exchange's own"),
      (.user, "msExchRecipientTypeDetails", "16384", "it is a recipient of Exchange's own"),
      (.user, "msExchRecipientTypeDetails", "4194304", "it is a recipient of Exchange's own"),
      (.user, "msExchRecipientTypeDetails", "8388608", "it is a recipient of Exchange's own"),
      (.user, "msExchRecipientTypeDetails", "16777216", "it is a recipient of Exchange's own"),
      (.user, "msExchRecipientTypeDetails", "536870912", "it is a recipient of Exchange's own"),
      (.group, "groupType", "-2147483643", "it is a built-in group"),
      (.group, "isCriticalSystemObject", "TRUE", "it is a critical system object"),
      (.group, "sAMAccountName", "", "it has no sAMAccountName"),
      (.group, "mailNickname", "SystemMailbox{1}", "it is a system mailbox"),
      (.group, "sAMAccountName", "MSOL_AD_Sync_RichCoexistence", "it is a group of another synchronisation tool"),
      (.group, "adminDescription", "Group_1", "it was written here from the cloud"),
      (.group, "msExchRecipientTypeDetails", "1073741824", "it is a role group of Exchange"),
      (.group, "mail", "", "it is a distribution group without a mail address"),
      (.group, "mail", "list", "it is a distribution group without a mail address"),
      (.contact, "mailNickname", "SystemMailbox{1}", "it is a system mailbox"),
      (.contact, "mailNickname", "CAS_{1}", "it is a system mailbox"),
      (.contact, "displayName", "Ann (MSOL)", "it is a contact of another synchronisation tool"),
      (.contact, "mail", "", "it has no mail address"),
      (.contact, "mail", "ann", "it has no mail address"),
      (.device, "userCertificate", "", "it is not registered as a device"),
      (.structure, "ou", "x", "no rule is for it"),
    ] as [(ObjectKind, String, String, String)])
  func exclusions(kind: ObjectKind, attribute: String, value: String, reason: String) {
    // A user mailbox, and of groups a distribution list.
    let base = [
      "sAMAccountName": ["ann"], "userCertificate": ["x"], "mail": ["a@x"], "groupType": ["2"],
      "msExchHideFromAddressLists": ["TRUE"], "msExchRecipientTypeDetails": ["1"],
    ]
    if kind != .structure { #expect(set.evaluate(entry(base, kind: kind), in: context()).exclusion == nil) }
    let texts = base.merging([attribute: value.isEmpty ? [] : [value]]) { $1 }
    let result = set.evaluate(entry(texts, kind: kind), in: context())
    #expect(result.exclusion == reason)
    #expect(result.link == nil && result.contributions.isEmpty)
  }

  @Test("The loser of a replication conflict stays out")
  func conflict() {
    let loser = entry(
      ["sAMAccountName": ["ann"]], name: #"CN=Ann\0ACNF:6f1b2a3c-0d4e-4f5a-8b6c-7d8e9f0a1b2c,DC=corp,DC=example"#)
    #expect(set.evaluate(loser, in: context()).exclusion == "it lost a replication conflict")
  }

  @Test("Groups, contacts and devices")
  func others() {
    let group = attributes(
      entry(
        [
          "sAMAccountName": ["g"], "cn": ["Group"], "groupType": ["-2147483646"], "description": [" d "],
          "extensionAttribute7": ["e7"], "msExchHideFromAddressLists": ["FALSE"],
        ], kind: .group, bytes: ["objectSid": [[1, 2]]]))
    var expected = Attributes(texts: [
      "displayName": ["Group"], "description": ["d"], "securityEnabled": ["true"], "extensionAttribute7": ["e7"],
      "hideFromAddressLists": ["false"], "onPremisesSamAccountName": ["g"], "onPremisesDomainName": ["corp.example"],
    ])
    expected["onPremisesSecurityIdentifier"] = [[1, 2]]
    #expect(group == expected)
    // A distribution list, by the one address or the other.
    for address in [["mail": ["list@x"]], ["proxyAddresses": ["smtp:l@x", "SMTP:list@x"]]] {
      let texts = ["sAMAccountName": ["l"], "mailNickname": ["list"], "groupType": ["8"]].merging(address) { $1 }
      let list = attributes(entry(texts, kind: .group))
      #expect(list["securityEnabled"] == [Array("false".utf8)] && list.text("mail") == "list@x")
      #expect(list.texts("proxyAddresses").first == "SMTP:list@x" && list.text("mailNickname") == "list")
    }
    let contact = attributes(entry(["cn": ["Carl"], "proxyAddresses": ["SMTP:c@x"]], kind: .contact))
    #expect(contact == Attributes(texts: ["displayName": ["Carl"], "mail": ["c@x"], "proxyAddresses": ["SMTP:c@x"]]))
    #expect(set.evaluate(entry(["proxyAddresses": ["SMTP:c@x"]], kind: .contact), in: context()).exclusion == nil)
    #expect(
      set.evaluate(entry(["proxyAddresses": ["X400:c=de"]], kind: .contact), in: context()).exclusion
        == "it has no mail address")
    // One that is only named like another tool's stays in.
    let named = entry(["displayName": ["Ann (MSOL)"], "mail": ["a@x"]], kind: .contact)
    #expect(set.evaluate(named, in: context()).exclusion == nil)
    let device = attributes(
      entry(["cn": ["PC1"], "userCertificate": ["x"], "userAccountControl": ["4098"]], kind: .device))
    #expect(device.text("deviceId") == "03020100-0504-0706-0809-0a0b0c0d0e0f")
    #expect(device.text("accountEnabled") == "false")
    #expect(device.text("deviceTrustType") == "ServerAd")
    #expect(device["userCertificate"] == [Array("x".utf8)])
  }

  @Test("Every flow", arguments: [ObjectKind.user, .group, .contact, .device])
  func every(kind: ObjectKind) {
    var texts = ["mail": ["a@x.example"], "userCertificate": ["x"], "groupType": ["-2147483646"]]
    for name in set.requestedAttributes where texts[name] == nil && name != "isCriticalSystemObject" {
      texts[name] = ["TRUE"]
    }
    let wanted = Set(set.rules.filter { $0.from == kind }.flatMap(\.flows).map(\.to))
      .subtracting(["manager", "managedBy", "members"])
    #expect(Set(attributes(entry(texts, kind: kind)).names) == wanted)
    // The metaverse has places that the standard rules leave to others; each is known here.
    #expect(Set(MetaverseSchema.names(of: kind)).subtracting(wanted) == Self.left[kind])
  }

  private static let left: [ObjectKind: Set<String>] = [
    .user: ["manager", "employeeType", "usageLocation", "division", "costCenter"],
    .group: ["members", "managedBy", "targetAddress", "onPremisesDistinguishedName"],
    .contact: [
      "manager", "onPremisesSecurityIdentifier", "onPremisesSamAccountName", "onPremisesDistinguishedName",
      "onPremisesDomainName",
    ],
    .device: Set((1...15).map { "extensionAttribute\($0)" })
      .union(["onPremisesSamAccountName", "onPremisesDistinguishedName", "onPremisesDomainName"]),
  ]
}
