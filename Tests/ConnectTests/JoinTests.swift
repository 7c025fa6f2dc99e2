// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import SynchronisationRules
import Synchronization
import Testing

@testable import Connect

/// Several forests in one metaverse: who is the same object, and what happens when its entries come and go.
@Suite struct JoinTests {
  private let sid = "ann's identifier"

  private func linkedMailbox(_ site: Site, _ name: String, of sid: String) -> Anchor {
    site.resources.user(
      name, in: site.resourcesRoot,
      ["useraccountcontrol": ["514"], "msexchmasteraccountsid": [sid], "department": ["Mailboxes"]])
  }

  @Test func usersWithOneMailAddressAreOneObject() async throws {
    try await Site.with { site in
      let configuration = site.twoForests(joinUsersBy: ["mail"])
      let mail = ["mail": ["ann@corp.example"]]
      let first = site.directory.user("ann", in: site.people, mail)
      let second = site.resources.user(
        "ann2", in: site.resourcesRoot,
        ["mail": ["ANN@corp.example"], "department": ["Research"], "displayname": ["x"]])
      let group = site.resources.group("g", in: site.resourcesRoot, members: [second])
      try await site.sync(configuration)
      #expect(site.target.objects.count == 2)
      let id = try #require(site.target.id("ann@corp.example"))
      // The first forest's values where it has any, the second one's otherwise.
      #expect(site.target["ann@corp.example"]?.attributes.text("displayName") == "ann")
      #expect(site.target["ann@corp.example"]?.attributes.text("department") == "Research")
      #expect(site.target.members("g") == ["ann"])
      let anchor = site.target["ann@corp.example"]?.sourceAnchor
      // When one leaves, the other carries on, under the anchor that the object has.
      site.directory.delete(first)
      let report = try await site.sync(configuration)
      #expect(report.exported(.user).deleted == 0)
      #expect(site.target.objects[id]?.attributes.text("displayName") == "x")
      #expect(site.target.objects[id]?.sourceAnchor == anchor)
      #expect(site.target.members("g") == ["x"])
      site.resources.delete(second)
      try await site.sync(configuration)
      #expect(site.target.objects[id] == nil)
      #expect(try await site.count("SELECT COUNT(*) FROM entry WHERE deleted = 1") == 0)
      #expect(try await site.count("SELECT COUNT(*) FROM join_key WHERE attr = 'mail'") == 0)
      _ = group
    }
  }

  @Test func anEntryThatLeavesTheScopeAndReturnsJoinsAgain() async throws {
    try await Site.with { site in
      var configuration = site.twoForests(joinUsersBy: ["mail"])
      configuration.forests[0].filter.include = ["OU=People,DC=corp,DC=example"]
      let mail = ["mail": ["ann@corp.example"]]
      let first = site.directory.user("ann", in: site.people, mail)
      _ = site.resources.user("ann2", in: site.resourcesRoot, mail)
      try await site.sync(configuration)
      let id = site.target.objects.keys.first
      site.directory.move(first, to: site.other)
      try await site.sync(configuration)
      #expect(site.target["ann2@corp.example"] != nil)
      site.directory.move(first, to: site.people)
      try await site.sync(configuration)
      #expect(site.target.id("ann@corp.example") == id)
      #expect(site.target.objects.count == 1)
    }
  }

  @Test func accountAndResourceForest() async throws {
    try await Site.with { site in
      let configuration = site.twoForests(joinUsersBy: ["objectSid"])
      _ = linkedMailbox(site, "mailbox", of: sid)
      _ = linkedMailbox(site, "nobody", of: "somebody else's")
      // A mailbox without its account is nobody's.
      let report = try await site.sync(configuration)
      #expect(site.target.objects.isEmpty)
      #expect(report.quarantined == 0)
      let ann = site.directory.user("ann", in: site.people, ["objectsid": [sid]])
      try await site.sync(configuration)
      #expect(site.target.objects.count == 1)
      #expect(site.target["ann@corp.example"]?.attributes.text("accountEnabled") == "true")
      #expect(site.target["ann@corp.example"]?.attributes.text("department") == "Mailboxes")
      site.directory.delete(ann)
      try await site.sync(configuration)
      #expect(site.target.objects.isEmpty)
      _ = site.directory.user("ann", in: site.people, ["objectsid": [sid]])
      try await site.sync(configuration)
      #expect(site.target["ann@corp.example"]?.attributes.text("department") == "Mailboxes")
    }
  }

