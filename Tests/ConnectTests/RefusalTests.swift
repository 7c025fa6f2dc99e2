// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Store
import Testing

@testable import Connect

/// What a target refused is told as long as something is left of it, and no longer.
@Suite struct RefusalTests {
  /// A service that looks again and again, an hour later, has nothing to do.
  private func expectPeace(_ site: Site) async throws {
    #expect(try await site.reasons() == [])
    #expect(try await HeldObject.read(site.store).isEmpty)
    let service = site.service()
    _ = try await service.run()
    let runs = try await site.count("SELECT COUNT(*) FROM run")
    for _ in 0..<3 {
      site.advance(3600)
      _ = try await service.poll()
    }
    #expect(try await site.count("SELECT COUNT(*) FROM run") == runs)
  }

  @Test func aChangeThatIsTakenBackIsNotRefusedAnyMore() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      try await site.sync()
      site.target.refuse(["anna@corp.example"])
      site.directory.modify(ann, ["userprincipalname": ["anna@corp.example"]])
      try await site.sync()
      #expect(try await site.reasons() == ["targetRefused"])
      site.directory.modify(ann, ["userprincipalname": ["ann@corp.example"]])
      try await site.sync()
      try await expectPeace(site)
    }
  }

  @Test func aMemberThatIsTakenOutIsNotRefusedAnyMore() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let group = site.directory.group("g", in: site.people)
      try await site.sync()
      site.target.refuseLinks(true)
      site.directory.link(group, "member", add: [ann])
      try await site.sync()
      #expect(try await site.reasons() == ["referenceRefused"])
      site.directory.link(group, "member", remove: [ann])
      try await site.sync()
      try await expectPeace(site)
    }
  }

  /// A user that the target never took, and that left.
  @Test func whoNeverCameAndLeftIsNotRefusedAnyMore() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      site.target.refuse(["ann@corp.example"])
      try await site.sync()
      #expect(try await site.reasons() == ["targetRefused"])
      site.directory.delete(ann)
      try await site.sync()
      try await expectPeace(site)
    }
  }

  @Test func membersAreTriedAgainAlthoughTheirGroupWasChangedMeanwhile() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let group = site.directory.group("g", in: site.people)
      try await site.sync()
      site.target.refuseLinks(true)
      site.directory.link(group, "member", add: [ann])
      try await site.sync()
      site.directory.modify(group, ["displayname": ["g2"]])
      try await site.sync()
      #expect(site.target["g2"] != nil)
      #expect(try await site.reasons() == ["referenceRefused"])
      site.target.refuseLinks(false)
      site.advance(3600)
      try await site.sync()
      #expect(site.target.members("g2") == ["ann"])
      try await expectPeace(site)
    }
  }
}
