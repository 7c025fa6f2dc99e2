// SPDX-License-Identifier: Apache-2.0

import Foundation
import IdentityModel
import SynchronisationRules
import Synchronization
import Testing

@testable import Connect
import Wire

@Suite struct GuardTests {
  @Test func limits() {
    let limits = ConnectConfiguration.Guard()
    #expect(limits.limit(of: 0) == 5)
    #expect(limits.limit(of: 40) == 5)
    #expect(limits.limit(of: 1) == 5)
    #expect(limits.limit(of: 2) == 1)
    #expect(limits.limit(of: 5) == 4)
    #expect(limits.limit(ofMembers: 10) == 50)
    #expect(limits.limit(ofMembers: 11) == 10)
    #expect(limits.limit(ofMembers: 51) == 50)
    #expect(limits.limit(of: 1_000) == 100)
    #expect(limits.limit(of: 100_000) == 500)
  }

  @Test func tooManyDeletionsStopBeforeTheFirstRequest() async throws {
    try await Site.with { site in
      let users = (0..<8).map { site.directory.user("u\($0)", in: site.people) }
      let keeper = site.directory.user("keeper", in: site.people)
      try await site.sync()
      for user in users.prefix(6) { site.directory.delete(user) }
      site.directory.modify(keeper, ["department": ["waits"]])
      let requests = site.target.requests
      await #expect {
        try await site.sync()
      } throws: { error in
        guard let error = error as? ConnectError else { return false }
        return error.code == .tooManyDeletions && error.message.contains("6 of 9 objects of type user (limit 5): 6 del")
      }
      #expect(site.target.requests == requests)
      #expect(site.target.objects.count == 9)
      // Approving another difference is no help.
      await #expect {
        try await StandingDifference.approve("0123456789abcdef", site.configuration(), site.store, now: .distantPast)
      } throws: { ($0 as? ConnectError)?.code == .notStanding }
      try await site.approve()
      // One more deletion makes it another difference.
      site.directory.delete(users[6])
      await #expect(throws: ConnectError.self) { try await site.sync() }
      #expect(site.target.requests == requests)
    }
  }

  /// What a right looks like that was taken away for one unit: everybody there loses a value at once.
  @Test func anAttributeThatAUnitLosesStops() async throws {
    try await Site.with { site in
      var configuration = site.configuration()
      configuration.guard.clearedValues = 4
      let values = ["department": ["Sales"], "givenname": ["A"]]
      let users = (0..<5).map { site.directory.user("u\($0)", in: site.people, values) }
      let elsewhere = site.directory.user("elsewhere", in: site.other, values)
      try await site.sync(configuration)
      // Three may be cleared by hand.
      for user in users.prefix(3) { site.directory.modify(user, ["givenname": []]) }
      try await site.sync(configuration)
      #expect(site.target["u2@corp.example"]?.attributes.text("givenName") == nil)
      for user in users { site.directory.modify(user, ["department": []]) }
      site.directory.modify(elsewhere, ["displayname": ["waits"]])
      let requests = site.target.requests
      for _ in 1...2 {
        await #expect {
          try await site.sync(configuration)
        } throws: { error in
          guard let error = error as? ConnectError, error.isGuarded else { return false }
          return error.code == .valuesLost
            && error.message.contains(
              "All 5 objects below OU=People,DC=corp,DC=example whose values change would lose department")
        }
      }
      #expect(site.target.requests == requests)
      // It ends by itself when the values are back, and what waited goes on.
      for user in users { site.directory.modify(user, ["department": ["Sales"]]) }
      let report = try await site.sync(configuration)
      #expect(report.exported(.user).updated == 1)
      #expect(try await site.count("SELECT COUNT(*) FROM cleared") == 0)
      // Cleared by hand indeed: an administrator lets it through, once.
      for user in users { site.directory.modify(user, ["department": []]) }
      await #expect(throws: ConnectError.self) { try await site.sync(configuration) }
      let standing = try await site.approve(configuration)
      #expect(standing.clearings.map(\.name) == (0..<5).map { "u\($0)@corp.example" })
      #expect(try await site.sync(configuration).exported(.user).updated == 5)
      #expect(site.target["u4@corp.example"]?.attributes.text("department") == nil)
      try await site.sync(configuration)
      #expect(try await site.count("SELECT COUNT(*) FROM cleared") == 0)
      #expect(try await site.count("SELECT COUNT(*) FROM approved") == 0)
    }
  }

  @Test func whoKeepsAnAttributeSpeaksForTheOthers() async throws {
    try await Site.with { site in
      var configuration = site.configuration()
      configuration.guard.clearedValues = 4
      let users = (0..<6).map { site.directory.user("u\($0)", in: site.people, ["department": ["Sales"]]) }
      try await site.sync(configuration)
      for user in users.prefix(5) { site.directory.modify(user, ["department": []]) }
      // It changes as well, and its department can be read.
      site.directory.modify(users[5], ["displayname": ["x"]])
      #expect(try await site.sync(configuration).exported(.user).updated == 6)
      // What no rule gives any more was meant to go.
      configuration.rules = RuleSet(
        StandardRules.ruleSet.rules.map { rule in
          var rule = rule
          rule.flows.removeAll { $0.to == "givenName" }
          return rule
        })
      for user in users { site.directory.modify(user, ["givenname": ["A"]]) }
      try await site.sync()
      #expect(site.target["u4@corp.example"]?.attributes.text("givenName") == "A")
      #expect(try await site.sync(configuration).exported(.user).updated == 6)
    }
  }

  /// What only a target of other domains has is lost there only.
  @Test func whatASecondTargetLosesStopsThere() async throws {
    try await Site.with { site in
      var configuration = site.twoTargets(verifying: ["sales.example"], initial: "second.example")
      configuration.guard.clearedValues = 4
      let expression = try Expression("IIF(IsVerifiedDomain([company]), [department], Null)")
      configuration.rules = RuleSet(
        StandardRules.ruleSet.rules.map { rule in
          var rule = rule
          for index in rule.flows.indices where rule.flows[index].to == "department" {
            rule.flows[index].source = .expression(expression)
          }
          return rule
        })
      let users = (0..<5).map {
        site.directory.user("u\($0)", in: site.people, ["department": ["Sales"], "company": ["sales.example"]])
      }
      try await site.sync(configuration)
      #expect(site.target["u0@corp.example"]?.attributes.text("department") == nil)
      #expect(site.second["u0@second.example"]?.attributes.text("department") == "Sales")
      for user in users { site.directory.modify(user, ["department": [], "displayname": ["renamed"]]) }
      await #expect {
        try await site.sync(configuration)
      } throws: { error in
        (error as? ConnectError)?.code == .valuesLost
      }
      // The first target had nothing to lose.
      #expect(site.target["u0@corp.example"]?.attributes.text("displayName") == "renamed")
      #expect(site.second["u0@second.example"]?.attributes.text("displayName") == "u0")
      #expect(site.second["u0@second.example"]?.attributes.text("department") == "Sales")
      for user in users { site.directory.modify(user, ["department": ["Sales"]]) }
      try await site.sync(configuration)
      #expect(site.second["u0@second.example"]?.attributes.text("displayName") == "renamed")
      #expect(try await site.count("SELECT COUNT(*) FROM cleared") == 0)
    }
  }

  @Test func anApprovedDifferencePassesOnce() async throws {
    try await Site.with { site in
      let users = (0..<8).map { site.directory.user("u\($0)", in: site.people) }
      try await site.sync()
      for user in users.prefix(6) { site.directory.delete(user) }
      await #expect(throws: ConnectError.self) { try await site.sync() }
      let standing = try await site.approve()
      #expect(standing.deletions.map(\.name) == (0..<6).map { "u\($0)@corp.example" })
      #expect(standing.approvedAt == 1_800_000_000)
      try await site.sync()
      #expect(site.target.objects.count == 2)
      #expect(try await StandingDifference.read(site.configuration(), site.store, now: .now).isEmpty)
      // The same objects again, and the approval is used up.
      let again = (0..<8).map { site.directory.user("v\($0)", in: site.people) }
      try await site.sync()
      #expect(try await site.count("SELECT COUNT(*) FROM approved") == 0)
      for user in again.prefix(6) { site.directory.delete(user) }
      await #expect(throws: ConnectError.self) { try await site.sync() }
    }
  }

  @Test func anApprovedExportThatIsCutOffNeedsNoSecondApproval() async throws {
    try await Site.with { site in
      let users = (0..<20).map { site.directory.user("u\($0)", in: site.people) }
      try await site.sync()
      for user in users.prefix(14) { site.directory.delete(user) }
      await #expect(throws: ConnectError.self) { try await site.sync() }
      try await site.approve()
      site.target.beUnavailable(afterOperations: 3)
      await #expect(throws: (any Error).self) { try await site.sync() }
      #expect(site.target.objects.count == 17)
      site.target.beUnavailable(afterOperations: nil)
      try await site.sync()
      #expect(site.target.objects.count == 6)
    }
  }

  @Test func aServiceCountsWhatItDeletedAWhileAgo() async throws {
    try await Site.with { site in
      let users = (0..<9).map { site.directory.user("u\($0)", in: site.people) }
      var limits = ConnectConfiguration.Guard()
      limits.remembers = true
      let configuration = site.configuration(guard: limits)
      try await site.sync(configuration)
      for user in users.prefix(3) { site.directory.delete(user) }
      try await site.sync(configuration)
      for user in users[3..<6] { site.directory.delete(user) }
      site.advance(1_799)
      await #expect {
        try await site.sync(configuration)
      } throws: { error in
        (error as? ConnectError)?.message.contains("3 of 9 objects of type user, after 3 others a short while ago")
          == true
      }
      #expect(site.target.objects.count == 6)
      site.advance(2)
      try await site.sync(configuration)
      #expect(site.target.objects.count == 3)
    }
  }

  @Test func leavingTheScopeIsToldApartFromDeletion() async throws {
    try await Site.with { site in
      for index in 0..<4 { _ = site.directory.user("u\(index)", in: site.people) }
      let others = (0..<8).map { site.directory.user("o\($0)", in: site.other) }
      try await site.sync()
      for user in others.prefix(2) { site.directory.delete(user) }
      let narrower = site.configuration(exclude: ["OU=Other,DC=corp,DC=example"])
      await #expect {
        try await site.sync(narrower)
      } throws: { error in
        (error as? ConnectError)?.message.contains(
          "8 of 12 objects of type user (limit 5): 2 deleted in the directory, 6 still in the directory but out of scope"
        )
          == true
      }
      let standing = try await site.approve(narrower)
      #expect(standing.deletions.filter(\.isLeavingScope).count == 6)
      try await site.sync(narrower)
      #expect(site.target.objects.count == 4)
    }
  }

  @Test(arguments: [true, false]) func lossOfMembershipsStops(inTotal: Bool) async throws {
    try await Site.with { site in
      let users = (0..<20).map { site.directory.user("u\($0)", in: site.people) }
      let group = site.directory.group("g", in: site.people, members: users)
      var limits = ConnectConfiguration.Guard()
      if inTotal { limits.removalFloor = 5 } else { limits.groupRemovalFloor = 5 }
      let configuration = site.configuration(guard: limits)
      try await site.sync(configuration)
      // A member that goes itself is counted as a deletion only.
      site.directory.delete(users[19])
      site.directory.link(group, "member", remove: Array(users.prefix(11)))
      await #expect {
        try await site.sync(configuration)
      } throws: { error in
        let error = error as? ConnectError
        return error?.code == .tooManyRemovals
          && error?.message.contains("remove 11 of 20 members from \(inTotal ? "groups in total" : "the group g")")
            == true
      }
      #expect(site.target.members("g").count == 20)
      #expect(try await site.approve(configuration).removals.count == 11)
      try await site.sync(configuration)
      #expect(site.target.members("g").count == 8)
    }
  }

  /// However few there are: nothing is left, of all types that have more than one object.
  @Test(arguments: [2, 3]) func aWholeTypeStops(count: Int) async throws {
    try await Site.with { site in
      _ = site.directory.user("ann", in: site.people)
      let groups = (0..<count).map { site.directory.group("g\($0)", in: site.people) }
      try await site.sync()
      for group in groups { site.directory.delete(group) }
      await #expect {
        try await site.sync()
      } throws: { error in
        (error as? ConnectError)?.code == .tooManyDeletions
          && (error as? ConnectError)?.message.contains(
            "\(count) of \(count) objects of type group (limit \(count - 1))") == true
      }
      #expect(site.target.objects.count == 1 + count)
      try await site.approve()
      try await site.sync()
      #expect(site.target.objects.count == 1)
    }
  }

  @Test func oneOfTwoAndTheOnlyOnePass() async throws {
    try await Site.with { site in
      let groups = (0..<2).map { site.directory.group("g\($0)", in: site.people) }
      let user = site.directory.user("ann", in: site.people)
      try await site.sync()
      site.directory.delete(groups[0])
      site.directory.delete(user)
      try await site.sync()
      site.directory.delete(groups[1])
      try await site.sync()
      #expect(site.target.objects.isEmpty)
    }
  }

  @Test(arguments: [10, 11]) func aGroupThatIsEmptiedStops(count: Int) async throws {
    try await Site.with { site in
      let users = (0..<count).map { site.directory.user("u\($0)", in: site.people) }
      let group = site.directory.group("g", in: site.people, members: users)
      try await site.sync()
      site.directory.link(group, "member", remove: users)
      if count == 10 {
        try await site.sync()
        return #expect(site.target.members("g").isEmpty)
      }
      await #expect {
        try await site.sync()
      } throws: { error in
        (error as? ConnectError)?.message.contains("remove 11 of 11 members from the group g (limit 10)") == true
      }
      site.directory.link(group, "member", add: [users[0]])
      try await site.sync()
      #expect(site.target.members("g") == ["u0"])
    }
  }

  @Test func deletedUnitOfTheConfigurationStops() async throws {
    try await Site.with { site in
      let configuration = site.configuration(include: ["OU=People,DC=corp,DC=example", "OU=Other,DC=corp,DC=example"])
      let ann = site.directory.user("ann", in: site.people)
      try await site.sync(configuration)
      site.directory.delete(ann)
      site.directory.delete(site.people)
      await #expect {
        try await site.sync(configuration)
      } throws: { ($0 as? ConnectError)?.code == .scopeLost }
      #expect(site.target.objects.count == 1)
    }
  }

  @Test func unknownUnitOfTheConfigurationStops() async throws {
    try await Site.with { site in
      _ = site.directory.user("ann", in: site.people)
      await #expect {
        try await site.sync(site.configuration(include: ["OU=Peolpe,DC=corp,DC=example"]))
      } throws: { ($0 as? ConnectError)?.code == .scopeUnresolved }
    }
  }

  @Test func previewTellsAndLeavesNothing() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people, ["department": ["Sales"]])
      let bob = site.directory.user("bob", in: site.people)
      let group = site.directory.group("g", in: site.people, members: [bob])
      try await site.sync()
      site.directory.modify(ann, ["department": ["Research"]])
      site.directory.link(group, "member", add: [ann])
      _ = site.directory.user("new", in: site.people)
      site.directory.delete(bob)
      let differences = Mutex<[ObjectDifference]>([])
      let requests = site.target.requests
      let report = try await site.service().preview { difference in differences.withLock { $0.append(difference) } }
      let found = differences.withLock { $0 }
      #expect(report.preview == PreviewSummary(creates: 1, updates: 1, deletes: 1, linksAdded: 1, linksRemoved: 1))
      #expect(found.map(\.operation) == [.update, .delete, .update, .create])
      #expect(found.first?.attributes == [.init(name: "department", before: ["Sales"], after: ["Research"])])
      let links = found.first { $0.kind == .group }?.links
      #expect(links == [.init(name: "members", added: ["ann@corp.example"], removed: ["bob@corp.example"])])
      #expect(site.target.requests == requests)
      #expect(try await site.count("SELECT COUNT(*) FROM pending") == 0)
      #expect(try await site.count("SELECT COUNT(*) FROM pending_link") == 0)
      // The real pass does what was foretold.
      let real = try await site.sync()
      #expect(real.exported(.user).created == 1)
      #expect(real.exported(.user).deleted == 1)
    }
  }
}
