// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Testing

@testable import Connect

/// Names that change hands in a circle, at a target that gives none away while another holds it.
@Suite struct NameExchangeTests {
  /// So many users, each of whom then gets the next one's sign-in name; the last one gets the first one's.
  private func rotate(_ count: Int, _ site: Site) async throws {
    let users = (0..<count).map { site.directory.user("u\($0)", in: site.people) }
    try await site.sync()
    for (index, user) in users.enumerated() {
      site.directory.modify(user, ["userprincipalname": ["u\((index + 1) % count)@corp.example"]])
    }
  }

  private func names(_ site: Site) -> [String: String] {
    site.target.objects.values.reduce(into: [:]) { names, object in
      names[object.attributes.text("displayName") ?? ""] = object.attributes.text("userPrincipalName")
    }
  }

  private func rotated(_ count: Int) -> [String: String] {
    (0..<count).reduce(into: [:]) { $0["u\($1)"] = "u\(($1 + 1) % count)@corp.example" }
  }

  @Test(arguments: [2, 3, 7], [1, 10]) func aCircleEndsInOnePass(count: Int, operations: Int) async throws {
    try await Site.with(MemoryTarget(operationsPerRequest: operations)) { site in
      try await rotate(count, site)
      let report = try await site.sync()
      #expect(names(site) == rotated(count))
      #expect(report.pending == 0 && report.quarantined == 0 && report.errors == [])
      #expect(try await site.count("SELECT COUNT(*) FROM parked") == 0)
      // Nobody is touched again, not even by a full pass.
      let requests = site.target.requests
      try await site.sync(full: true)
      #expect(site.target.requests == requests)
    }
  }

  /// Several circles and a chain, whose end is free: only circles need somebody parked.
  @Test func aChainNeedsNobodyParked() async throws {
    try await Site.with { site in
      let users = (0..<6).map { site.directory.user("u\($0)", in: site.people) }
      try await site.sync()
      site.target.forgetOperations()
      for (index, user) in users.enumerated() {
        site.directory.modify(user, ["userprincipalname": ["u\(index + 1)@corp.example"]])
      }
      let report = try await site.sync()
      #expect(names(site) == (0..<6).reduce(into: [:]) { $0["u\($1)"] = "u\($1 + 1)@corp.example" })
      #expect(report.pending == 0 && report.quarantined == 0)
      #expect(!told(site).contains { $0.contains("-parked-") })
    }
  }

  private func told(_ site: Site) -> [String] {
    site.target.operations.compactMap { operation in
      guard case .update(_, _, let changes, _) = operation else { return nil }
      return changes.text("userPrincipalName")
    }
  }

  @Test func theTemporaryNameIsOfTheTargetsOwnDomain() async throws {
    try await Site.with { site in
      try await rotate(2, site)
      site.target.forgetOperations()
      try await site.sync()
      let temporary = told(site).filter { $0.hasSuffix("@corp.onbridgehead.example") }
      #expect(temporary.count == 1)
      #expect(try #require(temporary.first).hasPrefix("u0-parked-"))
    }
  }