  /// Whatever forests are joined by: what Exchange calls a linked mailbox is nobody by itself.
  @Test func aLinkedMailboxIsNobodyWithoutItsAccount() async throws {
    try await Site.with { site in
      let configuration = site.twoForests(joinUsersBy: ["mail"])
      let mail = ["mail": ["ann@corp.example"]]
      let linked = ["msexchrecipienttypedetails": ["2"], "department": ["Mailboxes"]]
      let mailbox = site.resources.user("box", in: site.resourcesRoot, mail.merging(linked) { $1 })
      try await site.sync(configuration)
      #expect(site.target.objects.isEmpty)
      _ = site.directory.user("ann", in: site.people, mail)
      try await site.sync(configuration)
      #expect(site.target.objects.count == 1)
      #expect(site.target["ann@corp.example"]?.attributes.text("department") == "Mailboxes")
      // One of its own makes an object, when the account it stood for is another one.
      site.resources.modify(mailbox, ["msexchrecipienttypedetails": ["1"], "mail": ["box@corp.example"]])
      let single = site.resources.user("single", in: site.resourcesRoot, ["msexchrecipienttypedetails": ["1"]])
      try await site.sync(configuration)
      #expect(site.target["single@corp.example"] != nil)
      site.resources.modify(single, ["msexchrecipienttypedetails": ["2"]])
      try await site.sync(configuration)
      #expect(site.target["single@corp.example"] == nil)
    }
  }

  @Test func severalMatchesAreAnErrorThatNamesThemAndHeals() async throws {
    try await Site.with { site in
      let configuration = site.twoForests(joinUsersBy: ["employeeID"])
      let number = ["employeeid": ["4711"]]
      _ = site.directory.user("ann", in: site.people, number)
      let twin = site.directory.user("twin", in: site.people, number)
      _ = site.resources.user("late", in: site.resourcesRoot, number)
      try await site.sync(configuration)
      #expect(try await site.reasons() == ["ambiguousJoin"])
      let detail = try #require(try await site.details().first)
      #expect(detail.contains("CN=ann,OU=People") && detail.contains("CN=twin,OU=People"))
      #expect(site.target.objects.count == 2)
      site.directory.modify(twin, ["employeeid": ["4712"]])
      try await site.sync(configuration)
      #expect(try await site.reasons() == [])
      #expect(site.target.objects.count == 2)
      #expect(try await site.count("SELECT COUNT(*) FROM entry WHERE mv IS NOT NULL") == 3)
      // A second one of the same forest does not get in either.
      _ = site.resources.user("another", in: site.resourcesRoot, number)
      try await site.sync(configuration)
      #expect(try await site.reasons() == ["ambiguousJoin"])
      #expect(site.target.objects.count == 2)
    }
  }

  @Test func foreignSecurityPrincipalsAreTheirObjects() async throws {
    try await Site.with { site in
      let configuration = site.twoForests()
      let foreign = site.resources.foreign(sid, in: site.resourcesRoot)
      let own = site.resources.user("own", in: site.resourcesRoot)
      let group = site.resources.group("g", in: site.resourcesRoot, members: [foreign, own])
      try await site.sync(configuration)
      #expect(site.target.members("g") == ["own"])
      #expect(site.target.objects.count == 2)
      var ann = site.directory.user("ann", in: site.people, ["objectsid": [sid]])
      try await site.sync(configuration)
      #expect(site.target.members("g") == ["ann", "own"])
      site.resources.link(group, "member", remove: [foreign])
      try await site.sync(configuration)
      #expect(site.target.members("g") == ["own"])
      site.resources.link(group, "member", add: [foreign])
      try await site.sync(configuration)
      #expect(site.target.members("g") == ["ann", "own"])
      site.directory.delete(ann)
      try await site.sync(configuration)
      #expect(site.target.objects.count == 2)
      #expect(site.target["g"]?.links["members"]?.count == 1)
      ann = site.directory.user("ann", in: site.people, ["objectsid": [sid]])
      let report = try await site.sync(configuration)
      #expect(site.target.members("g") == ["ann", "own"])
      #expect(report.pending == 0)
    }
  }

