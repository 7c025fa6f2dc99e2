// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import SCIM

@Suite struct SchemaTests {
  @Test func discoverySchemasDescribeThemselves() throws {
    let names = SchemaDefinition.all.map(\.name)
    #expect(
      names == [
        "User", "Group", "EnterpriseUser", "OnPremisesUser", "OnPremisesGroup", "Contact", "Device",
        "ServiceProviderConfig", "ResourceType", "Schema",
      ])
    #expect(Set(SchemaDefinition.all.map(\.id)).count == names.count)
    for schema in SchemaDefinition.all {
      let resource = schema.resource(baseURI: "https://x/scim/v2")
      #expect(resource.meta?.location == "https://x/scim/v2/Schemas/\(schema.id)")
      let attributes = try #require(resource.attributes["attributes"]?.array)
      #expect(attributes.count == schema.attributes.count)
      // The Schema schema describes every member that the schemas are written with.
      let known = try #require(SchemaDefinition.schema.attribute(named: "attributes"))
      for attribute in attributes {
        for name in try #require(attribute.object).names { #expect(known.subAttribute(named: name) != nil, "\(name)") }
      }
    }
  }

  @Test func userHasEveryAttributeOfRFC7643() {
    let expected = [
      "userName", "name", "displayName", "nickName", "profileUrl", "title", "userType", "preferredLanguage", "locale",
      "timezone", "active", "password", "emails", "phoneNumbers", "ims", "photos", "addresses", "groups",
      "entitlements", "roles", "x509Certificates",
    ]
    #expect(SchemaDefinition.user.attributes.map(\.name) == expected)
    #expect(SchemaDefinition.user.attribute(named: "USERNAME")?.uniqueness == .server)
    #expect(SchemaDefinition.user.attribute(named: "password")?.returned == .never)
    #expect(SchemaDefinition.user.attribute(named: "groups")?.mutability == .readOnly)
  }

  @Test func resolvesNamesOfEveryForm() throws {
    func resolve(_ text: String) -> String? {
      guard let path = AttributePath(text) else { return nil }
      switch ResourceTypeDefinition.user.resolve(path) {
      case .attribute(let attribute)?: return attribute.canonicalName
      case .schemaExtension(let schema)?: return schema.name
      case nil: return nil
      }
    }
    #expect(resolve("USERname") == "userName")
    #expect(resolve("name.GivenName") == "name.givenName")
    #expect(resolve("urn:ietf:params:scim:schemas:core:2.0:User:emails.type") == "emails.type")
    #expect(resolve("\(SCIMURI.enterpriseUser):manager.value") == "\(SCIMURI.enterpriseUser):manager.value")
    #expect(resolve(SCIMURI.enterpriseUser.uppercased()) == "EnterpriseUser")
    #expect(resolve("meta.lastModified") == "meta.lastModified")
    #expect(resolve("emails.$ref") == nil)
    #expect(resolve("department") == nil)
    #expect(resolve("urn:x:y:userName") == nil)
    for malformed in ["", ".", "a.", ".b", "a.b.c", "1 2", "a b", "emails[", "urn:", "-x", "ü"] {
      #expect(resolve(malformed) == nil, "\(malformed)")
    }
  }

  @Test(arguments: [
    ("2011-08-01T18:29:49.793Z", 1_312_223_389.793), ("2010-01-23T04:56:22Z", 1_264_222_582),
    ("1970-01-01T01:00:00+01:00", 0), ("1969-12-31T23:59:59Z", -1), ("2024-02-29T00:00:00-02:30", 1_709_173_800),
    ("1969-12-31T24:00:00Z", 0), ("2016-12-31T23:59:60Z", 1_483_228_800),
  ])
  func readsDates(_ text: String, _ seconds: Double) throws {
    let date = try #require(SCIMDateTime.parse(text))
    #expect(abs(date.timeIntervalSince1970 - seconds) < 0.0005)
  }

  @Test func writesDatesThatItReads() {
    #expect(SCIMDateTime.string(from: Date(timeIntervalSince1970: 1_312_223_389.5)) == "2011-08-01T18:29:49.500Z")
    #expect(SCIMDateTime.string(from: Date(timeIntervalSince1970: -62_167_219_200)) == "0000-01-01T00:00:00.000Z")
    for day in stride(from: -700_000.0, to: 2_900_000, by: 1_237) {
      let date = Date(timeIntervalSince1970: day * 86_400 + 12_345)
      #expect(SCIMDateTime.parse(SCIMDateTime.string(from: date)) == date)
    }
  }

  @Test(arguments: [
    "", "2011", "2011-08-01", "2011-08-01T18:29:49", "2011-13-01T18:29:49Z", "2011-08-01T18:61:49Z",
    "2011-08-01T18:29:49.Z", "2011-08-01T18:29:49+1:00", "2011-08-01T18:29:49Zx",
    "2011-02-29T18:29:49Z", "2011-08-01T24:00:01Z", "2011-08-01T24:00:00.5Z", "2011-08-01T25:00:00Z",
  ])
  func refusesDates(_ text: String) { #expect(SCIMDateTime.parse(text) == nil) }
}