  @Test func addressesAreExchanged() async throws {
    try await Site.with(MemoryTarget(hasUniqueAddresses: true)) { site in
      func addresses(_ name: String) -> [String: [String]] {
        [
          "mail": ["\(name)@corp.example"],
          "proxyaddresses": ["SMTP:\(name)@corp.example", "smtp:\(name).old@corp.example"],
        ]
      }
      let ann = site.directory.user("ann", in: site.people, addresses("ann"))
      let bob = site.directory.user("bob", in: site.people, addresses("bob"))
      try await site.sync()
      site.directory.modify(ann, addresses("bob"))
      site.directory.modify(bob, addresses("ann"))
      let report = try await site.sync()
      #expect(site.target["ann@corp.example"]?.attributes.text("mail") == "bob@corp.example")
      #expect(
        site.target["bob@corp.example"]?.attributes.texts("proxyAddresses") == addresses("ann")["proxyaddresses"])
      #expect(report.pending == 0 && report.quarantined == 0)
      #expect(try await site.count("SELECT COUNT(*) FROM parked") == 0)
    }
  }

  /// Both wait for something else as well: nobody is left with a name that is nobody's.
  @Test func whoCannotGoOnGetsTheirNameBack() async throws {
    try await Site.with(MemoryTarget(hasUniqueAddresses: true)) { site in
      site.target.tamper {
        $0["cloud"] = .init(
          kind: .user, sourceAnchor: "another's",
          attributes: Attributes(texts: [
            "userPrincipalName": ["cloud@corp.example"],
            "proxyAddresses": ["smtp:x@corp.example", "smtp:y@corp.example"],
          ]))
      }
      let ann = site.directory.user("ann", in: site.people)
      let bob = site.directory.user("bob", in: site.people)
      try await site.sync()
      site.directory.modify(ann, ["userprincipalname": ["bob@corp.example"], "mail": ["x@corp.example"]])
      site.directory.modify(bob, ["userprincipalname": ["ann@corp.example"], "mail": ["y@corp.example"]])
      let report = try await site.sync()
      #expect(try await site.reasons() == ["targetConflict", "targetConflict"] && report.pending == 2)
      #expect(site.target.objects.count == 3)
      #expect(site.target["ann@corp.example"]?.attributes.text("displayName") == "ann")
      #expect(site.target["bob@corp.example"]?.attributes.text("displayName") == "bob")
      #expect(try await site.count("SELECT COUNT(*) FROM parked") == 0)
      // What was in the way goes.
      site.target.tamper { $0["cloud"] = nil }
      site.advance(61)
      #expect(try await site.sync().pending == 0)
      #expect(site.target["ann@corp.example"]?.attributes.text("displayName") == "bob")
      #expect(site.target["bob@corp.example"]?.attributes.text("mail") == "x@corp.example")
    }
  }

  /// Where only one of them waits for something else, each has the name that it shall have.
  @Test func whoIsParkedGetsTheNewNameEvenIfAllElseWaits() async throws {
    try await Site.with(MemoryTarget(hasUniqueAddresses: true)) { site in
      site.target.tamper {
        $0["cloud"] = .init(
          kind: .user, sourceAnchor: "another's",
          attributes: Attributes(texts: [
            "userPrincipalName": ["cloud@corp.example"], "proxyAddresses": ["smtp:x@corp.example"],
          ]))
      }
      let ann = site.directory.user("ann", in: site.people)
      let bob = site.directory.user("bob", in: site.people)
      try await site.sync()
      site.directory.modify(ann, ["userprincipalname": ["bob@corp.example"], "mail": ["x@corp.example"]])
      site.directory.modify(bob, ["userprincipalname": ["ann@corp.example"]])
      let report = try await site.sync()
      #expect(report.pending == 1)
      #expect(names(site).filter { $0.key != "" } == ["ann": "bob@corp.example", "bob": "ann@corp.example"])
      #expect(try await site.count("SELECT COUNT(*) FROM parked") == 0)
    }
  }

  /// Each request is lost once, before or after it was carried out; the next pass ends what was begun.
  @Test(arguments: 1...7, [true, false]) func aPassThatIsCutOffIsEndedByTheNext(request: Int, isDone: Bool) async throws
  {
    try await Site.with { site in
      try await rotate(3, site)
      site.target.fail(request: request, isDone: isDone)
      do { try await site.sync() } catch is MemoryTarget.Broken {}
      site.target.failNoMore()
      site.advance(61)
      let report = try await site.sync()
      #expect(names(site) == rotated(3))
      #expect(report.pending == 0 && report.quarantined == 0)
      #expect(try await site.count("SELECT COUNT(*) FROM parked") == 0)
    }
  }
}
