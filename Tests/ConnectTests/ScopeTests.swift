// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import SynchronisationRules
import Testing
import Wire

@testable import Connect

/// What the configuration takes out of scope goes, and what it takes back comes.
@Suite struct ScopeTests {
  private func without(_ site: Site, _ configuration: ConnectConfiguration) -> ConnectConfiguration {
    var configuration = configuration
    configuration.forests[0].domains = ["other.example"]
    return configuration
  }

  @Test func aDomainThatIsNotReadAnyMoreLeaves() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      _ = site.directory.user("bob", in: site.people)
      _ = site.directory.group("g", in: site.people, members: [ann])
      _ = site.resources.user("cem", in: site.resourcesRoot)
      let (all, some) = (site.twoForests(), without(site, site.twoForests()))
      try await site.sync(all)
      #expect(site.target.objects.count == 4)
      site.directory.readDomains(["other.example"])
      try await site.sync(some)
      #expect(site.target.objects.values.map { $0.attributes.text("displayName") } == ["cem"])
      let view = try await site.finder(some).show("ann", in: site.store)
      #expect(view.first?.entries.first?.excluded == "its domain is no longer configured")
      // It comes back: what was deleted meanwhile does not, and nothing else is missing.
      site.directory.delete(ann)
      site.directory.readDomains(nil)
      try await site.sync(all)
      #expect(site.directory.readings.suffix(1) == [.full])
      #expect(site.target["bob@corp.example"] != nil)
      #expect(site.target["g"] != nil)
      #expect(site.target.objects.count == 3)
    }
  }

  @Test func theGuardCountsTheUsersOfADomain() async throws {
    try await Site.with { site in
      for number in 0..<8 { _ = site.directory.user("u\(number)", in: site.people) }
      try await site.sync()
      site.directory.readDomains(["other.example"])
      let error = await #expect(throws: ConnectError.self) { try await site.sync(without(site, site.configuration())) }
      #expect(error?.code == .tooManyDeletions)
      #expect(error?.message.contains("8 still in the directory but out of scope") == true)
      #expect(site.target.objects.count == 8)
      // Whoever spells the domain otherwise means the same one.
      site.directory.readDomains(nil)
      var configuration = site.configuration()
      configuration.forests[0].domains = ["CORP.example"]
      try await site.sync(configuration)
      #expect(site.target.objects.count == 8)
    }
  }

  // MARK: Names

  private func byPlace(_ site: Site, _ part: Int) throws -> ConnectConfiguration {
    var configuration = site.configuration()
    configuration.rules = try RuleFile.parse(
      """
      extends: standard
      rules:
        - name: Place
          precedence: 90
          from: user
          link: join
          flows: [{ to: department, expression: 'DNComponent([distinguishedName], \(part))' }]
      """, file: "rules.yaml")
    return configuration
  }

  /// A directory does not report what stands below a container that was renamed.
  @Test func rulesThatLookAtNamesFollowARename() async throws {
    try await Site.with { site in
      let team = site.directory.add(.structure, "OU=Team", in: site.people)
      let ann = site.directory.user("ann", in: team)
      func department() -> String? { site.target["ann@corp.example"]?.attributes.text("department") }
      try await site.sync(byPlace(site, 3))
      #expect(department() == "People")
      site.directory.move(site.people, rdn: "OU=Staff")
      try await site.sync(byPlace(site, 3))
      #expect(department() == "Staff")
      // Its own name, which changes nothing else here.
      try await site.sync(byPlace(site, 1))
      #expect(department() == "ann")
      site.directory.move(ann, rdn: "CN=Ann M.")
      try await site.sync(byPlace(site, 1))
      #expect(department() == "Ann M.")
    }
  }

  @Test func aRenameThatNoRuleAsksForLooksAtNobody() async throws {
    try await Site.with { site in
      for name in ["ann", "bob"] { _ = site.directory.user(name, in: site.people) }
      _ = site.directory.user("cem", in: site.other)
      var configuration = site.configuration()
      configuration.rules = try RuleFile.parse(
        """
        rules:
          - name: User
            precedence: 100
            from: user
            flows: [{ to: userPrincipalName, direct: userPrincipalName }, { to: displayName, direct: cn }]
        """, file: "rules.yaml")
      try await site.sync(configuration)
      site.directory.move(site.people, rdn: "OU=Staff")
      #expect(try await site.sync(configuration).synchronised == 0)
      try await site.sync()
      // The standard rules leave out what lost a replication conflict.
      site.directory.move(site.people, rdn: #"OU=Staff\0ACNF:1"#)
      try await site.sync()
      #expect(site.target.objects.count == 1)
      site.directory.move(site.people, rdn: "OU=Staff")
      try await site.sync()
      #expect(site.target.objects.count == 3)
    }
  }

  @Test func aFullPassLooksAtEveryEntry() async throws {
    try await Site.with { site in
      for name in ["ann", "bob"] { _ = site.directory.user(name, in: site.people) }
      try await site.sync()
      // Whatever it is that an entry was not looked at for.
      try await site.store.write { transaction in
        try transaction.run("UPDATE entry SET dn = 'CN=ann,OU=Elsewhere' WHERE dn LIKE 'CN=ann%'")
        try transaction.run("UPDATE mv SET attrs = ? WHERE id = 1", [.blob(Attributes().encoded())])
      }
      #expect(try await site.sync().synchronised == 0)
      #expect(try await site.sync(full: true).synchronised >= 2)
      #expect(try await site.count("SELECT COUNT(*) FROM mv WHERE length(attrs) < 20") == 0)
    }
  }

  // MARK: Places

  @Test func whoseParentIsNotReadWaitsForIt() async throws {
    try await Site.with { site in
      let configuration = site.configuration(include: ["OU=People,DC=corp,DC=example"])
      let unit = Anchor([UInt8](repeating: 7, count: 16))
      let (below, _) = (
        site.directory.add(.structure, "OU=Below", in: unit), site.directory.user("bob", in: site.people)
      )
      _ = site.directory.user("ann", in: below)
      var report = try await site.sync(configuration)
      #expect(report.placeless == ["corp.example": 1])
      #expect(site.target.objects.count == 1)
      #expect(try await site.sync(configuration).placeless == ["corp.example": 1])
      site.directory.restore(unit, .structure, "OU=Unit", in: site.people, [:])
      report = try await site.sync(configuration)
      #expect(report.placeless == nil)
      #expect(site.target["ann@corp.example"] != nil)
    }
  }

  @Test func everythingThatUsersMayStandBelowIsRead() {
    let filter = "\(ImportSelection.plain.filter)"
    for name in ["organization", "locality", "country", "lostAndFound", "organizationalUnit", "container", "domainDNS"]
    {
      #expect(filter.contains(name))
    }
    #expect(ImportSelection.plain.fingerprint.contains("locality"))
  }
}
