// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

/// The metaverse's attributes of one kind of object in the words of a SCIM resource type.
///
/// | metaverse | User, with the enterprise extension (RFC 7643) |
/// |---|---|
/// | userPrincipalName, displayName, jobTitle, preferredLanguage | userName, displayName, title, preferredLanguage |
/// | givenName, surname | name.givenName, name.familyName |
/// | accountEnabled | active |
/// | proxyAddresses | emails: the primary one of type work, the others of type other |
/// | telephoneNumber, mobile | phoneNumbers of type work and mobile |
/// | streetAddress, city, state, postalCode, country | the address of type work |
/// | department, companyName, employeeId, manager | the enterprise extension |
///
/// Services that offer it also get onPremisesSecurityIdentifier, in an extension of Bridgehead's own.
///
/// A Group has displayName and members. Contact and Device are resource types of Bridgehead's own
/// (``SchemaDefinition``): they are exported to services that offer them. The source anchor is every resource's
/// externalId.
package struct SCIMForm: Sendable {
  package let type: ResourceTypeDefinition
  let fields: [SCIMField]
  /// Where references to other resources stand.
  package let links: [String: SCIMFieldPath]

  /// By attribute, the extension without which a service has no place for it.
  package var optional: [String: String] = [:]

  package var endpoint: String { type.endpoint }
  /// The attributes of the metaverse that have a place here, references included.
  package var vocabulary: Set<String> { Set(fields.flatMap(\.names)).union(links.keys) }

  /// Nil for kinds that are never exported.
  package static func of(_ kind: ObjectKind) -> SCIMForm? {
    switch kind {
    case .user: user
    case .group: group
    case .contact: contact
    case .device: device
    case .structure, .foreign: nil
    }
  }

  package static let user = SCIMForm(
    type: .user,
    fields: [
      .text("userPrincipalName", "userName"), .text("displayName", "displayName"),
      .text("givenName", "name.givenName"), .text("surname", "name.familyName"), .text("jobTitle", "title"),
      .text("preferredLanguage", "preferredLanguage"),
      .text("department", "department", in: SCIMURI.enterpriseUser),
      .text("companyName", "organization", in: SCIMURI.enterpriseUser),
      .text("employeeId", "employeeNumber", in: SCIMURI.enterpriseUser),
      .flag("accountEnabled", "active", always: true), .emails,
      .phones([("telephoneNumber", "work"), ("mobile", "mobile")]), .address,
      .securityIdentifier("onPremisesSecurityIdentifier", "securityIdentifier", in: SCIMURI.onPremisesUser),
    ], links: ["manager": SCIMFieldPath("manager", extension: SCIMURI.enterpriseUser)],
    optional: ["onPremisesSecurityIdentifier": SCIMURI.onPremisesUser])

  package static let group = SCIMForm(
    type: .group, fields: [.text("displayName", "displayName")], links: ["members": SCIMFieldPath("members")])

  package static let contact = SCIMForm(
    type: .contact,
    fields: [
      .text("displayName", "displayName"), .text("givenName", "name.givenName"), .text("surname", "name.familyName"),
      .text("initials", "name.initials"), .text("description", "description"), .text("jobTitle", "title"),
      .text("department", "department"), .text("companyName", "organization"),
      .text("physicalDeliveryOfficeName", "office"), .text("wwwHomePage", "webPage"), .emails,
      .phones(
        [
          ("telephoneNumber", "work"), ("mobile", "mobile"), ("homePhone", "home"), ("facsimileTelephoneNumber", "fax"),
        ], others: [("otherTelephone", "other")]), .address,
      .text("mailNickname", "mailNickname"), .text("targetAddress", "targetAddress"),
      .flag("hideFromAddressLists", "hiddenFromAddressLists"),
    ] + (1...15).map { .text("extensionAttribute\($0)", "extensionAttribute\($0)") },
    links: ["manager": SCIMFieldPath("manager")])

  package static let device = SCIMForm(
    type: .device,
    fields: [
      .text("displayName", "displayName"), .flag("accountEnabled", "active"), .text("deviceId", "deviceId"),
      .text("description", "description"), .text("operatingSystem", "operatingSystem"),
      .text("operatingSystemVersion", "operatingSystemVersion"), .text("deviceTrustType", "trustType"),
      .securityIdentifier("onPremisesSecurityIdentifier", "securityIdentifier"), .certificates("userCertificate"),
    ], links: [:])
}
