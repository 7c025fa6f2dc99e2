// SPDX-License-Identifier: Apache-2.0

extension SchemaDefinition {
  /// User (RFC 7643 4.1 and 8.7.1).
  package static let user = SchemaDefinition(
    id: SCIMURI.user, name: "User", description: "User Account",
    attributes: [
      AttributeDefinition(
        "userName", "The name by which the user signs in, unique in the service.", required: true, uniqueness: .server),
      AttributeDefinition(
        "name", .complex, "The parts of the user's name.",
        subAttributes: [
          AttributeDefinition("formatted", "The whole name as it is shown."),
          AttributeDefinition("familyName", "The family name."),
          AttributeDefinition("givenName", "The given name."),
          AttributeDefinition("middleName", "The middle names."),
          AttributeDefinition("honorificPrefix", "Titles before the name."),
          AttributeDefinition("honorificSuffix", "Suffixes after the name."),
        ]),
      AttributeDefinition("displayName", "The name that is shown to people."),
      AttributeDefinition("nickName", "The casual way to address the user."),
      AttributeDefinition(
        "profileUrl", .reference, "The URL of the user's online profile.", referenceTypes: ["external"]),
      AttributeDefinition("title", "The user's position, such as Vice President."),
      AttributeDefinition("userType", "How the user relates to the organisation."),
      AttributeDefinition("preferredLanguage", "The preferred written or spoken language, as in Accept-Language."),
      AttributeDefinition("locale", "The locale for numbers, dates and money."),
      AttributeDefinition("timezone", "The time zone in the IANA database's form."),
      AttributeDefinition("active", .boolean, "Whether the account may be used."),
      AttributeDefinition(
        "password", "The password in clear text, for setting it only.", caseExact: true, mutability: .writeOnly,
        returned: .never),
      .emails, .phoneNumbers,
      .values(
        "ims", "Instant messaging addresses.", of: AttributeDefinition("value", "The address."),
        types: ["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
      .values(
        "photos", "URLs of photos.",
        of: AttributeDefinition("value", .reference, "The photo's URL.", referenceTypes: ["external"]),
        types: ["photo", "thumbnail"]),
      .addresses,
      AttributeDefinition(
        "groups", .complex, "The groups that the user belongs to, directly or through other groups.",
        multiValued: true, mutability: .readOnly,
        subAttributes: [
          AttributeDefinition("value", "The group's id.", mutability: .readOnly),
          AttributeDefinition(
            "$ref", .reference, "The group's URI.", mutability: .readOnly, referenceTypes: ["User", "Group"]),
          AttributeDefinition("display", "The group's name.", mutability: .readOnly),
          AttributeDefinition(
            "type", "How the user belongs to the group.", mutability: .readOnly,
            canonicalValues: ["direct", "indirect"]),
        ]),
      .values("entitlements", "Things that the user has.", of: AttributeDefinition("value", "The entitlement.")),
      .values("roles", "The user's roles, such as Student.", of: AttributeDefinition("value", "The role.")),
      .values(
        "x509Certificates", "Certificates issued to the user.",
        of: AttributeDefinition("value", .binary, "The certificate in DER, base64.")),
    ])

  /// The enterprise extension of User (RFC 7643 4.3 and 8.7.1).
  package static let enterpriseUser = SchemaDefinition(
    id: SCIMURI.enterpriseUser, name: "EnterpriseUser", description: "Enterprise User",
    attributes: [
      AttributeDefinition("employeeNumber", "The number that the organisation gave the person."),
      AttributeDefinition("costCenter", "The cost centre's name."),
      AttributeDefinition("organization", "The organisation's name."),
      AttributeDefinition("division", "The division's name."),
      AttributeDefinition("department", "The department's name."),
      AttributeDefinition(
        "manager", .complex, "The user's manager.",
        subAttributes: [
          AttributeDefinition("value", "The id of the manager's User resource."),
          AttributeDefinition("$ref", .reference, "The URI of the manager's resource.", referenceTypes: ["User"]),
          // Not by default: strict clients hold an answer against what they wrote.
          AttributeDefinition(
            "displayName", "The manager's displayName.", mutability: .readOnly, returned: .request),
        ]),
    ])
}
