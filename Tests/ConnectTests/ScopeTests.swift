// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Testing
import Wire

@testable import Connect

/// What the configuration takes out of scope goes, and what it takes back comes.
@Suite struct ScopeTests {
  private func without(_ site: Site) -> ConnectConfiguration {
    var configuration = site.configuration()
    configuration.forests[0].domains = ["other.example"]
    return configuration
  }

  @Test func aDomainThatIsNotReadAnyMoreLeaves() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      _ = site.directory.user("bob", in: site.people)
      _ = site.directory.group("g", in: site.people, members: [ann])
      try await site.sync()
      #expect(site.target.objects.count == 3)
      site.directory.readDomains(["other.example"])
      try await site.sync(without(site))
      #expect(site.target.objects.isEmpty)
      let view = try await site.finder(without(site)).show("ann", in: site.store)
      #expect(view.first?.entries.first?.excluded == "its domain is no longer configured")
      // It comes back: what was deleted meanwhile does not, and nothing else is missing.
      site.directory.delete(ann)
      site.directory.readDomains(nil)
      try await site.sync()
      #expect(site.directory.readings.suffix(1) == [.full])
      #expect(site.target["bob@corp.example"] != nil)
      #expect(site.target["g"] != nil)
      #expect(site.target.objects.count == 2)
    }
  }

  @Test func theGuardCountsTheUsersOfADomain() async throws {
    try await Site.with { site in
      for number in 0..<8 { _ = site.directory.user("u\(number)", in: site.people) }
      try await site.sync()
      site.directory.readDomains(["other.example"])
      let error = await #expect(throws: ConnectError.self) { try await site.sync(without(site)) }
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
}
