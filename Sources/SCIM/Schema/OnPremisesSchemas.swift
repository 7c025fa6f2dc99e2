// SPDX-License-Identifier: Apache-2.0

/// What users and groups are in the directory on the premises, as far as RFC 7643 has no place for it: extensions of the tenant's
/// own (section 3.3). What a Contact has too is spelt as there.
extension SchemaDefinition {
  package static let onPremisesUser = SchemaDefinition(
    id: SCIMURI.onPremisesUser, name: "OnPremisesUser", description: "On-Premises User",
    attributes: [
      .securityIdentifier(", by which a Kerberos ticket finds its user"), .samAccountName, .domainName,
      AttributeDefinition("distinguishedName", "The distinguished name in the directory on the premises."),
      AttributeDefinition("initials", "The initials of the names between the given name and the family name."),
      AttributeDefinition("description", "What the user is for."),
      AttributeDefinition("office", "The name of the office."),
      AttributeDefinition("webPage", "The address of the user's web page, in whatever form it was written."),
      AttributeDefinition("targetAddress", "Where mail to the user is sent on to, with its protocol's prefix."),
    ] + AttributeDefinition.recipient)

  package static let onPremisesGroup = SchemaDefinition(
    id: SCIMURI.onPremisesGroup, name: "OnPremisesGroup", description: "On-Premises Group",
    attributes: [
      AttributeDefinition("securityEnabled", .boolean, "Whether rights can be given to the group."),
      AttributeDefinition("mailEnabled", .boolean, "Whether mail can be sent to the group."),
      AttributeDefinition("description", "What the group is for."),
      .emails, .securityIdentifier(), .samAccountName, .domainName,
      AttributeDefinition(
        "managedBy", .complex, "Who looks after the group.",
        subAttributes: [
          AttributeDefinition("value", "The id of the owner's resource."),
          AttributeDefinition(
            "$ref", .reference, "The URI of the owner's resource.", referenceTypes: ["User", "Group", "Contact"]),
          // Not by default: strict clients hold an answer against what they wrote.
          AttributeDefinition("displayName", "The owner's displayName.", mutability: .readOnly, returned: .request),
        ]),
    ] + AttributeDefinition.recipient)
}

extension AttributeDefinition {
  /// What users, groups and contacts have that mail can be sent to, besides the addresses.
  static let recipient =
    [
      AttributeDefinition("mail", "The address that the directory shows to people."),
      AttributeDefinition("mailNickname", "The alias by which mail systems know the recipient."),
      AttributeDefinition("hiddenFromAddressLists", .boolean, "Whether address lists leave the recipient out."),
    ]
    + (1...15).map {
      AttributeDefinition("extensionAttribute\($0)", "What the organisation keeps in its attribute \($0).")
    }

  /// - Parameter use: what it is good for.
  fileprivate static func securityIdentifier(_ use: String = "") -> AttributeDefinition {
    AttributeDefinition(
      "securityIdentifier", "The security identifier in the directory on the premises (S-1-…)\(use).", caseExact: true)
  }

  fileprivate static let samAccountName = AttributeDefinition(
    "samAccountName", "The account's name in its domain on the premises.")
  fileprivate static let domainName = AttributeDefinition(
    "domainName", "The DNS name of the domain on the premises.")
}
