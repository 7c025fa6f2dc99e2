// SPDX-License-Identifier: Apache-2.0

import HTTP
import IdentityModel
import Testing
import Wire

@testable import SyncAPI

@Suite struct FormTests {
  static func attributes(of kind: ObjectKind) throws -> Attributes {
    let form = try #require(SyncForm.of(kind))
    var attributes = Attributes()
    for name in form.vocabulary.subtracting(form.links.keys) {
      switch name {
      case "accountEnabled", "hideFromAddressLists", "securityEnabled": attributes.set(name, texts: ["false"])
      case "deviceId": attributes.set(name, texts: ["6f9619ff-8b86-d011-b42d-00c04fc964ff"])
      case "onPremisesSecurityIdentifier": attributes[name] = [[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]]
      case "userCertificate": attributes[name] = [[0x30, 1], [0x30, 2]]
      case "proxyAddresses": attributes.set(name, texts: ["SMTP:a@corp.example", "smtp:b@corp.example"])
      default: attributes.set(name, texts: ["value of \(name)"])
      }
    }
    return attributes
  }

  @Test(arguments: ObjectKind.allCases.filter(\.isExported))
  func everyAttributeComesBack(kind: ObjectKind) throws {
    let form = try #require(SyncForm.of(kind))
    let attributes = try Self.attributes(of: kind)
    let object = SyncObject(form.type, .set, form.properties(attributes))
    let read = try MessageTests.request(Provision<ProvisionVersion2>([object])).objects[0]
    #expect(SyncForm.of(read.type).attributes(read.properties) == attributes)
    #expect(SyncForm.kind(of: form.type) == kind)
  }

  @Test func whatIsClearedIsNull() throws {
    let form = SyncForm.user
    var attributes = Attributes()
    attributes.set("displayName", texts: ["A"])
    let properties = form.properties(attributes, clearing: ["displayName", "department", "manager"])
    #expect(properties["department"] == .null)
    #expect(properties["displayName"] == .string("A"))
    #expect(properties["jobTitle"] == nil && properties["title"] == nil)
    let changes = form.attributes(properties)
    #expect(changes.names.contains("department") && changes["department"].isEmpty)
    // An account of which nothing is said is enabled.
    #expect(properties["accountEnabled"] == .boolean(true))
  }

  /// Names of the service's side, as the rules that Entra Connect exports have them.
  @Test func groupsSayWhatTheyAre() {
    let list = Attributes(texts: [
      "displayName": ["List"], "securityEnabled": ["false"], "mail": ["list@corp.example"], "mailNickname": ["list"],
      "proxyAddresses": ["SMTP:list@corp.example"], "onPremisesDomainName": ["corp.example"],
      "hideFromAddressLists": ["true"], "extensionAttribute3": ["x"],
    ])
    #expect(
      SyncForm.group.properties(list) == [
        "displayName": .string("List"), "securityEnabled": .boolean(false), "mail": .string("list@corp.example"),
        "alias": .string("list"), "proxyAddresses": .strings(["SMTP:list@corp.example"]),
        "dnsDomainName": .string("corp.example"), "msExchHideFromAddressLists": .boolean(true),
        "extensionAttribute3": .string("x"),
      ])
    // Rules of one's own may say nothing of it: a group for nothing would be refused.
    #expect(SyncForm.group.properties(Attributes()) == ["securityEnabled": .boolean(true)])
    #expect(SyncForm.group.links == ["members": "member", "managedBy": "managedBy"])
  }

  @Test func namesCompareWithoutRegardToCase() {
    var properties: SyncProperties = ["SecurityEnabled": .boolean(true)]
    #expect(properties["securityEnabled"] == .boolean(true))
    properties["SECURITYENABLED"] = .boolean(false)
    #expect(properties.count == 1 && properties.entries[0].name == "SECURITYENABLED")
  }

  @Test func anchorsTellThemselvesApart() {
    #expect(SyncAnchor("User_6f9619ff") == .cloud("User_6f9619ff"))
    #expect(SyncAnchor("vGmHQrvYPkOAAAAAAAAAAA==") == .source("vGmHQrvYPkOAAAAAAAAAAA=="))
    #expect(SyncAnchor.named(.group, "1").text == "Group_1")
  }

  @Test(arguments: [
    (
      "https://adminwebservice.microsoftonline.com/provisioningservice.svc",
      "https://eu.adminwebservice.microsoftonline.com/x", true
    ),
    ("https://adminwebservice.microsoftonline.com/p", "https://a.microsoftonline.com.attacker.example/p", false),
    ("https://adminwebservice.microsoftonline.com/p", "https://evilmicrosoftonline.com/p", false),
    ("https://adminwebservice.microsoftonline.com/p", "http://a.microsoftonline.com/p", false),
    ("https://adminwebservice.microsoftonline.com/p", "https://a.microsoftonline.com:8443/p", false),
    ("https://adminwebservice.microsoftonline.us/p", "https://a.microsoftonline.com/p", false),
    ("https://tenant.corp.example/p", "https://tenant.corp.example/q", true),
    ("https://tenant.corp.example/p", "https://other.corp.example/p", false),
    ("https://tenant.corp.example/p", "https://a.microsoftonline.com/p", false),
  ])
  func redirectsStayInTheCloud(origin: String, target: String, isAllowed: Bool) throws {
    #expect(CloudBoundary(try HTTPURL(origin)).allows(try HTTPURL(target)) == isAllowed)
  }
}
