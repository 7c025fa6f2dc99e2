// SPDX-License-Identifier: Apache-2.0

extension SchemaDefinition {
  /// Contact: a person outside of the organisation whom its people can write to. No account: nobody signs in with it.
  ///
  /// RFC 7643 has no such resource; section 6 lets a service define its own. What a User has too is spelt as there.
  package static let contact = SchemaDefinition(
    id: SCIMURI.contact, name: "Contact", description: "A person outside of the organisation",
    attributes: [
      AttributeDefinition("displayName", "The name that is shown to people.", required: true),
      AttributeDefinition(
        "name", .complex, "The parts of the contact's name.",
        subAttributes: [
          AttributeDefinition("familyName", "The family name."), AttributeDefinition("givenName", "The given name."),
          AttributeDefinition("initials", "The initials of the names between the two."),
        ]),
      AttributeDefinition("description", "What the contact is for."),
      AttributeDefinition("title", "The contact's position, such as Vice President."),
      AttributeDefinition("department", "The department's name."),
      AttributeDefinition("organization", "The name of the organisation that the contact belongs to."),
      AttributeDefinition("office", "The name of the office."),
      AttributeDefinition("webPage", "The address of the contact's web page."),
      .emails, .phoneNumbers, .addresses,
      AttributeDefinition("targetAddress", "Where mail to the contact is sent on to, with its protocol's prefix."),
      AttributeDefinition(
        "manager", .complex, "The contact's manager.",
        subAttributes: [
          AttributeDefinition("value", "The id of the manager's resource."),
          AttributeDefinition(
            "$ref", .reference, "The URI of the manager's resource.", referenceTypes: ["User", "Contact"]),
          // Not by default: strict clients hold an answer against what they wrote.
          AttributeDefinition(
            "displayName", "The manager's displayName.", mutability: .readOnly, returned: .request),
        ]),
    ] + AttributeDefinition.recipient)
}

extension ResourceTypeDefinition {
  package static let contact = ResourceTypeDefinition(
    name: "Contact", endpoint: "/Contacts", description: "Contact", schema: .contact)
}
