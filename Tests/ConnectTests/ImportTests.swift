// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import Testing

@testable import Connect

@Suite struct ImportTests {
  @Test func foreignCookieLeadsToAFullImportWithoutHarm() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let bob = site.directory.user("bob", in: site.people)
      _ = site.directory.group("g", in: site.people, members: [ann, bob])
      try await site.sync()
      site.directory.useAnotherDatabase()
      site.directory.delete(bob)
      let report = try await site.sync()
      #expect(report.imports.first?.mode == .full)
      #expect(report.imports.first?.deleted == 1)
      #expect(site.target.members("g") == ["ann"])
      #expect(site.target.objects.count == 2)
    }
  }

  @Test func incompleteEnumerationNeverDeletes() async throws {
    try await Site.with { site in
      _ = site.directory.user("ann", in: site.people)
      let bob = site.directory.user("bob", in: site.people)
      try await site.sync()
      site.directory.hide(bob)
      site.directory.answerIncompletely()
      let report = try await site.sync(full: true)
      #expect(report.imports.first?.isComplete == false)
      #expect(site.target.objects.count == 2)
      try await site.sync(full: true)
      #expect(site.target.objects.count == 1)
    }
  }

  @Test func interruptedReadingBeginsAnew() async throws {
    try await Site.with { site in
      for index in 0..<10 { _ = site.directory.user("u\(index)", in: site.people) }
      site.directory.breakOnce(afterBatches: 2)
      let report = try await site.sync()
      #expect(site.directory.readings == [.full, .full])
      #expect(report.imports.first?.deleted == 0)
      #expect(site.target.objects.count == 10)
    }
  }

  @Test func membersThatLeftBetweenFullImportsGo() async throws {
    try await Site.with { site in
      let ann = site.directory.user("ann", in: site.people)
      let bob = site.directory.user("bob", in: site.people)
      let group = site.directory.group("g", in: site.people, members: [ann, bob])
      try await site.sync()
      site.directory.link(group, "member", remove: [ann])
      try await site.sync(full: true)
      #expect(site.target.members("g") == ["bob"])
    }
  }

  @Test func emptyDeltaWritesNothingButTheWatermark() async throws {
    try await Site.with { site in
      for index in 0..<10 { _ = site.directory.user("u\(index)", in: site.people) }
      try await site.sync()
      let requests = site.target.requests
      let report = try await site.sync()
      #expect(report.imports.first?.read == 0)
      #expect(report.synchronised == 0)
      #expect(site.target.requests == requests)
    }
  }

  @Test func attributesSurviveTheirCoding() throws {
    var attributes = Attributes(texts: ["a": ["x", ""], "b": [String(repeating: "long", count: 100)]])
    attributes["binary"] = [[0, 255, 128]]
    let bytes = attributes.encoded()
    #expect(try Attributes(decoding: bytes) == attributes)
    for length in 0..<bytes.count {
      _ = try? Attributes(decoding: Array(bytes.prefix(length)))
    }
    #expect(throws: Attributes.DecodingError.self) { try Attributes(decoding: [1, 200, 200, 200, 200, 200, 200]) }
    #expect(throws: Attributes.DecodingError.self) { try Attributes(decoding: [1, 1, 97, 255, 255, 3]) }
  }

  @Test func distinguishedNamesAreFolded() {
    #expect(DistinguishedName.folded("OU=People , DC = Corp,dc=example") == "ou=people,dc=corp,dc=example")
    #expect(DistinguishedName.folded("ou=A  B\\, C,dc=x") == "ou=a  b\\, c,dc=x")
  }
}
