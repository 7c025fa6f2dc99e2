// SPDX-License-Identifier: Apache-2.0

import IdentityModel
import SCIM
import Testing

@testable import Connect
import Wire

@Suite struct SCIMMappingTests {
  /// What all have that mail can be sent to.
  static let recipient = Attributes(
    texts: ["mail": ["anna@ferry.example"], "mailNickname": ["anna"], "hideFromAddressLists": ["true"]]
      .merging((1...15).map { ("extensionAttribute\($0)", ["value \($0)"]) }) { $1 })

  static let user: Attributes = {
    var user = recipient
    user.merge(
      Attributes(texts: [
        "userPrincipalName": ["ann@corp.example"], "accountEnabled": ["false"], "displayName": ["Ann"],
        "givenName": ["Ann"], "surname": ["Ångström"], "jobTitle": ["Engineer"], "department": ["R&D"],
        "companyName": ["Corp"], "employeeId": ["7"], "preferredLanguage": ["sv-SE"], "telephoneNumber": ["+46 1"],
        "mobile": ["+46 2"], "streetAddress": ["Street 1"], "city": ["Uppsala"], "state": ["U"],
        "postalCode": ["753 10"],
        "country": ["SE"], "proxyAddresses": ["SMTP:ann@corp.example", "smtp:a@corp.example"],
        "initials": ["M."], "description": ["At work"], "physicalDeliveryOfficeName": ["B1"], "homePhone": ["+46 3"],
        "facsimileTelephoneNumber": ["+46 4"], "otherTelephone": ["+46 5", "+46 6"], "wwwHomePage": ["ann.example"],
        "targetAddress": ["SMTP:ann@x.example"], "onPremisesSamAccountName": ["ann"],
        "onPremisesDistinguishedName": ["CN=Ann,DC=corp,DC=example"], "onPremisesDomainName": ["corp.example"],
      ]))
    user["onPremisesSecurityIdentifier"] = [[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]]
    return user
  }()

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

  static let contact: Attributes = {
    var contact = recipient
    contact.merge(
      Attributes(texts: [
        "displayName": ["Ferry, Anna"], "givenName": ["Anna"], "surname": ["Ferry"], "initials": ["M."],
        "description": ["Partner"], "jobTitle": ["Keeper"], "department": ["Bridges"], "companyName": ["Ferry SE"],
        "physicalDeliveryOfficeName": ["Kai 1"], "wwwHomePage": ["https://ferry.example"], "telephoneNumber": ["+49 1"],
        "mobile": ["+49 2"], "homePhone": ["+49 3"], "facsimileTelephoneNumber": ["+49 4"],
        "otherTelephone": ["+49 5", "+49 6"], "streetAddress": ["Kai 1"], "city": ["Köln"], "state": ["NW"],
        "postalCode": ["50667"], "country": ["DE"],
        "proxyAddresses": ["SMTP:anna@ferry.example", "smtp:a@ferry.example"],
        "targetAddress": ["SMTP:anna@ferry.example"],
      ]))
    return contact
  }()

  static let group: Attributes = {
    var group = recipient
    group.merge(
      Attributes(texts: [
        "displayName": ["Ferries"], "description": ["All ferries"], "securityEnabled": ["false"],
        "proxyAddresses": ["SMTP:list@ferry.example", "smtp:l@ferry.example"], "onPremisesSamAccountName": ["ferries"],
        "onPremisesDomainName": ["ferry.example"],
      ]))
    group["onPremisesSecurityIdentifier"] = [[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]]
    return group
  }()

  static let device: Attributes = {
    var device = Attributes(texts: [
      "displayName": ["PC1"], "accountEnabled": ["false"], "deviceId": ["03020100-0504-0706-0809-0a0b0c0d0e0f"],
      "description": ["At the desk"], "operatingSystem": ["Windows 11"], "operatingSystemVersion": ["10.0 (22631)"],
      "deviceTrustType": ["ServerAd"],
    ])
    device["userCertificate"] = [[0x30, 0x82, 0, 0xFF], [1]]
    device["onPremisesSecurityIdentifier"] = [[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]]
    return device
  }()

  @Test(arguments: [
    (ObjectKind.contact, contact, ["manager"]), (.device, device, []), (.group, group, ["members", "managedBy"]),
  ])
  func everyAttributeOfOthersComesBack(kind: ObjectKind, attributes: Attributes, links: [String]) throws {
    #expect(Set(attributes.names).union(links) == SCIMMapping.vocabulary[kind])
    let type = try #require(SCIMForm.of(kind)).type
    guard
      case .create(type.endpoint, var resource) = try SCIMMapping.change(
        .create(kind, sourceAnchor: "anchor==", attributes: attributes))
    else {
      Issue.record("no creation")
      return
    }
    resource.id = "1"
    // Nothing is told that the schema has no place for: the tenant would drop it.
    let kept = try ResourceNormalizer(type, unknownAttributes: .refused).create(resource.json)
    var read = kept
    read.id = "1"
    let record = try #require(SCIMMapping.record(read, kind))
    #expect(record.attributes.storage == attributes.storage)
    #expect(record.sourceAnchor == "anchor==")
  }

