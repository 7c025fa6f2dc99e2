// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import SCIM
import Testing

@testable import Connect

@Suite struct SCIMMappingTests {
  static let user = Attributes(texts: [
    "userPrincipalName": ["ann@corp.example"], "accountEnabled": ["false"], "displayName": ["Ann"],
    "givenName": ["Ann"], "surname": ["Ångström"], "jobTitle": ["Engineer"], "department": ["R&D"],
    "companyName": ["Corp"], "employeeId": ["7"], "preferredLanguage": ["sv-SE"], "telephoneNumber": ["+46 1"],
    "mobile": ["+46 2"], "streetAddress": ["Street 1"], "city": ["Uppsala"], "state": ["U"], "postalCode": ["753 10"],
    "country": ["SE"], "proxyAddresses": ["SMTP:ann@corp.example", "smtp:a@corp.example"],
  ])

  @Test func everyAttributeOfAUserComesBack() throws {
    #expect(Set(Self.user.names).union(["manager"]) == SCIMMapping.vocabulary[.user])
    let change = try SCIMMapping.change(.create(.user, sourceAnchor: "anchor==", attributes: Self.user))
    guard case .create("/Users", var resource) = change else {
      Issue.record("no creation")
      return
    }
    resource.id = "1"
    let record = try #require(SCIMMapping.record(resource, .user))
    #expect(record.attributes == Self.user)
    #expect(record.sourceAnchor == "anchor==")
  }

  @Test func changesAreOperationsOnWhatChanged() throws {
    var desired = Self.user
    desired.set("department", texts: ["Sales"])
    desired.remove("jobTitle")
    desired.remove("mobile")
    var changes = Attributes()
    for name in ["department", "jobTitle", "mobile"] { changes[name] = desired[name] }
    let change = try SCIMMapping.change(.update(.user, id: "1", changes: changes, attributes: desired))
    guard case .patch("/Users", "1", let request, nil) = change else {
      Issue.record("no patch")
      return
    }
    #expect(
      request.operations.map { "\($0.kind) \($0.path?.description ?? "")" } == [
        "remove title", "replace urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        "replace phoneNumbers",
      ])
    // The tenant's own PATCH brings the resource to where it should be.
    guard
      case .create(_, var resource) = try SCIMMapping.change(
        .create(.user, sourceAnchor: "a", attributes: Self.user))
    else { return }
    resource.id = "1"
    #expect(SCIMMapping.record(resource, .user)?.attributes != desired)
  }

  @Test func membersAndManagers() throws {
    let add = [LinkedObject(.user, id: "u"), LinkedObject(.group, id: "g")]
    let change = try SCIMMapping.change(
      .link(.group, id: "1", attribute: "members", add: add, remove: [LinkedObject(.user, id: "x\"y")]))
    guard case .patch("/Groups", "1", let request, nil) = change else {
      Issue.record("no patch")
      return
    }
    #expect(request.operations.map(\.kind) == [.remove, .add])
    #expect(request.operations[0].path?.description == "members[value eq \"x\\\"y\"]")
    #expect(request.operations[1].value?.array?.count == 2)
    let manager = try SCIMMapping.change(.link(.user, id: "1", attribute: "manager", add: [], remove: add))
    guard case .patch("/Users", "1", let removal, nil) = manager else { return }
    #expect(removal.operations.map(\.kind) == [.remove])
  }
}
