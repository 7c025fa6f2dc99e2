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
/// | telephoneNumber, mobile, homePhone, facsimileTelephoneNumber, otherTelephone | phoneNumbers of type work, mobile, home, fax, other |
/// | streetAddress, city, state, postalCode, country | the address of type work |
/// | department, companyName, employeeId, manager | the enterprise extension |
///
/// Services that offer them also get, in extensions of Bridgehead's own, the other attributes of users, and of groups all but
/// displayName and members. A home page is free text in a directory, and `profileUrl` a URL: it stands in the extension too.
/// Contact and Device are resource types of Bridgehead's own (``SchemaDefinition``): they are exported to services that offer
/// them. The source anchor is every resource's externalId.
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

  package static let user: SCIMForm = {
    let extra =
      account(in: SCIMURI.onPremisesUser) + recipient(in: SCIMURI.onPremisesUser) + [
        .text("onPremisesDistinguishedName", "distinguishedName", in: SCIMURI.onPremisesUser),
        .text("initials", "initials", in: SCIMURI.onPremisesUser),
        .text("description", "description", in: SCIMURI.onPremisesUser),
        .text("physicalDeliveryOfficeName", "office", in: SCIMURI.onPremisesUser),
        .text("wwwHomePage", "webPage", in: SCIMURI.onPremisesUser),
        .text("targetAddress", "targetAddress", in: SCIMURI.onPremisesUser),
      ]
    return SCIMForm(
      type: .user,
      fields: [
        .text("userPrincipalName", "userName"), .text("displayName", "displayName"),
        .text("givenName", "name.givenName"), .text("surname", "name.familyName"), .text("jobTitle", "title"),
        .text("preferredLanguage", "preferredLanguage"),
        .text("department", "department", in: SCIMURI.enterpriseUser),
        .text("companyName", "organization", in: SCIMURI.enterpriseUser),
        .text("employeeId", "employeeNumber", in: SCIMURI.enterpriseUser),
        .flag("accountEnabled", "active", always: true), .emails(), .phones, .address,
      ] + extra, links: ["manager": SCIMFieldPath("manager", extension: SCIMURI.enterpriseUser)],
      optional: optional(extra, in: SCIMURI.onPremisesUser))
  }()

  package static let group: SCIMForm = {
    let extra =
      [
        .flag("securityEnabled", "securityEnabled", in: SCIMURI.onPremisesGroup),
        .mailEnabled(in: SCIMURI.onPremisesGroup), .emails(in: SCIMURI.onPremisesGroup),
        .text("description", "description", in: SCIMURI.onPremisesGroup),
      ] + account(in: SCIMURI.onPremisesGroup) + recipient(in: SCIMURI.onPremisesGroup)
    return SCIMForm(
      type: .group, fields: [.text("displayName", "displayName")] + extra,
      links: [
        "members": SCIMFieldPath("members"),
        "managedBy": SCIMFieldPath("managedBy", extension: SCIMURI.onPremisesGroup),
      ], optional: optional(extra, and: ["managedBy"], in: SCIMURI.onPremisesGroup))
  }()

  package static let contact = SCIMForm(
    type: .contact,
    fields: [
      .text("displayName", "displayName"), .text("givenName", "name.givenName"), .text("surname", "name.familyName"),
      .text("initials", "name.initials"), .text("description", "description"), .text("jobTitle", "title"),
      .text("department", "department"), .text("companyName", "organization"),
      .text("physicalDeliveryOfficeName", "office"), .text("wwwHomePage", "webPage"), .emails(), .phones, .address,
      .text("targetAddress", "targetAddress"),
    ] + recipient(), links: ["manager": SCIMFieldPath("manager")])

  package static let device = SCIMForm(
    type: .device,
    fields: [
      .text("displayName", "displayName"), .flag("accountEnabled", "active"), .text("deviceId", "deviceId"),
      .text("description", "description"), .text("operatingSystem", "operatingSystem"),
      .text("operatingSystemVersion", "operatingSystemVersion"), .text("deviceTrustType", "trustType"),
      .securityIdentifier("onPremisesSecurityIdentifier", "securityIdentifier"), .certificates("userCertificate"),
    ], links: [:])

  // MARK: What several kinds have

  /// What all have that mail can be sent to, besides the addresses.
  private static func recipient(in uri: String? = nil) -> [SCIMField] {
    [
      .text("mail", "mail", in: uri), .text("mailNickname", "mailNickname", in: uri),
      .flag("hideFromAddressLists", "hiddenFromAddressLists", in: uri),
    ] + (1...15).map { .text("extensionAttribute\($0)", "extensionAttribute\($0)", in: uri) }
  }

  private static func account(in uri: String) -> [SCIMField] {
    [
      .securityIdentifier("onPremisesSecurityIdentifier", "securityIdentifier", in: uri),
      .text("onPremisesSamAccountName", "samAccountName", in: uri),
      .text("onPremisesDomainName", "domainName", in: uri),
    ]
  }

  private static func optional(
    _ fields: [SCIMField], and references: [String] = [], in uri: String
  ) -> [String: String] {
    Dictionary((fields.flatMap(\.names) + references).map { ($0, uri) }) { first, _ in first }
  }
}
