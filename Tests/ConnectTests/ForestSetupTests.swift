// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@testable import Connect

/// Which rights a forest's accounts need, and whether access lists give them: decisions over values. The forest itself is
/// in the interoperability tests.
@Suite struct ForestSetupTests {
  private static let base = "DC=corp,DC=example"
  private static let unit = "OU=People,DC=corp,DC=example"
  private static let account = ForestAccount(
    domain: "CORP", name: "svc", identifier: SecurityIdentifier("S-1-5-21-1-2-3-1103") ?? Self.everybody)
  private static let everybody = try! SecurityIdentifier([1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
  private static let group = SecurityIdentifier("S-1-5-21-1-2-3-1200") ?? Self.everybody
  private static let lockout = ForestProperty(
    identifier: GUID("28630ebf-41d5-11d1-a9c1-0000f80367c1") ?? .zero, set: GUID("4c164200-20c0-11d0-a768-00aa006e0529")
  )

  private var judgement: RightJudgement {
    RightJudgement(
      account: Self.account, principal: "svc@CORP.EXAMPLE",
      token: [Self.account.identifier, Self.group, Self.everybody],
      properties: ["lockouttime": Self.lockout])
  }

  private func entry(
    _ mask: AccessMask, _ type: GUID? = nil, to trustee: SecurityIdentifier = Self.group,
    flags: AccessControlEntry.Flags = [], denying: Bool = false
  ) -> AccessControlEntry {
    AccessControlEntry(
      isAllowing: !denying, flags: flags, mask: mask, objectType: type, trustee: trustee)
  }

  // MARK: Access checks (MS-ADTS 5.1.3.3)

  @Test func theFirstEntryDecides() throws {
    let right = try #require(ForestRight.resetPassword.control)
    let other = try #require(ForestRight.replicatingDirectoryChanges.control)
    let stranger = try #require(SecurityIdentifier("S-1-5-21-9-9-9-1103"))
    let cases: [([AccessControlEntry]?, AccessOutcome)] = [
      (nil, .granted), ([], .absent), ([entry(.controlAccess)], .granted), ([entry(.controlAccess, right)], .granted),
      ([entry(.controlAccess, other)], .absent), ([entry(.genericAll)], .granted),
      ([entry(.controlAccess, right, to: stranger)], .absent),
      ([entry(.controlAccess, right, flags: .inheritOnly)], .absent), ([entry(.writeProperty, right)], .absent),
      ([entry(.controlAccess, right, denying: true), entry(.controlAccess, right)], .denied),
      ([entry(.controlAccess, right), entry(.controlAccess, denying: true)], .granted),
      ([entry(.controlAccess, other, denying: true), entry(.controlAccess, right)], .granted),
    ]
    for (entries, expected) in cases {
      let descriptor = SecurityDescriptor(entries: entries)
      #expect(descriptor.outcome(of: .control(right), for: judgement.token) == expected, "\(entries ?? [])")
    }
  }

  @Test func aPropertyIsWrittenByItselfOrItsSet() {
    let access = ObjectAccess.writeProperty(Self.lockout.identifier, set: Self.lockout.set)
    for type in [Self.lockout.identifier, Self.lockout.set, nil] {
      let descriptor = SecurityDescriptor(entries: [entry(.writeProperty, type)])
      #expect(descriptor.outcome(of: access, for: judgement.token) == .granted)
    }
    let other = SecurityDescriptor(entries: [entry(.writeProperty, ForestRight.userClass)])
    #expect(other.outcome(of: access, for: judgement.token) == .absent)
  }

  // MARK: Needs

  @Test func eachUseNeedsItsOwn() {
    var wanted = ForestRequirements(forest: "corp.example", accounts: [.importing: "a@X"])
    #expect(wanted.needs(in: Self.base).map(\.right) == [.replicatingDirectoryChanges, .readDeletedObjects])
    wanted.accounts[.passwords] = "b@X"
    wanted.accounts[.writeback] = "c@X"
    wanted.writesAnchors = true
    wanted.hasFurtherForests = true
    wanted.units = [Self.unit, "OU=Elsewhere,DC=other,DC=example"]
    let needs = wanted.needs(in: Self.base)
    #expect(
      Set(needs.filter { $0.role == .importing }.map(\.right)) == [
        .replicatingDirectoryChanges, .readDeletedObjects, .readForeignPrincipals, .writeConsistencyGuid,
      ])
    #expect(
      needs.filter { $0.role == .passwords }.map(\.right) == [
        .replicatingDirectoryChanges, .replicatingDirectoryChangesAll,
      ])
    let writing = needs.filter { $0.role == .writeback }
    #expect(writing.map(\.right) == [.resetPassword, .writePwdLastSet, .writeLockoutTime])
    #expect(writing.allSatisfy { $0.place == Self.unit })
    wanted.writebackUnits = ["OU=Staff, DC=corp, DC=example"]
    #expect(
      Set(wanted.needs(in: Self.base).filter { $0.role == .writeback }.map(\.place)) == Set(wanted.writebackUnits))
  }

  @Test func unitsBelongToTheirDomain() {
    let units = ["OU=A,DC=corp,DC=example", #"OU=Sales\, DC=x,dc=CORP,dc=example"#, "OU=B,DC=child,DC=corp,DC=example"]
    #expect(ForestRequirements.places(units, in: Self.base) == Array(units.prefix(2)))
    #expect(ForestRequirements.places(units, in: "DC=child,DC=corp,DC=example") == [units[2]])
    #expect(ForestRequirements.places([], in: Self.base) == [Self.base])
  }

  // MARK: Judgements

  private func need(_ right: ForestRight, _ place: String) -> ForestRequirements.Need {
    ForestRequirements.Need(role: .writeback, right: right, place: place)
  }

  @Test func usersAreLookedAtBeforeTheirUnit() {
    let granted = SecurityDescriptor(entries: [entry(.writeProperty, Self.lockout.identifier)])
    let nothing = SecurityDescriptor(entries: [])
    let need = need(.writeLockoutTime, Self.unit)
    let users = (0..<3).map { ForestObject(name: "CN=\($0),\(Self.unit)", descriptor: granted) }
    #expect(judgement.finding(need, onUsers: users, below: nothing).verdict == .passed)

    let some = users + [ForestObject(name: "CN=Blocked,\(Self.unit)", descriptor: nothing)]
    let finding = judgement.finding(need, onUsers: some, below: granted)
    #expect(finding.verdict == .missing && finding.message.contains("1 of 4") && finding.message.contains("CN=Blocked"))
    #expect(finding.grant != nil)

    let protected = SecurityDescriptor(entries: [], isProtected: true)
    let blocked = judgement.finding(
      need, onUsers: users + [ForestObject(name: "CN=Blocked,\(Self.unit)", descriptor: protected)], below: granted)
    #expect(blocked.verdict == .missing && blocked.grant == nil && blocked.remedy?.contains("/P:N") == true)
  }

  @Test func anEmptyUnitIsJudgedByWhatItHandsDown() {
    let need = need(.writeLockoutTime, Self.unit)
    var entry = entry(.writeProperty, Self.lockout.identifier, flags: [.containerInherit, .inheritOnly])
    entry.inheritedObjectType = ForestRight.userClass
    #expect(judgement.finding(need, onUsers: [], below: SecurityDescriptor(entries: [entry])).verdict == .passed)
    entry.inheritedObjectType = Self.lockout.identifier
    #expect(judgement.finding(need, onUsers: [], below: SecurityDescriptor(entries: [entry])).verdict == .missing)
  }

  @Test func whatCannotBeReadIsNotCalledMissing() {
    let need = need(.resetPassword, Self.unit)
    #expect(judgement.finding(need, onUsers: [], below: nil).verdict == .failed)
    #expect(judgement.finding(need, on: nil).verdict == .failed)
    var judgement = judgement
    judgement.properties = [:]
    let finding = judgement.finding(self.need(.writeLockoutTime, Self.unit), on: SecurityDescriptor(entries: nil))
    #expect(finding.verdict == .failed && finding.message.contains("lockoutTime"))
  }

  // MARK: Commands

  @Test func commandsNameAccountAndPlace() {
    let grant = GrantCommand(.replicatingDirectoryChangesAll, on: Self.base, to: Self.account)
    #expect(
      grant.windows == #"dsacls "DC=corp,DC=example" /G "CORP\svc:CA;Replicating Directory Changes All""#)
    #expect(
      grant.samba
        == #"samba-tool dsacl set --objectdn="DC=corp,DC=example" --sddl="(OA;;CR;1131f6ad-9c07-11d1-f79f-00c04fc2dcd2;;S-1-5-21-1-2-3-1103)""#
    )
    let write = GrantCommand(
      .writeLockoutTime, on: Self.unit, to: Self.account, property: Self.lockout.identifier)
    #expect(write.windows == #"dsacls "OU=People,DC=corp,DC=example" /I:S /G "CORP\svc:WP;lockoutTime;user""#)
    #expect(write.samba.contains("(OA;CIIO;WP;28630ebf-41d5-11d1-a9c1-0000f80367c1;bf967aba-"))
  }

  /// A name that somebody chose must not become a command.
  @Test func namesAreQuotedForTheShell() {
    #expect(GrantCommand.quoted(#"OU=$(reboot)`id`"x\,"#) == #""OU=\$(reboot)\`id\`\"x\\,""#)
  }
}

