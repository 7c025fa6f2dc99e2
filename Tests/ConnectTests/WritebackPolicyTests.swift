// SPDX-License-Identifier: Apache-2.0

import PasswordWriteback
import Testing
import Wire

@testable import Connect

@Suite struct WritebackPolicyTests {
  private let policy = WritebackPolicy(
    include: ["OU=People, DC=corp,DC=example"], exclude: ["OU=Board,OU=People,DC=corp,DC=example"])

  private func account(
    _ name: String = "CN=Anna,OU=Legal,OU=People,DC=corp,DC=example", relative: UInt32 = 1200, groups: [String] = [],
    _ change: (inout WritebackAccount) -> Void = { _ in }
  ) -> WritebackAccount {
    let domain = "S-1-5-21-1-2-3"
    let all = ["\(domain)-513", "S-1-5-32-545"] + groups.map { $0.hasPrefix("S-") ? $0 : "\(domain)-\($0)" }
    var account = WritebackAccount(
      identifier: GUID(words: 1, 2), distinguishedName: name,
      samAccountName: "anna", displayName: "Müller, Anna", sid: SecurityIdentifier("\(domain)-\(relative)"),
      classes: ["top", "person", "organizationalPerson", "user"], control: 0x200,
      groups: all.compactMap { SecurityIdentifier($0) })
    change(&account)
    return account
  }

  @Test func anOrdinaryUserMay() {
    #expect(policy.refusal(of: account()) == nil)
    #expect(policy.refusal(of: account("cn=anna , ou=people, dc=CORP, dc=example")) == nil)
  }

  @Test(arguments: [
    "CN=Anna,OU=External,DC=corp,DC=example", "CN=Anna,OU=Board,OU=People,DC=corp,DC=example",
    "CN=Anna,OU=Team,OU=Board,OU=People,DC=corp,DC=example", "OU=People,DC=corp,DC=example",
    // A name that only looks like a path.
    "CN=x\\,OU=People,DC=corp,DC=example", "CN=Anna,OU=People,DC=corp,DC=example,DC=evil", "",
  ])
  func otherUnitsMayNot(name: String) {
    #expect(policy.refusal(of: account(name))?.reason == .outsideUnits)
  }

  @Test func withoutUnitsNobodyMay() {
    #expect(WritebackPolicy(include: [], exclude: []).refusal(of: account())?.reason == .outsideUnits)
  }

  @Test(arguments: [
    "512", "516", "517", "518", "519", "520", "521", "526", "527", "S-1-5-32-544", "S-1-5-32-548", "S-1-5-32-549",
    "S-1-5-32-550", "S-1-5-32-551", "S-1-5-32-552",
  ])
  func membersOfProtectedGroupsMayNot(group: String) {
    #expect(policy.refusal(of: account(groups: [group]))?.reason == .protectedAccount)
  }

  @Test func protectedAccountsMayNot() {
    let changes: [(inout WritebackAccount) -> Void] = [
      { $0.adminCount = 1 }, { $0.isCritical = true }, { $0.groups = [] }, { $0.sid = nil },
      { $0.classes.append("computer") },
      { $0.classes = ["top", "contact"] }, { $0.control = 0x1000 }, { $0.control = 0x2200 },
    ]
    for change in changes {
      #expect(policy.refusal(of: account("CN=A,OU=People,DC=corp,DC=example", change))?.reason == .protectedAccount)
    }
    for relative: UInt32 in [500, 501, 502] {
      #expect(policy.refusal(of: account(relative: relative))?.reason == .protectedAccount)
    }
  }

  @Test func membersOfProtectedUsersChangeByKerberos() {
    #expect(WritebackPolicy.usesKerberosChange(account(groups: ["525"])))
    #expect(policy.refusal(of: account(groups: ["525"])) == nil)
    #expect(!WritebackPolicy.usesKerberosChange(account(groups: ["S-1-5-32-525"])))
  }

  // MARK: - A refusal in words

  private func explained(
    _ password: String, _ rules: PasswordRules, lastSet: Int64 = 0, history: Bool = true
  ) -> WritebackOutcome {
    let account = account { $0.password.lastSet = FileTime(unixSeconds: lastSet) }
    return rules.explain(SecretBytes(Array(password.utf8)), of: account, countsHistory: history, at: 1_000_000)
  }

  @Test func explainsWhatThePolicyRefuses() {
    let rules = PasswordRules(minimumLength: 8, isComplex: true, minimumAge: 86_400)
    #expect(explained("Ab1!", rules) == WritebackOutcome(.refused, .tooShort, number: 8))
    #expect(explained("alllowercase", rules).reason == .notComplex)
    #expect(explained("Anna-2026-Xy", rules).reason == .notComplex, "the account's own name")
    #expect(explained("Xmüller-2026", rules).reason == .notComplex, "a part of the display name")
    #expect(explained("Good-Enough-1", rules, lastSet: 1_000_000 - 3600) == .init(.refused, .tooYoung, number: 23))
    #expect(explained("Good-Enough-1", rules).reason == .inHistory)
    #expect(explained("Good-Enough-1", rules, lastSet: 999_000, history: false).reason == .policy)
    // What cannot be read is not guessed.
    #expect(explained("Good-Enough-1", PasswordRules()).reason == .policy)
  }
}
