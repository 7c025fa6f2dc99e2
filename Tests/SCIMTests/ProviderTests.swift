// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SCIM

@Suite struct ProviderTests {
  @Test(
    arguments: [
      (nil, nil, 1, 100, 0), (0, 10, 1, 10, 0), (-5, -1, 1, 0, 0), (11, 10, 11, 10, 10), (1, 0, 1, 0, 0),
      (1, 1000, 1, 100, 0), (.max, .max, .max, 100, .max - 1), (.min, .min, 1, 0, 0),
    ] as [(Int?, Int?, Int, Int, Int)])
  func computesPages(_ start: Int?, _ count: Int?, _ startIndex: Int, _ size: Int, _ offset: Int) {
    let paging = Paging(startIndex: start, count: count, maximum: 100)
    #expect(paging.startIndex == startIndex)
    #expect(paging.count == size)
    #expect(paging.offset == offset)
    #expect(Array(paging.slice(Array(0..<15))) == Array((0..<15).dropFirst(offset).prefix(size)))
  }

  @Test func readsQueriesAlikeFromURLAndBody() throws {
    let query = try ListQuery(parameters: [
      ("Filter", #"title pr and userName eq "x""#), ("sortBy", "name.familyName"), ("sortOrder", "DESCENDING"),
      ("startIndex", "3"), ("count", "0"), ("attributes", "userName, name.givenName ,"), ("unknown", "1"),
    ])
    #expect(query.filter?.description == #"title pr and userName eq "x""#)
    #expect(query.isDescending)
    #expect(query.startIndex == 3)
    #expect(query.count == 0)
    #expect(query.attributes == ["userName", "name.givenName"])
    #expect(try ListQuery(searchRequest: query.searchRequest) == query)
    #expect(try ListQuery(parameters: query.parameters) == query)
  }

  @Test(arguments: [
    ("filter", "x"), ("count", "ten"), ("count", "99999999999999999999"), ("startIndex", "1.5"), ("sortOrder", "up"),
    ("sortBy", "a b"),
  ])
  func refusesMalformedParameters(_ name: String, _ value: String) {
    let error = #expect(throws: SCIMError.self) { try ListQuery(parameters: [(name, value)]) }
    #expect(error?.status == 400)
    let body = JSONValue.object([
      "schemas": [.string(SCIMURI.searchRequest)], name == "count" ? "count" : name: .string(value),
    ])
    #expect(throws: SCIMError.self) { try ListQuery(searchRequest: body) }
  }

  @Test func attributesAndExcludedAttributesExcludeEachOther() {
    #expect(throws: SCIMError.self) {
      try ListQuery(parameters: [("attributes", "a"), ("excludedAttributes", "b")])
    }
  }

  @Test func sortsByTypeAndCaseRule() throws {
    func user(_ id: String, _ members: JSONObject) -> SCIMResource {
      var resource = SCIMResource(members)
      resource.id = id
      return resource
    }
    func order(_ path: String, _ descending: Bool, _ users: [SCIMResource]) throws -> String {
      let attribute = try #require(AttributePath(path))
      return try SortOrder(attribute, isDescending: descending, for: .user).sorted(users).compactMap(\.id).joined()
    }
    let users = [
      user("1", ["userName": "b", "emails": [["value": "z"], ["value": "a", "primary": true]], "active": true]),
      user("2", ["userName": "C", "emails": [["value": "M"]], "meta": ["created": "2011-01-01T01:00:00+02:00"]]),
      user("3", ["userName": "A", "active": false, "meta": ["created": "2011-01-01T00:00:00Z"]]),
    ]
    #expect(try order("userName", false, users) == "312")
    #expect(try order("userName", true, users) == "213")
    #expect(try order("emails", false, users) == "123")
    #expect(try order("emails.value", true, users) == "321")
    #expect(try order("active", false, users) == "312")
    #expect(try order("meta.created", false, users) == "231")
    for path in ["name", "foo", "password"] { #expect(throws: SCIMError.self) { try order(path, false, users) } }
  }

  @Test func evaluatesPreconditions() throws {
    let five = EntityTag("5")
    #expect(five.description == "W/\"5\"")
    for header in ["W/\"5\"", "\"5\"", "*", "\"4\", W/\"5\"", " * ", "W/\"4\",\"5\" ,"] {
      #expect(throws: Never.self) { try Preconditions(ifMatch: header, ifNoneMatch: nil).check(five) }
      let error = #expect(throws: SCIMError.self) { try Preconditions(ifMatch: nil, ifNoneMatch: header).check(five) }
      #expect(error?.status == 412)
      #expect(try Preconditions(ifMatch: nil, ifNoneMatch: header).isNotModified(five))
    }
    let error = #expect(throws: SCIMError.self) { try Preconditions(ifMatch: "\"4\"", ifNoneMatch: nil).check(five) }
    #expect(error?.status == 412)
    #expect(throws: Never.self) { try Preconditions(ifMatch: nil, ifNoneMatch: nil).check(five) }
    for header in ["", ",", "5", "W/5", "\"5", "W/\"", "\"a\"b\"", "**"] {
      #expect(throws: SCIMError.self, "\(header)") { try Preconditions(ifMatch: header, ifNoneMatch: nil) }
    }
  }

  @Test func configurationIsReadAsItIsWritten() throws {
    let config = ServiceProviderConfig(
      patch: true, bulk: .init(maximumOperations: 100, maximumPayloadSize: 1_048_576), filter: true,
      maximumResults: 200, changePassword: false, sort: true, entityTags: true, authenticationSchemes: [.bearer])
    #expect(ServiceProviderConfig(config.resource(baseURI: "https://x").attributes) == config)
    let bare = ServiceProviderConfig(["bulk": ["supported": true], "patch": ["supported": "true"]])
    #expect(bare.patch)
    #expect(bare.bulk == nil)
  }

  @Test func errorBodiesAreReadTolerantly() throws {
    let error = SCIMError.uniqueness("userName is taken.")
    #expect(SCIMErrorBody(SCIMErrorBody(error).json) == SCIMErrorBody(error))
    #expect(SCIMErrorBody(error).json.object?["status"] == "409")
    #expect(SCIMErrorBody(["status": 404])?.status == 404)
    #expect(SCIMErrorBody(["error": "x"]) == nil)
  }

  @Test func listResponsesAreReadAsTheyAreWritten() throws {
    let list = ListResponse(totalResults: 7, startIndex: 3, resources: [SCIMResource(["id": "1"])])
    #expect(try ListResponse(list.json) == list)
    #expect(list.json.object?["itemsPerPage"] == 1)
    let empty = try ListResponse(["schemas": [.string(SCIMURI.listResponse)], "totalResults": 0])
    #expect(empty.resources.isEmpty)
    for bad: JSONValue in [
      nil, [:], ["schemas": [.string(SCIMURI.listResponse)]],
      ["schemas": [.string(SCIMURI.listResponse)], "totalResults": 1, "Resources": [1]],
    ] {
      #expect(throws: SCIMError.self) { try ListResponse(bad) }
    }
  }
}