  @Test func aMemberByTwoWaysStaysWhileOneIsLeft() async throws {
    try await Site.with { site in
      let configuration = site.twoForests(joinUsersBy: ["mail"])
      let mail = ["mail": ["ann@corp.example"]]
      _ = site.directory.user("ann", in: site.people, mail.merging(["objectsid": [sid]]) { $1 })
      let second = site.resources.user("ann2", in: site.resourcesRoot, mail)
      let foreign = site.resources.foreign(sid, in: site.resourcesRoot)
      let group = site.resources.group("g", in: site.resourcesRoot, members: [second, foreign])
      try await site.sync(configuration)
      #expect(site.target.members("g") == ["ann"])
      site.target.forgetOperations()
      site.resources.link(group, "member", remove: [foreign])
      try await site.sync(configuration)
      #expect(site.target.operations.isEmpty)
      #expect(site.target.members("g") == ["ann"])
      site.resources.link(group, "member", add: [foreign], remove: [second])
      try await site.sync(configuration)
      #expect(site.target.members("g") == ["ann"])
      site.resources.link(group, "member", remove: [foreign])
      try await site.sync(configuration)
      #expect(site.target["g"]?.links["members"] == [])
    }
  }

  @Test func theFirstForestNamesTheManager() async throws {
    try await Site.with { site in
      let configuration = site.twoForests(joinUsersBy: ["mail"])
      let mail = ["mail": ["ann@corp.example"]]
      let one = site.directory.user("one", in: site.people)
      let two = site.resources.user("two", in: site.resourcesRoot)
      let three = site.resources.user("three", in: site.resourcesRoot)
      let first = site.directory.user("ann", in: site.people, mail, links: ["manager": [one]])
      let second = site.resources.user("ann2", in: site.resourcesRoot, mail, links: ["manager": [two]])
      try await site.sync(configuration)
      func manager(_ name: String) -> [String] {
        (site.target[name]?.links["manager"] ?? []).compactMap {
          site.target.objects[$0]?.attributes.text("displayName")
        }
      }
      #expect(manager("ann@corp.example") == ["one"])
      site.resources.link(second, "manager", add: [three], remove: [two])
      site.target.forgetOperations()
      try await site.sync(configuration)
      #expect(site.target.operations.isEmpty)
      site.directory.link(first, "manager", remove: [one])
      try await site.sync(configuration)
      #expect(manager("ann@corp.example") == ["three"])
      site.directory.link(first, "manager", add: [one])
      try await site.sync(configuration)
      #expect(manager("ann@corp.example") == ["one"])
      site.directory.delete(first)
      let report = try await site.sync(configuration)
      #expect(manager("ann2") == ["three"])
      #expect(report.pending == 0)
    }
  }

  @Test func oneForestKeepsNoKeys() async throws {
    try await Site.with { site in
      var configuration = site.configuration()
      configuration.joinUsersBy = ["mail", "objectSid"]
      _ = site.directory.user("ann", in: site.people, ["mail": ["ann@corp.example"], "objectsid": [sid]])
      try await site.sync(configuration)
      #expect(try await site.count("SELECT COUNT(*) FROM join_key") == 0)
    }
  }

  @Test func aNameThatTwoForestsUseIsGivenOnceAndHeals() async throws {
    try await Site.with { site in
      let configuration = site.twoForests()
      let ann = site.directory.user("ann", in: site.people)
      _ = site.resources.user("ANN", in: site.resourcesRoot, ["proxyaddresses": ["SMTP:ann@corp.example"]])
      try await site.sync(configuration)
      #expect(try await site.reasons() == ["duplicateUserName"])
      #expect(site.target.objects.count == 1)
      site.directory.delete(ann)
      let report = try await site.sync(configuration)
      #expect(report.quarantined == 0)
      #expect(site.target["ANN@corp.example"]?.attributes.texts("proxyAddresses") == ["SMTP:ann@corp.example"])
    }
  }

  // MARK: Conditions of rules

  /// Joins by number, then by mail and department together; the number flows from an attribute of its own.
  private func ruled(_ site: Site) throws -> ConnectConfiguration {
    var configuration = site.twoForests(joinUsersBy: ["mail"])
    configuration.rules = try RuleFile.parse(
      """
      extends: standard
      rules:
        - name: Number
          precedence: 90
          from: user
          link: join
          join: [{ employeeNumber: employeeId }, { mobile: mobile, department: department }]
          flows: [{ to: employeeId, direct: employeeNumber }]
      """, file: "rules.yaml")
    return configuration
  }

