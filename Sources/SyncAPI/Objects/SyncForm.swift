// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

/// The metaverse's attributes of one kind of object in the words of the Sync API. Names are those that public clients send,
/// where they send them; the others are the ones that Entra Connect's exported rules have for its side of the cloud
/// (docs/operations/sync-api.md).
package struct SyncForm: Sendable {
  package let type: SyncObjectType
  let fields: [SyncField]
  /// References to other objects, by the metaverse's attribute.
  package let links: [String: String]

  package var vocabulary: Set<String> { Set(fields.map(\.attribute)).union(links.keys) }

  /// Nil for kinds that are never exported.
  package static func of(_ kind: ObjectKind) -> SyncForm? {
    switch kind {
    case .user: user
    case .group: group
    case .contact: contact
    case .device: device
    case .structure, .foreign: nil
    }
  }

  package static func of(_ type: SyncObjectType) -> SyncForm {
    switch type {
    case .user: user
    case .group: group
    case .contact: contact
    case .device: device
    }
  }

  /// The kind of a type's objects.
  package static func kind(of type: SyncObjectType) -> ObjectKind {
    switch type {
    case .user: .user
    case .group: .group
    case .contact: .contact
    case .device: .device
    }
  }

  // MARK: Both directions

  /// All properties of an object with these attributes.
  package func properties(_ attributes: Attributes) -> SyncProperties {
    var properties = SyncProperties()
    for field in fields {
      if let value = field.value(attributes) { properties[field.property] = value }
    }
    return properties
  }

  /// All properties, those among `cleared` that have no value included, as null.
  package func properties(_ attributes: Attributes, clearing cleared: Set<String>) -> SyncProperties {
    var properties = properties(attributes)
    for field in fields where cleared.contains(field.attribute) && properties[field.property] == nil {
      properties[field.property] = .null
    }
    return properties
  }

  /// The attributes that properties name; those of null have no value.
  package func attributes(_ properties: SyncProperties) -> Attributes {
    var attributes = Attributes()
    for field in fields {
      if let value = properties[field.property] { attributes[field.attribute] = field.values(value) }
    }
    return attributes
  }

  // MARK: The forms

  private static let address: [SyncField] = [
    .text("streetAddress"), .text("city"), .text("state"), .text("postalCode"), .text("country"),
  ]
  private static let extensions: [SyncField] = (1...15).map { .text("extensionAttribute\($0)") }
  /// What users and contacts have alike.
  private static let person: [SyncField] =
    [
      .text("displayName"), .text("givenName"), .text("surname"), .text("initials"), .text("description"),
      .text("jobTitle", "title"), .text("department"), .text("companyName", "company"),
      .text("physicalDeliveryOfficeName"), .text("wwwHomePage", "wWWHomePage"), .text("telephoneNumber"),
      .text("mobile"), .text("homePhone"), .text("facsimileTelephoneNumber"), .texts("otherTelephone"),
      .text("targetAddress"),
    ] + address
  /// What all have that mail can be sent to.
  private static let recipient: [SyncField] =
    [
      .text("mail"), .texts("proxyAddresses"), .text("mailNickname", "alias"),
      .flag("hideFromAddressLists", "msExchHideFromAddressLists"),
    ] + extensions
  private static let identifier = SyncField.bytes("onPremisesSecurityIdentifier", "onPremiseSecurityIdentifier")
  private static let account: [SyncField] = [
    identifier, .text("onPremisesSamAccountName"), .text("onPremisesDomainName", "dnsDomainName"),
  ]

  static let user = SyncForm(
    type: .user,
    fields: [
      .text("userPrincipalName"), .flag("accountEnabled", always: true), .text("preferredLanguage"),
      .text("employeeId"), .text("onPremisesDistinguishedName"),
    ] + account + person + recipient, links: ["manager": "manager"])

  /// A group of which nothing is said is for security: without `securityEnabled` it would be one without a purpose. Whether it
  /// is mail-enabled the service tells by its addresses.
  static let group = SyncForm(
    type: .group,
    fields: [.text("displayName"), .text("description"), .flag("securityEnabled", always: true)] + account + recipient,
    links: ["members": "member", "managedBy": "managedBy"])

  static let contact = SyncForm(
    type: .contact, fields: person + recipient, links: ["manager": "manager"])

  static let device = SyncForm(
    type: .device,
    fields: [
      .text("displayName"), .flag("accountEnabled"), .identifier("deviceId"), .text("description"),
      .text("operatingSystem", "deviceOSType"), .text("operatingSystemVersion", "deviceOSVersion"),
      .text("deviceTrustType"), identifier, .allBytes("userCertificate"),
    ], links: [:])
}
