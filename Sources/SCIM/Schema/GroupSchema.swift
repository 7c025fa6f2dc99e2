// SPDX-License-Identifier: Apache-2.0

extension SchemaDefinition {
  /// Group (RFC 7643 4.2 and 8.7.1).
  ///
  /// `displayName` is required, as the text of 4.2 demands; the JSON in 8.7.1 says otherwise.
  /// Members may be of every resource type; 4.2 knows two of them only.
  package static let group = SchemaDefinition(
    id: SCIMURI.group, name: "Group", description: "Group",
    attributes: [
      AttributeDefinition("displayName", "The group's name for people.", required: true),
      AttributeDefinition(
        "members", .complex, "The members of the group.", multiValued: true,
        subAttributes: [
          AttributeDefinition("value", "The id of the member's resource.", mutability: .immutable),
          AttributeDefinition(
            "$ref", .reference, "The URI of the member's resource.", mutability: .immutable,
            referenceTypes: memberTypes),
          AttributeDefinition(
            "type", "The member's kind.", mutability: .immutable, canonicalValues: memberTypes),
          // Not in 8.7.1 but in 4.2; not by default, as strict clients hold an answer against what they wrote.
          AttributeDefinition("display", "The member's name.", mutability: .readOnly, returned: .request),
        ]),
    ])

  private static let memberTypes = ["User", "Group", "Contact", "Device"]
}
