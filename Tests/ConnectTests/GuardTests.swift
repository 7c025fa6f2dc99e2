// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Synchronization
import Testing

@testable import Connect

@Suite struct GuardTests {
  @Test func limits() {
    let limits = ConnectConfiguration.Guard()
    #expect(limits.limit(of: 0) == 5)
    #expect(limits.limit(of: 40) == 5)
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
      var message = ""
      await #expect {
        try await site.sync()
      } throws: { error in
        guard let error = error as? ConnectError else { return false }
        message = error.remedy
        return error.code == .tooManyDeletions && error.message.contains("6 of 9")
      }
      #expect(site.target.requests == requests)
      #expect(site.target.objects.count == 9)
      // Accepting other deletions is no help.
      await #expect(throws: ConnectError.self) { try await site.sync(accept: "0123456789abcdef") }
      let fingerprint = try #require(message.split(separator: " ").last?.dropLast())
      // One more deletion makes it another difference.
      site.directory.delete(users[6])
      await #expect(throws: ConnectError.self) { try await site.sync(accept: String(fingerprint)) }
      #expect(site.target.requests == requests)
    }
  }

  @Test func acceptedDeletionsPass() async throws {
    try await Site.with { site in
      let users = (0..<8).map { site.directory.user("u\($0)", in: site.people) }
      try await site.sync()
      for user in users.prefix(6) { site.directory.delete(user) }
      var fingerprint = ""
      do {
        try await site.sync()
      } catch let error as ConnectError {
        fingerprint = String(error.remedy.split(separator: " ").last?.dropLast() ?? "")
      }
      try await site.sync(accept: fingerprint)
      #expect(site.target.objects.count == 2)
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