  @Test func theFirstConditionThatFindsAnythingJoins() async throws {
    try await Site.with { site in
      let configuration = try ruled(site)
      _ = site.directory.user(
        "ann", in: site.people, ["employeenumber": ["4711"], "mobile": ["1"], "department": ["Sales"]])
      _ = site.directory.user(
        "bob", in: site.people, ["mobile": ["2"], "department": ["Sales"], "mail": ["b@corp.example"]])
      _ = site.directory.user("eve", in: site.people, ["mobile": ["2"], "department": ["Research"]])
      try await site.sync(configuration)
      #expect(site.target.objects.count == 3)
      // The number outdoes everything that speaks for bob; both of a pair have to hold; the short form comes last.
      let byNumber = site.resources.user(
        "one", in: site.resourcesRoot,
        ["employeenumber": ["4711 "], "mobile": ["2"], "department": ["sales"], "mail": ["b@corp.example"]])
      let byPair = site.resources.user("two", in: site.resourcesRoot, ["mobile": ["2"], "department": ["RESEARCH"]])
      let byMail = site.resources.user("three", in: site.resourcesRoot, ["mobile": ["2"], "mail": ["B@corp.example"]])
      let alone = site.resources.user("four", in: site.resourcesRoot, ["mobile": ["2"]])
      _ = site.resources.group("g", in: site.resourcesRoot, members: [byNumber, byPair, byMail, alone])
      try await site.sync(configuration)
      #expect(site.target.objects.count == 5)
      #expect(site.target.members("g") == ["ann", "bob", "eve", "four"])
      // Who joins by number brings an address that another one has.
      #expect(try await site.reasons() == ["duplicateAddress"])
      let explained = try #require(try await site.finder(configuration).explain("two", in: site.store).first)
      let joins = try #require(explained.entries.first { $0.source == "resources.example" }?.joins)
      #expect(joins.map(\.rule) == ["Number", "joinUsersBy"])
      #expect(joins.map(\.decides) == [true, false])
      #expect(joins.first?.conditions == ["mobile = mobile (2)", "department = department (research)"])
      #expect(joins.first?.found == ["CN=eve,OU=People,DC=corp,DC=example (corp.example)"])
    }
  }

  @Test func severalThatAConditionFindsAreNamedAndHeal() async throws {
    try await Site.with { site in
      let configuration = try ruled(site)
      let number = ["employeenumber": ["4711"]]
      let ann = site.directory.user("ann", in: site.people, number)
      let twin = site.directory.user("twin", in: site.people, number)
      _ = site.resources.user("late", in: site.resourcesRoot, number)
      try await site.sync(configuration)
      #expect(try await site.reasons() == ["ambiguousJoin"])
      let detail = try #require(try await site.details().first)
      #expect(detail.contains("CN=ann,OU=People") && detail.contains("CN=twin,OU=People"))
      #expect(site.target.objects.count == 2)
      let explained = try await site.finder(configuration).explain("late", in: site.store)
      #expect(explained.first?.entries.first?.joins.first?.found.count == 2)
      site.directory.modify(twin, ["employeenumber": ["4712"]])
      try await site.sync(configuration)
      #expect(try await site.reasons() == [])
      #expect(try await site.count("SELECT COUNT(*) FROM entry WHERE mv IS NOT NULL") == 3)
      // What is left of an object is found as it was.
      site.directory.delete(ann)
      try await site.sync(configuration)
      let id = try #require(site.target.id("late"))
      _ = site.directory.user("ann again", in: site.people, number)
      try await site.sync(configuration)
      #expect(site.target.objects[id]?.attributes.text("displayName") == "ann again")
      #expect(site.target.objects.count == 2)
      // And not at all when nothing is left.
      site.directory.delete(twin)
      try await site.sync(configuration)
      #expect(try await site.count("SELECT COUNT(*) FROM join_key WHERE attr LIKE 'mv:%' AND folded = '4712'") == 0)
    }
  }