  @Test func aContactsNumbersAndManagerAreToldAsAWhole() throws {
    var desired = Self.contact
    desired.remove("homePhone")
    desired.set("hideFromAddressLists", texts: ["false"])
    var changes = Attributes()
    for name in ["homePhone", "hideFromAddressLists"] { changes[name] = desired[name] }
    guard
      case .patch("/Contacts", "1", let request, nil) = try SCIMMapping.change(
        .update(.contact, id: "1", changes: changes, attributes: desired))
    else {
      Issue.record("no patch")
      return
    }
    #expect(
      request.operations.map { "\($0.kind) \($0.path?.description ?? "")" }
        == ["replace phoneNumbers", "replace hiddenFromAddressLists"])
    #expect(request.operations[0].value?.array?.count == 5)
    #expect(request.operations[1].value == false)
    guard
      case .patch("/Contacts", "1", let manager, nil) = try SCIMMapping.change(
        .link(.contact, id: "1", attribute: "manager", add: [LinkedObject(.user, id: "u")], remove: []))
    else { return }
    #expect(manager.operations.map { $0.path?.description } == ["manager"])
    #expect(manager.operations.first?.value == ["value": "u"])
  }

  /// Where nobody told what a group is for, as with services that have no place for it, nothing is made up.
  @Test func groupsAreForMailExactlyWhenTheyHaveAnAddress() throws {
    func told(_ attributes: Attributes) -> JSONValue? {
      SCIMForm.group.resource(externalId: nil, attributes).json.object?[SCIMURI.onPremisesGroup]?.object?["mailEnabled"]
    }
    #expect(told(Self.group) == true)
    #expect(told(Attributes(texts: ["displayName": ["G"], "securityEnabled": ["true"]])) == false)
    let bare = SCIMForm.group.resource(externalId: nil, Attributes(texts: ["displayName": ["G"]]))
    #expect(bare.attributes.names.filter { $0.hasPrefix("urn:") }.isEmpty && bare.schemas == [SCIMURI.group])
    var changes = Attributes()
    changes["proxyAddresses"] = []
    let operations = try SCIMForm.group.operations(
      changed: Set(changes.names), Attributes(texts: ["securityEnabled": ["false"]]))
    #expect(operations.map(\.kind) == [.replace, .remove])
    let owner = try SCIMMapping.change(
      .link(.group, id: "1", attribute: "managedBy", add: [LinkedObject(.user, id: "u")], remove: []))
    guard case .patch("/Groups", "1", let request, nil) = owner else { return }
    #expect(request.operations.map { $0.path?.description } == ["\(SCIMURI.onPremisesGroup):managedBy"])
    #expect(request.operations.first?.value == ["value": "u"])
  }

  @Test func kindsThatAreNeverExportedHaveNoForm() {
    #expect(Set(SCIMMapping.vocabulary.keys) == Set(ObjectKind.allCases.filter(\.isExported)))
    #expect(throws: ConnectError.self) { try SCIMMapping.change(.delete(.structure, id: "1")) }
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

  @Test(arguments: [(ObjectKind.group, "members"), (.user, "manager")])
  func whatComesBackForgetsWhatItReferredTo(kind: ObjectKind, reference: String) throws {
    func removed(isDeleted: Bool) throws -> [String] {
      let change = try SCIMMapping.change(
        .adopt(
          kind, id: "1", sourceAnchor: "a==", isDeleted: isDeleted, changes: Attributes(), attributes: Attributes()))
      guard case .patch(_, "1", let request, _) = change else { return [] }
      return request.operations.filter { $0.kind == .remove }.compactMap { $0.path?.description }
    }
    #expect(try removed(isDeleted: true).count == 1)
    #expect(try removed(isDeleted: true).first?.hasSuffix(reference) == true)
    #expect(try removed(isDeleted: false).isEmpty)
  }

  @Test func membersAndManagers() throws {
    let add = [
      LinkedObject(.user, id: "u"), LinkedObject(.group, id: "g"), LinkedObject(.contact, id: "c"),
      LinkedObject(.device, id: "d"),
    ]
    let change = try SCIMMapping.change(
      .link(.group, id: "1", attribute: "members", add: add, remove: [LinkedObject(.user, id: "x\"y")]))
    guard case .patch("/Groups", "1", let request, nil) = change else {
      Issue.record("no patch")
      return
    }
    #expect(request.operations.map(\.kind) == [.remove, .add])
    #expect(request.operations[0].path?.description == "members[value eq \"x\\\"y\"]")
    let types = request.operations[1].value?.array?.map { $0.object?["type"]?.string }
    #expect(types == ["User", "Group", "Contact", "Device"])
    let manager = try SCIMMapping.change(.link(.user, id: "1", attribute: "manager", add: [], remove: add))
    guard case .patch("/Users", "1", let removal, nil) = manager else { return }
    #expect(removal.operations.map(\.kind) == [.remove])
  }
}