/// The examination over a scripted forest.
@Suite struct ForestExaminationTests {
  private struct Refused: DiagnosableError {
    var identifier: String { "test.refused" }
    var message: String { "The port is closed." }
    var remedy: String { "Open it." }
  }

  private struct Scripted: ForestAccess, ForestDirectory {
    var refusesRPC = false
    var refusedRole: ForestRole?
    var identifier = SecurityIdentifier("S-1-5-21-1-2-3")
    var descriptor = SecurityDescriptor(entries: nil)

    func controllers(of domain: String) async throws -> [ForestController] {
      [ForestController(host: "dc1.\(domain)", address: "192.0.2.1")]
    }
    func signIn(_ role: ForestRole, to controller: ForestController) async throws -> any ForestDirectory {
      if role == refusedRole { throw Refused() }
      return self
    }
    func securityAuthority(_ role: ForestRole, of controller: ForestController) async throws -> ForestAuthority {
      ForestAuthority(
        netBIOSName: "CORP", dnsName: String(controller.host.dropFirst(4)), forest: "corp.example", guid: .zero,
        identifier: identifier,
        trusts: [.init(name: "other.example", isInbound: true, isOutbound: false, isForestTrust: true)])
    }
    func replicationService(
      _ role: ForestRole, of controller: ForestController, domain: String
    ) async throws -> [ForestReport.Controller] {
      if refusesRPC { throw Refused() }
      return ["dc1", "dc2"].map {
        .init(host: "\($0).\(domain)", site: "Site", isGlobalCatalog: true, isPDC: false, answers: false)
      }
    }
    func globalCatalog(_ role: ForestRole, of forest: String) async throws -> String { "dc1.\(forest)" }

