// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import SynchronisationRules
import Testing

@testable import Connect

/// What rules say by Error and IgnoreThisFlow.
@Suite struct RuleFailureTests {
  private static func adding(_ flow: String, to site: Site) throws -> ConnectConfiguration {
    var configuration = site.configuration()
    configuration.rules = try RuleFile.parse(
      """
      extends: standard
      rules:
        - name: Own
          precedence: 50
          from: user
          link: join
          flows:
            - \(flow)
      """, file: "rules.yaml")
    return configuration
  }

  @Test("An error holds its object as it is, everybody else goes on, and a correction lets it go on, too")
  func error() async throws {
    try await Site.with { site in
      let configuration = try Self.adding(
        "{ to: department, expression: 'IIF([department] = \"?\", Error(\"unknown: \" & [cn]), [department])' }",
        to: site)
      let ann = site.directory.user("ann", in: site.people, ["department": ["Sales"]])
      let bob = site.directory.user("bob", in: site.people, ["department": ["?"]])
      try await site.sync(configuration)
      #expect(site.target["ann@corp.example"]?.attributes.text("department") == "Sales")
      #expect(site.target["bob@corp.example"] == nil)
      #expect(try await site.reasons() == ["ruleFailed"])
      #expect(try await site.details() == ["unknown: bob (the rule Own, department)"])

      site.directory.modify(ann, ["department": ["?"], "displayname": ["Ann"]])
      site.directory.modify(bob, ["department": ["Research"]])
      try await site.sync(configuration)
      #expect(site.target["ann@corp.example"]?.attributes.text("department") == "Sales")
      #expect(site.target["ann@corp.example"]?.attributes.text("displayName") == "ann")
      #expect(site.target["bob@corp.example"]?.attributes.text("department") == "Research")
      #expect(try await site.details() == ["unknown: ann (the rule Own, department)"])
      let explanation = try #require(
        try await site.finder(configuration).explain("ann@corp.example", in: site.store).first)
      #expect(explanation.entries.first?.failure == "unknown: ann (Own, department)")

      site.directory.modify(ann, ["department": []])
      try await site.sync(configuration)
      #expect(site.target["Ann"]?.attributes["department"].isEmpty == true)
      #expect(try await site.reasons().isEmpty)

      // Who is deleted goes, whatever rules say of what it was.
      site.directory.modify(bob, ["department": ["?"]])
      site.directory.delete(bob)
      try await site.sync(configuration)
      #expect(site.target["bob@corp.example"] == nil)
      #expect(try await site.reasons().isEmpty)
    }
  }

  @Test("An error of an object's entry in one forest holds also what the other forest says of it")
  func errorInAnotherForest() async throws {
    try await Site.with { site in
      var configuration = try Self.adding(
        "{ to: department, expression: 'IIF([department] = \"?\", Error(\"unknown\"), [department])' }", to: site)
      configuration.forests = site.twoForests().forests
      configuration.joinUsersBy = ["mail"]
      let ann = site.directory.user("ann", in: site.people, ["mail": ["ann@corp.example"], "department": ["Sales"]])
      let other = site.resources.user(
        "ann2", in: site.resourcesRoot, ["mail": ["ann@corp.example"], "givenname": ["A"], "userprincipalname": []])
      try await site.sync(configuration)
      #expect(site.target["ann@corp.example"]?.attributes.text("givenName") == "A")
      site.directory.modify(ann, ["department": ["?"]])
      site.resources.modify(other, ["givenname": ["Anna"]])
      try await site.sync(configuration)
      #expect(site.target["ann@corp.example"]?.attributes.text("department") == "Sales")
      #expect(site.target["ann@corp.example"]?.attributes.text("givenName") == "A")
      site.directory.modify(ann, ["department": ["Research"]])
      try await site.sync(configuration)
      #expect(site.target["ann@corp.example"]?.attributes.text("department") == "Research")
      #expect(site.target["ann@corp.example"]?.attributes.text("givenName") == "Anna")
    }
  }

  @Test("A flow that is ignored takes nothing away")
  func ignored() async throws {
    try await Site.with { site in
      let configuration = try Self.adding(
        "{ to: givenName, expression: 'IIF([department] = \"Sales\", \"S\", IgnoreThisFlow)' }", to: site)
      let ann = site.directory.user("ann", in: site.people, ["department": ["Sales"]])
      _ = site.directory.user("bob", in: site.people)
      try await site.sync(configuration)
      #expect(site.target["ann@corp.example"]?.attributes.text("givenName") == "S")
      #expect(site.target["bob@corp.example"]?.attributes["givenName"].isEmpty == true)
      site.directory.modify(ann, ["department": ["Research"]])
      try await site.sync(configuration)
      #expect(site.target["ann@corp.example"]?.attributes.text("givenName") == "S")
      try await site.sync(full: true, configuration)
      #expect(site.target["ann@corp.example"]?.attributes.text("givenName") == "S")
    }
  }
}
