// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import Testing

@testable import Connect

/// A target that is read once for all kinds, in an order of its own: here groups come before their members.
@Suite struct ReadingTogetherTests {
  private func with(_ body: (Site, Anchor) async throws -> Void) async throws {
    try await Site.with(MemoryTarget(readsTogether: true)) { site in
      let boss = site.directory.user("boss", in: site.people)
      let ann = site.directory.user("ann", in: site.people, links: ["manager": [boss]])
      let group = site.directory.group("g", in: site.people, members: [ann, boss])
      try await site.sync()
      #expect(site.target.members("g") == ["ann", "boss"])
      site.target.forgetOperations()
      try await body(site, group)
    }
  }

  @Test func referencesAreComparedWhenEverythingWasRead() async throws {
    try await with { site, _ in
      // What the target holds is found out anew.
      try await site.store.write { transaction in
        try transaction.run("DELETE FROM remote")
        try transaction.run("DELETE FROM remote_link")
        // An interrupted reading left this.
        try transaction.run(
          "INSERT INTO reading_link (target, owner, kind, links) VALUES ('tenant', 999, 'group', x'7b7d')")
      }
      let before = site.target.readings
      let report = try await site.sync(full: true)
      #expect(site.target.readings == before + 1, "once for all kinds")
      #expect(site.target.operations.isEmpty && report.pending == 0 && report.errors == [])
      #expect(try await site.count("SELECT COUNT(*) FROM remote") == 3)
      #expect(try await site.count("SELECT COUNT(*) FROM remote_link") == 3)
      #expect(try await site.count("SELECT COUNT(*) FROM reading_link") == 0)
    }
  }

  @Test func whatSomebodyChangedThereIsPutBack() async throws {
    try await with { site, _ in
      site.target.tamper { objects in
        for (id, object) in objects where object.kind == .group { objects[id]?.links["members"] = [] }
        for (id, object) in objects where object.attributes.text("displayName") == "ann" {
          objects[id]?.links["manager"] = []
        }
      }
      try await site.sync(full: true)
      #expect(site.target.members("g") == ["ann", "boss"])
      #expect(
        site.target["ann@corp.example"]?.links["manager"] == site.target.id("boss@corp.example").map { Set([$0]) })
    }
  }

  @Test func whatIsMissingThereIsMadeAgain() async throws {
    try await with { site, _ in
      site.target.tamper { objects in
        for (id, object) in objects where object.attributes.text("displayName") == "ann" { objects[id] = nil }
        for id in objects.keys { objects[id]?.links = [:] }
      }
      try await site.sync(full: true)
      #expect(site.target.members("g") == ["ann", "boss"])
      #expect(try await site.sync(full: true).requests == 0)
    }
  }
}
