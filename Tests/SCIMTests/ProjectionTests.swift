// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SCIM

@Suite struct ProjectionTests {
  let user: SCIMResource = {
    let enterprise: JSONValue = ["department": "d", "manager": ["value": "m", "displayName": "M"]]
    var object: JSONObject = [
      "schemas": [.string(SCIMURI.user), .string(SCIMURI.enterpriseUser)], "id": "1", "userName": "u",
      "password": "secret", "name": ["givenName": "g", "familyName": "f"],
      "emails": [["value": "a", "type": "work"], ["type": "home"]], "meta": ["version": "W/\"1\""],
    ]
    object[SCIMURI.enterpriseUser] = enterprise
    return SCIMResource(object)
  }()

  @Test(
    arguments: [
      ([], [], ["schemas", "id", "userName", "name", "emails", "meta", SCIMURI.enterpriseUser]),
      (["userName"], [], ["schemas", "id", "userName"]),
      (["USERNAME", "password", "nonsense", "a b"], [], ["schemas", "id", "userName"]),
      (["\(SCIMURI.user):userName"], [], ["schemas", "id", "userName"]),
      ([SCIMURI.enterpriseUser], [], ["schemas", "id", SCIMURI.enterpriseUser]),
      ([SCIMURI.user], [], ["schemas", "id", "userName", "name", "emails"]),
      ([], ["emails", "id", "schemas", "meta", "userName"], ["schemas", "id", "name", SCIMURI.enterpriseUser]),
      ([], [SCIMURI.enterpriseUser], ["schemas", "id", "userName", "name", "emails", "meta"]),
    ] as [([String], [String], [String])])
  func keepsTheAttributes(_ attributes: [String], _ excluded: [String], _ expected: [String]) throws {
    let result = try Projection(.user, attributes: attributes, excluded: excluded).apply(to: user)
    #expect(result.attributes.names.sorted() == expected.sorted())
  }

  @Test func cutsSubAttributes() throws {
    let some = try Projection(.user, attributes: ["name.givenName", "emails.value"]).apply(to: user)
    #expect(some.attributes["name"] == ["givenName": "g"])
    #expect(some.attributes["emails"] == [["value": "a"]])
    let less = try Projection(
      .user, excluded: ["name.givenName", "\(SCIMURI.enterpriseUser):manager.displayName"]
    ).apply(to: user)
    #expect(less.attributes["name"] == ["familyName": "f"])
    #expect(less.attributes[SCIMURI.enterpriseUser] == ["department": "d", "manager": ["value": "m"]])
  }

  @Test func tellsWhatNeedNotBeLoaded() throws {
    #expect(Projection(all: .group).includes("members"))
    #expect(try !Projection(.group, excluded: ["members"]).includes("members"))
    #expect(try Projection(.group, excluded: ["members.type"]).includes("members"))
    #expect(try !Projection(.group, attributes: ["displayName"]).includes("members"))
    #expect(try Projection(.group, attributes: ["members.value"]).includes("Members"))
  }

  @Test func refusesBothLists() {
    #expect(throws: SCIMError.self) { try Projection(.user, attributes: ["a"], excluded: ["b"]) }
  }

  @Test func attributesReturnedOnRequestComeOnlyThen() throws {
    var type = ResourceTypeDefinition.user
    type.schema.attributes.append(AttributeDefinition("notes", "Long.", returned: .request))
    var resource = user
    resource["notes"] = "n"
    #expect(Projection(all: type).apply(to: resource)["notes"] == nil)
    #expect(try Projection(type, excluded: ["emails"]).apply(to: resource)["notes"] == nil)
    #expect(try Projection(type, attributes: ["notes"]).apply(to: resource)["notes"] == "n")
  }
}