    func facts() async throws -> ForestDomainFacts {
      ForestDomainFacts(
        base: "DC=corp,DC=example", identifier: SecurityIdentifier("S-1-5-21-1-2-3"), isSamba: true,
        domains: ["corp.example", "child.corp.example"])
    }
    func token() async throws -> Set<SecurityIdentifier> { [] }
    func account(_ principal: String, in token: Set<SecurityIdentifier>) async throws -> ForestAccount? { nil }
    func descriptor(of object: String) async throws -> SecurityDescriptor? { descriptor }
    func users(below unit: String, atMost limit: Int) async throws -> [ForestObject] { [] }
    func properties(_ names: [String]) async throws -> [String: ForestProperty] { [:] }
    func isReadable(_ container: String) async throws -> Bool { true }
    func close() async {}
  }

  private func run(
    _ forest: Scripted, domains: [String]? = ["corp.example"],
    accounts: [ForestRole: String] = [.importing: "a@X", .passwords: "b@X"]
  ) async throws -> ForestReport {
    try await ForestExamination(
      ForestRequirements(forest: "corp.example", domains: domains, accounts: accounts), forest
    ).run()
  }

  @Test func everythingIsThere() async throws {
    let report = try await run(Scripted())
    #expect(report.failed.isEmpty && report.missing.isEmpty && report.domains.count == 1)
    #expect(report.domains[0].controllers.map(\.answers) == [true, false])
    #expect(report.trusts.map(\.direction) == [.inbound])
    #expect(report.findings.filter { $0.check == .right }.count == 4)
  }

  @Test func domainsAreFound() async throws {
    let report = try await run(Scripted(), domains: nil)
    #expect(report.domains.map(\.name) == ["corp.example", "child.corp.example"])
  }

  @Test func oneStepThatFailsStopsNoOther() async throws {
    let report = try await run(Scripted(refusesRPC: true))
    #expect(report.failed.map(\.check) == [.replicationService] && report.failed.first?.remedy == "Open it.")
    #expect(report.findings.contains { $0.check == .globalCatalog && $0.verdict == .passed })
    // What DNS said stands in for what the service would have said.
    #expect(report.domains[0].controllers.map(\.host) == ["dc1.corp.example"])
  }

  /// Each further try with a wrong password brings the account nearer to its lockout.
  @Test func aRefusedAccountIsNotTriedAgain() async throws {
    let report = try await run(Scripted(refusedRole: .passwords), domains: nil)
    #expect(report.failed.map(\.check) == [.signIn] && report.failed.map(\.role) == [.passwords])
    #expect(report.findings.filter { $0.check == .replicationService }.allSatisfy { $0.role == .importing })
  }

  @Test func anotherDomainBehindTheName() async throws {
    let report = try await run(Scripted(identifier: SecurityIdentifier("S-1-5-21-9-9-9")))
    #expect(report.failed.map(\.check) == [.identity])
  }
}