  @Test func aRuleThatOnlyJoinsWaitsForItsObject() async throws {
    try await Site.with { site in
      var configuration = site.twoForests()
      configuration.rules = try RuleFile.parse(
        """
        extends: standard
        rules:
          - { name: User, disabled: true }
          - name: Account
            precedence: 100
            forest: corp.example
            from: user
            flows: [{ to: userPrincipalName, direct: userPrincipalName }]
          - name: Mailbox
            precedence: 100
            forest: resources.example
            from: user
            link: join
            join: [{ employeeNumber: employeeId }]
            flows: [{ to: companyName, constant: Contoso }]
        """, file: "rules.yaml")
      let number = ["employeenumber": ["1"], "employeeid": ["1"]]
      _ = site.resources.user("box", in: site.resourcesRoot, number.merging(["givenname": ["Ann"]]) { $1 })
      try await site.sync(configuration)
      #expect(site.target.objects.isEmpty)
      let ann = site.directory.user("ann", in: site.people, number)
      try await site.sync(configuration)
      #expect(site.target["ann@corp.example"]?.attributes.text("givenName") == "Ann")
      site.directory.delete(ann)
      try await site.sync(configuration)
      #expect(site.target.objects.isEmpty)
    }
  }

  @Test func aContactTurnsIntoTheUserThatItStandsFor() async throws {
    try await Site.with { site in
      let configuration = site.twoForests(joinUsersBy: ["mail"])
      let mail = ["mail": ["ann@corp.example"]]
      let contact = site.resources.add(
        .contact, "CN=contact", in: site.resourcesRoot, ["displayname": ["Contact"], "mail": ["ANN@corp.example"]])
      let own = site.resources.user("own", in: site.resourcesRoot)
      _ = site.resources.group("g", in: site.resourcesRoot, members: [contact, own])
      try await site.sync(configuration)
      #expect(site.target.members("g") == ["own"])
      #expect(try await site.count("SELECT COUNT(*) FROM mv WHERE kind = 'contact'") == 1)
      for _ in 1...2 {
        let ann = site.directory.user("ann", in: site.people, mail)
        try await site.sync(configuration)
        #expect(site.target.members("g") == ["ann", "own"])
        #expect(site.target["ann@corp.example"]?.attributes.text("displayName") == "ann")
        #expect(try await site.count("SELECT COUNT(*) FROM mv WHERE kind = 'contact'") == 0)
        // A user of the contact's own forest is the same one.
        let other = site.resources.user("ann2", in: site.resourcesRoot, mail)
        try await site.sync(configuration)
        #expect(try await site.reasons() == [])
        #expect(
          try await site.count(
            "SELECT COUNT(*) FROM entry WHERE mv = (SELECT mv FROM claim WHERE folded = 'ann@corp.example' LIMIT 1)")
            == 3)
        site.resources.delete(other)
        site.directory.delete(ann)
        try await site.sync(configuration)
        #expect(site.target.members("g") == ["own"])
        #expect(try await site.count("SELECT COUNT(*) FROM mv WHERE kind = 'contact' AND gone = 0") == 1)
      }
    }
  }

  // MARK: Source anchors

  @Test func aChangedAnchorIsAnErrorOfItsObjectThatHeals() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people, ["ms-ds-consistencyguid": ["0123456789abcdef"]])
      let bob = site.directory.user("bob", in: site.people, ["ms-ds-consistencyguid": ["fedcba9876543210"]])
      try await site.sync()
      site.directory.modify(ann, ["ms-ds-consistencyguid": ["fedcba9876543210"], "department": ["Sales"]])
      let report = try await site.sync()
      #expect(report.quarantined == 1)
      #expect(try await site.reasons() == ["anchorChanged"])
      let detail = try #require(try await site.details().first)
      #expect(detail.contains("MDEyMzQ1Njc4OWFiY2RlZg==") && detail.contains("CN=bob,OU=People"))
      // Everything else goes on.
      #expect(site.target["ann@corp.example"]?.attributes.text("department") == "Sales")
      #expect(site.target["ann@corp.example"]?.sourceAnchor == "MDEyMzQ1Njc4OWFiY2RlZg==")
      #expect(site.target.objects.count == 2)
      site.directory.modify(ann, ["ms-ds-consistencyguid": ["0123456789abcdef"]])
      try await site.sync()
      #expect(try await site.reasons() == [])
      _ = bob
    }
  }

  @Test func anchorsAreWrittenBackBeforeTheFirstExport() async throws {
    try await Site.with { site in
      var configuration = site.configuration()
      configuration.forests[0].writesAnchors = true
      let ann = site.directory.user("ann", in: site.people)
      _ = site.directory.user("bob", in: site.people, ["ms-ds-consistencyguid": ["fedcba9876543210"]])
      _ = site.directory.group("g", in: site.people, members: [ann])
      let foretold = Mutex<[ObjectDifference]>([])
      _ = try await site.service(configuration).preview { difference in foretold.withLock { $0.append(difference) } }
      let anchors = foretold.withLock { $0 }.flatMap(\.attributes).filter { $0.name.contains("ConsistencyGuid") }
      #expect(anchors.map(\.after) == [[SourceAnchor.of(ann, kind: .user, attributes: .init())]])
      #expect(site.directory.anchorsWritten == 0)
      // Refused: that object waits, the others go on.
      site.directory.refuseAnchors(true)
      var report = try await site.sync(configuration)
      #expect(try await site.reasons() == ["anchorNotWritten"])
      #expect(site.target["ann@corp.example"] == nil)
      #expect(site.target["bob@corp.example"] != nil)
      #expect(report.errors.count == 1)
      site.directory.refuseAnchors(false)
      report = try await site.sync(configuration)
      #expect(site.directory.anchorsWritten == 1)
      #expect(site.target["ann@corp.example"] != nil)
      #expect(site.target.members("g") == ["ann"])
      #expect(try await site.reasons() == [])
      // What was written comes back and changes nothing.
      let requests = site.target.requests
      report = try await site.sync(configuration)
      #expect(report.synchronised == 1)
      #expect(site.target.requests == requests)
      #expect(try await site.count("SELECT COUNT(*) FROM quarantine") == 0)
      #expect(site.directory.anchorsWritten == 1)
    }
  }

  /// A pass that dies at any moment of the writing leaves nobody behind who is never exported.
  @Test(arguments: [false, true]) func aWrittenAnchorThatNobodyNotedIsKnown(isCommitted: Bool) async throws {
    var moment = 1
    var isOver = false
    while !isOver {
      try await Site.with { site in
        var configuration = site.configuration()
        configuration.forests[0].writesAnchors = true
        _ = site.directory.user("ann", in: site.people)
        let store = CrashingStore(site.store, crashAt: moment, isCommitted: isCommitted)
        do {
          _ = try await site.service(configuration, store: store).run()
          isOver = true
        } catch is CrashingStore.Crash {}
        try await site.sync(configuration)
        #expect(site.target["ann@corp.example"] != nil, "write \(moment)")
        #expect(site.directory.anchorsWritten == 1)
        #expect(try await site.count("SELECT COUNT(*) FROM anchor_write") == 0)
        #expect(try await site.reasons() == [], "write \(moment)")
      }
      moment += 1
    }
    #expect(moment > 8)
  }

  @Test func anchorsAreWrittenOnceForAllTargets() async throws {
    try await Site.with { site in
      var configuration = site.twoTargets()
      configuration.forests[0].writesAnchors = true
      for name in ["ann", "bob"] { _ = site.directory.user(name, in: site.people) }
      try await site.sync(configuration)
      #expect(site.directory.anchorTurns == 2)
      #expect(site.target.objects.count == 2 && site.second.objects.count == 2)
    }
  }

  @Test func aStoppedExportWritesNoAnchors() async throws {
    try await Site.with { site in
      var configuration = site.configuration()
      let users = (0..<8).map { site.directory.user("u\($0)", in: site.people) }
      try await site.sync(configuration)
      configuration.forests[0].writesAnchors = true
      for user in users { site.directory.delete(user) }
      _ = site.directory.user("ann", in: site.people)
      await #expect(throws: ConnectError.self) { try await site.sync(configuration) }
      #expect(site.directory.anchorTurns == 0)
      try await site.approve(configuration)
      try await site.sync(configuration)
      #expect(site.directory.anchorsWritten == 1)
      #expect(site.target["ann@corp.example"] != nil)
    }
  }

  @Test func aDuplicateAnchorWaitsForItsHolderToGo() async throws {
    try await Site.with { site in
      let guid = ["ms-ds-consistencyguid": ["0123456789abcdef"]]
      let ann = site.directory.user("ann", in: site.people, guid)
      _ = site.directory.user("twin", in: site.people, guid)
      try await site.sync()
      #expect(try await site.details().first?.contains("CN=ann,OU=People") == true)
      let id = site.target.id("ann@corp.example")
      site.directory.delete(ann)
      let report = try await site.sync()
      #expect(report.quarantined == 0)
      #expect(site.target.id("twin@corp.example") == id)
      #expect(site.target.objects.count == 1)
    }
  }
}
