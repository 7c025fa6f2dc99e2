// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import SyncAPI
import Testing

@testable import Connect
import Wire

@Suite struct SyncAPIMappingTests {
  static let user = Attributes(texts: [
    "userPrincipalName": ["ann@corp.example"], "displayName": ["Ann"], "accountEnabled": ["false"],
    "proxyAddresses": ["SMTP:ann@corp.example"], "city": ["Köln"],
  ])

  /// Both ways into a cloud directory have a place for the same.
  @Test func theVocabularyIsThatOfSCIM() { #expect(SyncAPIMapping.vocabulary == SCIMMapping.vocabulary) }

  @Test func aNewObjectIsWholeAndNamedByItsAnchor() throws {
    let object = try SyncAPIMapping.object(.create(.user, sourceAnchor: "a==", attributes: Self.user))
    #expect(
      object.operation == .set && object.type == .user && object.sourceAnchor == "a==" && object.cloudAnchor == nil)
    #expect(object.properties["accountEnabled"] == .boolean(false))
    // What it has no value of is cleared: it may be one that was deleted and comes back.
    #expect(object.properties["department"] == .null)
    let record = try #require(SyncAPIMapping.record(object))
    #expect(record.id == "a==" && record.sourceAnchor == "a==" && record.attributes.text("city") == "Köln")
  }

  @Test func aChangeTellsAllThatTheObjectShallHave() throws {
    var changes = Attributes(texts: ["displayName": ["Ann"]])
    changes["department"] = []
    let object = try SyncAPIMapping.object(.update(.user, id: "a==", changes: changes, attributes: Self.user))
    #expect(object.properties["department"] == .null && object.properties["title"] == nil)
    #expect(object.properties["city"] == .string("Köln") && object.sourceAnchor == "a==")
  }

  @Test func whatIsTakenOverKeepsItsName() throws {
    let adopted = try SyncAPIMapping.object(
      .adopt(.user, id: "User_1", sourceAnchor: "a==", isDeleted: false, changes: Attributes(), attributes: Self.user))
    #expect(adopted.sourceAnchor == "a==" && adopted.cloudAnchor == "User_1")
    let restored = try SyncAPIMapping.object(
      .adopt(.user, id: "a==", sourceAnchor: "a==", isDeleted: true, changes: Attributes(), attributes: Self.user))
    #expect(restored.sourceAnchor == "a==" && restored.cloudAnchor == nil && restored.operation == .set)
  }

  @Test func references() throws {
    let add = [LinkedObject(.user, id: "u=="), LinkedObject(.contact, id: "Contact_1")]
    let members = try SyncAPIMapping.object(
      .link(.group, id: "g==", attribute: "members", add: add, remove: [LinkedObject(.user, id: "x==")]))
    #expect(
      members.properties["member"]
        == .references([
          ReferenceChange(.remove, .source("x==")), ReferenceChange(.add, .source("u==")),
          ReferenceChange(.add, .cloud("Contact_1")),
        ]))
    #expect(members.properties["displayName"] == nil)
    let manager = try SyncAPIMapping.object(.link(.user, id: "a==", attribute: "manager", add: [add[0]], remove: []))
    #expect(manager.properties["manager"] == .string("u=="))
    let none = try SyncAPIMapping.object(.link(.user, id: "a==", attribute: "manager", add: [], remove: [add[0]]))
    #expect(none.properties["manager"] == .null)
    let read = SyncObject(.group, .set, ["SourceAnchor": .string("g=="), "member": .strings(["u=="])])
    #expect(SyncAPIMapping.record(read)?.links == ["members": ["u=="]])
  }

  @Test func whatIsGoneIsNoRecord() throws {
    #expect(SyncAPIMapping.record(SyncObject(.user, .delete, ["SourceAnchor": .string("a==")])) == nil)
    #expect(SyncAPIMapping.record(SyncObject(.user, .set, ["displayName": .string("x")])) == nil)
    #expect(throws: ConnectError.self) { try SyncAPIMapping.object(.delete(.structure, id: "1")) }
  }

  @Test(arguments: [
    ("AttributeValueMustBeUnique", ExportOutcome.conflict("AttributeValueMustBeUnique: no")),
    ("ObjectNotFound", .notFound),
    ("ExistingAdminRoleConflict", .held(.privilegedMatch, "ExistingAdminRoleConflict: no")),
    ("InvalidSoftMatch", .held(.ambiguousMatch, "InvalidSoftMatch: no")),
    ("InvalidHardMatch", .held(.ambiguousMatch, "InvalidHardMatch: no")),
    ("DataValidationFailed", .refused("DataValidationFailed: no")), ("Whatever", .refused("Whatever: no")),
  ])
  func refusals(code: String, expected: ExportOutcome) throws {
    let operation = ExportOperation.create(.user, sourceAnchor: "a==", attributes: Self.user)
    let object = try SyncAPIMapping.object(operation)
    let result = SyncObjectResult(object, errorCode: code, errorDescription: "no")
    #expect(SyncAPIMapping.outcome(operation, result) == expected)
  }

  @Test func successes() throws {
    let create = ExportOperation.create(.user, sourceAnchor: "a==", attributes: Self.user)
    let done = SyncObjectResult(try SyncAPIMapping.object(create), cloudAnchor: "User_1")
    #expect(
      SyncAPIMapping.outcome(create, done)
        == .done(TargetRecord(id: "a==", sourceAnchor: "a==", attributes: Self.user)))
    #expect(SyncAPIMapping.outcome(.delete(.user, id: "a=="), done) == .done(nil))
  }
}
