// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SCIM

@Suite struct NormalizerTests {
  let users = ResourceNormalizer(.user)

  func user(_ members: String) throws -> JSONValue {
    try JSONValue.parse(#"{"schemas":["\#(SCIMURI.user)"],"userName":"u",\#(members)}"#)
  }

  @Test func bringsNamesIntoTheSchemasSpellingAndDropsWhatIsNotTheClients() throws {
    let resource = try users.create(
      try JSONValue.parse(
        #"""
        {"SCHEMAS":["\#(SCIMURI.user.uppercased())"],"id":"x","META":{"version":"1"},"USERNAME":"bjensen",
         "name":{"GIVENNAME":"Barbara","unknown":1,"middleName":null},"groups":[{"value":"g"}],"nickName":null,
         "emails":[{"VALUE":"b@x","Type":"work","primary":"True"},null,{}],"phoneNumbers":[],"active":"False","foo":1,
         "\#(SCIMURI.enterpriseUser.lowercased())":{"Department":"d","manager":{"value":"m","displayName":"no"}}}
        """#))
    #expect(
      resource.json
        == [
          "schemas": [.string(SCIMURI.user), .string(SCIMURI.enterpriseUser)], "userName": "bjensen",
          "name": ["givenName": "Barbara"], "emails": [["value": "b@x", "type": "work", "primary": true]],
          "active": false,
          .init(SCIMURI.enterpriseUser): ["department": "d", "manager": ["value": "m"]],
        ])
  }

  @Test(arguments: [
    (#""active":1"#, "active"), (#""active":"yes""#, "active"), (#""title":1"#, "title"), (#""title":["a"]"#, "title"),
    (#""name":"x""#, "name"), (#""emails":["x"]"#, "emails"), (#""emails":[{"value":1}]"#, "emails.value"),
    (#""x509Certificates":[{"value":"not base64!"}]"#, "x509Certificates.value"),
    (#""emails":[{"value":"a","primary":true},{"value":"b","primary":true}]"#, "primary"),
    (#""\#(SCIMURI.enterpriseUser)":"x""#, "object"),
  ])
  func refusesWrongTypes(_ member: String, _ word: String) throws {
    let error = #expect(throws: SCIMError.self) { try users.create(try user(member)) }
    #expect(error?.scimType == .invalidValue)
    #expect(error?.detail.contains(word) == true)
  }

  @Test(arguments: [
    ("[]", SCIMErrorType.invalidSyntax), ("{}", .invalidSyntax), (#"{"schemas":[]}"#, .invalidSyntax),
    (#"{"schemas":["urn:x"],"userName":"u"}"#, .invalidSyntax),
    (#"{"schemas":["\#(SCIMURI.user)"]}"#, .invalidValue),
    (#"{"schemas":["\#(SCIMURI.user)"],"userName":""}"#, .invalidValue),
    (#"{"schemas":["\#(SCIMURI.user)"],"userName":null}"#, .invalidValue),
    (#"{"schemas":["\#(SCIMURI.user)"],"userName":"u","USERNAME":"v"}"#, .invalidSyntax),
  ])
  func refusesWhatIsNoUser(_ text: String, _ type: SCIMErrorType) throws {
    let error = #expect(throws: SCIMError.self) { try users.create(try JSONValue.parse(text)) }
    #expect(error?.scimType == type)
    #expect(error?.status == 400)
  }

  @Test func canRefuseUnknownAttributes() throws {
    let strict = ResourceNormalizer(.user, unknownAttributes: .refused)
    #expect(throws: SCIMError.self) { try strict.create(try user(#""foo":1"#)) }
    #expect(throws: SCIMError.self) { try strict.create(try user(#""name":{"foo":1}"#)) }
    #expect(throws: Never.self) { try strict.create(try user(#""title":"t""#)) }
  }

  @Test func replacementKeepsWhatTheClientCannotWriteOrSee() throws {
    var existing = try users.create(try user(#""password":"secret","title":"old","nickName":"n""#))
    existing.id = "1"
    existing.meta = SCIMMeta(resourceType: "User", version: "W/\"1\"")
    existing.attributes["groups"] = [["value": "g"]]
    let new = try users.replace(try user(#""id":"2","title":"new""#), existing: existing)
    #expect(new.id == "1")
    #expect(new.meta?.version == "W/\"1\"")
    #expect(new.attributes["groups"] == [["value": "g"]])
    #expect(new["password"] == "secret")
    #expect(new["title"] == "new")
    #expect(new["nickName"] == nil)
    #expect(try users.replace(try user(#""password":"other""#), existing: existing)["password"] == "other")
  }

  @Test func immutableAttributesKeepTheirFirstValue() throws {
    var type = ResourceTypeDefinition.group
    type.schema.attributes.append(AttributeDefinition("badge", "Once only.", mutability: .immutable))
    let normalizer = ResourceNormalizer(type)
    func group(_ badge: String?) -> JSONValue {
      var object: JSONObject = ["schemas": [.string(SCIMURI.group)], "displayName": "g"]
      object["badge"] = badge.map(JSONValue.string)
      return .object(object)
    }
    let existing = try normalizer.create(group("1"))
    #expect(try normalizer.replace(group("1"), existing: existing)["badge"] == "1")
    #expect(try normalizer.replace(group(nil), existing: existing)["badge"] == "1")
    #expect(try normalizer.replace(group("1"), existing: try normalizer.create(group(nil)))["badge"] == "1")
    let error = #expect(throws: SCIMError.self) { try normalizer.replace(group("2"), existing: existing) }
    #expect(error?.scimType == .mutability)
    let patch = PatchRequest([PatchOperation(.replace, try PatchPath.parse("badge"), "2")])
    #expect(throws: SCIMError.self) { try PatchApplier(type).apply(patch, to: existing) }
  }

  @Test func equalValuesOfAnArrayAreOne() throws {
    let resource = try users.create(try user(#""emails":[{"value":"a"},{"value":"a"},{"value":"a","type":"work"}]"#))
    #expect(resource.attributes["emails"]?.array?.count == 2)
  }
}
