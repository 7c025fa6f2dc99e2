// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SCIM

@Suite struct FilterTests {
  /// In the manner of RFC 7643 8.3.
  static let barbara: SCIMResource = {
    let text = #"""
      {"schemas":["\#(SCIMURI.user)","\#(SCIMURI.enterpriseUser)"],"id":"2819C223","externalId":"701984",
       "userName":"bjensen@example.com","name":{"familyName":"Jensen","givenName":"Barbara"},"title":"Tour Guide",
       "userType":"Employee","active":true,"displayName":"Straße",
       "emails":[{"value":"bjensen@example.com","type":"work","primary":true},{"value":"babs@jensen.org","type":"home"}],
       "meta":{"resourceType":"User","lastModified":"2011-05-13T04:42:34Z"},
       "\#(SCIMURI.enterpriseUser)":{"employeeNumber":"701984","manager":{"value":"26118915"}}}
      """#
    guard case .object(let object)? = try? JSONValue.parse(text) else { return SCIMResource(JSONObject()) }
    return SCIMResource(object)
  }()

  @Test(arguments: [
    (#"userName eq "BJENSEN@example.com""#, true), (#"userName Eq "bjensen""#, false),
    (#"name.familyName co "ENS""#, true), (#"name.familyName co """#, true), (#"name.familyName co "x""#, false),
    (#"userName sw "bj""#, true), (#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "BJ""#, true),
    (#"userName ew ".com""#, true), (#"userName ew "longer than the value itself.com""#, false),
    ("title pr", true), ("nickName pr", false), ("name pr", true), ("phoneNumbers pr", false),
    ("not (title pr)", false),
    (#"meta.lastModified gt "2011-05-13T04:42:33Z""#, true),
    (#"meta.lastModified lt "2011-05-13T06:42:34+02:00""#, false),
    (#"meta.lastModified ge "2011-05-13T06:42:34+02:00""#, true), (#"meta.lastModified sw "2011""#, true),
    (#"title pr and userType eq "employee""#, true), (#"nickName pr or userType eq "Intern""#, false),
    (#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#, true),
    (#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#, false),
    (#"emails[type eq "work" and value co "@example.com"]"#, true),
    (#"emails[type eq "home" and value co "@example.com"]"#, false),
    (#"emails[type eq "work"].value eq "bjensen@example.com""#, true),
    (#"emails[type eq "home"].value eq "bjensen@example.com""#, false), ("emails[type eq \"home\"].primary pr", false),
    (#"emails[not (type eq "work")]"#, true), (#"emails[type eq "x" or primary eq true]"#, true),
    (#"emails.type eq "home""#, true), (#"emails eq "babs@jensen.org""#, true), (#"emails ne "x""#, true),
    (#"emails.value ne "babs@jensen.org""#, false), (#"nickName ne "x""#, true), ("nickName eq null", true),
    ("title ne null", true), ("title eq null", false), ("active eq true", true), (#"active eq "True""#, true),
    ("active ne false", true), ("active eq False", true == false), (#"id eq "2819C223""#, true),
    (#"id eq "2819c223""#, false), (#"externalId eq "701984""#, true), (#"userName gt "a""#, true),
    (#"userName le "a""#, false), (#"userName ge "bjensen@example.com""#, true),
    (#"\#(SCIMURI.enterpriseUser):employeeNumber eq "701984""#, true),
    (#"\#(SCIMURI.enterpriseUser):manager.value eq "26118915""#, true),
    (#"\#(SCIMURI.enterpriseUser):manager eq "26118915""#, true), (#"schemas eq "\#(SCIMURI.user)""#, true),
    (#"schemas[value eq "\#(SCIMURI.user)"]"#, true),
    (#"nickName pr and title pr or userType pr"#, true), (#"userType pr or nickName pr and nickName pr"#, true),
    (#"(userType pr or nickName pr) and nickName pr"#, false), (#"((( title pr )))"#, true),
    (#"displayName eq "stra\u00dfe""#, true), (#"displayName eq "STRASSE""#, false), (#"title eq "a\"b\\""#, false),
    (#"not(title pr)"#, false), (#"title pr and not(nickName pr)"#, true),
  ])
  func matches(_ text: String, _ expected: Bool) throws {
    let filter = try Filter.parse(text)
    #expect(try CompiledFilter(filter, for: .user).matches(Self.barbara) == expected)
    // The written form says the same.
    let again = try Filter.parse(filter.description)
    #expect(try CompiledFilter(again, for: .user).matches(Self.barbara) == expected)
  }

  @Test(arguments: [
    ("", 1), ("   ", 4), ("userName", 9), ("userName eq", 12), ("userName eq bjensen", 13), (#"userName eq "x"#, 13),
    ("userName zz \"x\"", 10), ("(title pr", 10), ("title pr)", 9), ("title pr and", 13), ("title pr title pr", 10),
    ("not title pr", 5), ("emails[type eq \"work\"", 22), ("emails[", 8), ("emails[]", 8), ("emails[a[b pr]]", 9),
    ("name.givenName[a pr]", 15), ("a.b.c pr", 1), ("urn: pr", 1), ("userName eq {\"a\":1}", 13), ("title eq [1]", 10),
    ("title eq 01", 10), ("ünder pr", 1), ("emails[type eq \"w\"]. pr", 21), ("title pr or or title pr", 16),
  ])
  func tellsWhereTheMistakeIs(_ text: String, _ position: Int) {
    let error = #expect(throws: SCIMError.self) { try Filter.parse(text) }
    #expect(error?.scimType == .invalidFilter)
    #expect(error?.detail.hasSuffix("at position \(position).") == true, "\(error?.detail ?? "")")
  }

  @Test(arguments: [
    "foo eq \"x\"", "name eq \"x\"", "active gt true", "active co \"t\"", "active eq \"maybe\"", "userName eq 1",
    "x509Certificates.value gt \"a\"", "meta.lastModified gt \"yesterday\"", "title gt null", "emails[foo eq \"x\"]",
    "emails[emails.type eq \"x\"]", "password eq \"x\"", "password sw \"a\"", "urn:x:userName pr", "department pr",
    "addresses eq \"x\"", SCIMURI.enterpriseUser + " pr",
  ])
  func refusesWhatTheSchemaDoesNotAllow(_ text: String) throws {
    let filter = try Filter.parse(text)
    let error = #expect(throws: SCIMError.self) { try CompiledFilter(filter, for: .user) }
    #expect(error?.scimType == .invalidFilter)
  }

  @Test func unknownAttributesCanCountAsAbsent() throws {
    func matches(_ text: String) throws -> Bool {
      try CompiledFilter(try Filter.parse(text), for: .user, unknownAttributes: .absent).matches(Self.barbara)
    }
    #expect(try !matches("foo eq \"x\""))
    #expect(try matches("foo ne \"x\""))
    #expect(try matches("foo eq null"))
    #expect(try !matches("foo ne null"))
    #expect(try !matches("foo pr"))
    #expect(try matches("foo pr or title pr"))
    #expect(try !matches("foo[bar eq \"x\"]"))
  }

  @Test func limitsLengthDepthAndTerms() {
    let deep = String(repeating: "(", count: 5000) + "title pr" + String(repeating: ")", count: 5000)
    let chain = Array(repeating: "title pr", count: 300).joined(separator: " or ")
    let nots = String(repeating: "not (", count: 40) + "title pr" + String(repeating: ")", count: 40)
    for text in [deep, chain, nots, "title eq \"" + String(repeating: "x", count: 20_000) + "\""] {
      #expect(throws: SCIMError.self) { try Filter.parse(text) }
    }
    let wide = Array(repeating: "title pr", count: 256).joined(separator: " or ")
    #expect(throws: Never.self) { try Filter.parse(wide) }
  }

  @Test func plansIndexLookups() throws {
    func plan(_ text: String, _ type: ResourceTypeDefinition = .user) throws -> IndexPlan? {
      let indexed: Set = ["userName", "externalId", "id", "displayName", "emails.value", "members.value"]
      return try CompiledFilter(try Filter.parse(text), for: type).indexPlan(over: indexed)
    }
    func term(_ attribute: String, _ value: String) -> IndexedTerm { IndexedTerm(attribute: attribute, value: value) }
    #expect(try plan(#"USERNAME eq "BJ""#) == IndexPlan(anyOf: [term("userName", "bj")], isExact: true))
    #expect(try plan(#"externalId eq "Ab""#) == IndexPlan(anyOf: [term("externalId", "Ab")], isExact: true))
    #expect(
      try plan(#"id eq "a" or id eq "b" or id eq "a""#)
        == IndexPlan(anyOf: [term("id", "a"), term("id", "b")], isExact: true))
    #expect(
      try plan(#"active eq true and userName eq "x""#) == IndexPlan(anyOf: [term("userName", "x")], isExact: false))
    #expect(
      try plan(#"emails[type eq "work"].value eq "X""#) == IndexPlan(anyOf: [term("emails.value", "x")], isExact: false)
    )
    #expect(
      try plan(#"members[value eq "7"]"#, .group) == IndexPlan(anyOf: [term("members.value", "7")], isExact: true))
    for text in ["title pr", #"userName ne "x""#, #"userName sw "x""#, #"not (id eq "x")"#, #"id eq "x" or title pr"#] {
      #expect(try plan(text) == nil, "\(text)")
    }
  }

  @Test func survivesMutations() throws {
    let seeds = [
      #"userType eq "Employee" and (emails co "example.com" or not (emails[type eq "work" and primary eq true]))"#,
      #"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value sw "a\"\u00e9" or meta.created gt "2011-05-13T04:42:34Z""#,
    ]
    var fuzz = Fuzz(
      seeds: seeds.map { Array($0.utf8) },
      tokens: ["(", ")", "[", "]", "\"", " and ", " or ", "not (", ".", "\\", "pr"])
    for _ in 0..<Fuzz.iterations {
      let text = String(decoding: fuzz.next(), as: UTF8.self)
      guard let filter = try? Filter.parse(text) else { continue }
      #expect(throws: Never.self, "\(text)") { try Filter.parse(filter.description) }
      if let compiled = try? CompiledFilter(filter, for: .user) { _ = compiled.matches(Self.barbara) }
    }
  }
}
