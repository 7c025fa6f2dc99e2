// SPDX-License-Identifier: Apache-2.0

/// A schema (RFC 7643 7): a URI and its attributes.
package struct SchemaDefinition: Sendable, Hashable {
  package var id: String
  package var name: String
  package var description: String
  package var attributes: [AttributeDefinition]

  package init(id: String, name: String, description: String, attributes: [AttributeDefinition]) {
    self.id = id
    self.name = name
    self.description = description
    self.attributes = attributes
  }

  package func attribute(named name: String) -> AttributeDefinition? {
    attributes.first { SCIMText.namesMatch($0.name, name) }
  }

  /// The resource that `/Schemas/{id}` answers with.
  ///
  /// - Parameter baseURI: of the service, without a trailing slash.
  package func resource(baseURI: String) -> SCIMResource {
    var resource = SCIMResource([
      "schemas": [.string(SCIMURI.schema)], "id": .string(id), "name": .string(name),
      "description": .string(description), "attributes": .array(attributes.map(\.json)),
    ])
    resource.meta = SCIMMeta(resourceType: "Schema", location: "\(baseURI)/Schemas/\(id)")
    return resource
  }

  /// What `/Schemas` lists: the resource schemas and those of discovery itself.
  package static let all: [SchemaDefinition] = [
    .user, .group, .enterpriseUser, .onPremisesUser, .onPremisesGroup, .contact, .device, .serviceProviderConfig,
    .resourceType, .schema,
  ]
}

/// The attributes that every resource has (RFC 7643 3.1), which no schema lists.
enum CommonAttributes {
  static let schemas = AttributeDefinition(
    "schemas", .reference, "URIs of the schemas that the resource has attributes of.", multiValued: true,
    required: true, returned: .always, referenceTypes: ["uri"])
  static let id = AttributeDefinition(
    "id", "The identifier that the service gave the resource.", caseExact: true, mutability: .readOnly,
    returned: .always, uniqueness: .server)
  static let externalId = AttributeDefinition(
    "externalId", "The identifier that the client knows the resource by.", caseExact: true)
  static let meta = AttributeDefinition(
    "meta", .complex, "What the service knows about the resource itself.", mutability: .readOnly,
    subAttributes: [
      AttributeDefinition("resourceType", "The resource type's name.", caseExact: true, mutability: .readOnly),
      AttributeDefinition("created", .dateTime, "When the resource was created.", mutability: .readOnly),
      AttributeDefinition("lastModified", .dateTime, "When the resource was last changed.", mutability: .readOnly),
      AttributeDefinition(
        "location", .reference, "The URI of the resource.", mutability: .readOnly, referenceTypes: ["uri"]),
      AttributeDefinition("version", "The entity tag.", caseExact: true, mutability: .readOnly),
    ])

  static let all = [schemas, id, externalId, meta]
}

extension AttributeDefinition {
  /// For strings, which are most attributes.
  init(
    _ name: String, _ description: String, required: Bool = false, caseExact: Bool = false,
    mutability: Mutability = .readWrite, returned: Returned = .default, uniqueness: Uniqueness = .none,
    canonicalValues: [String] = []
  ) {
    self.init(
      name, .string, description, required: required, caseExact: caseExact, mutability: mutability,
      returned: returned, uniqueness: uniqueness, canonicalValues: canonicalValues)
  }

  /// A multi-valued complex attribute with the standard sub-attributes (RFC 7643 2.4).
  static func values(
    _ name: String, _ description: String, of value: AttributeDefinition, types: [String] = [],
    mutability: Mutability = .readWrite
  ) -> AttributeDefinition {
    AttributeDefinition(
      name, .complex, description, multiValued: true, mutability: mutability,
      subAttributes: [
        value,
        AttributeDefinition("display", "A name of the value for people."),
        AttributeDefinition("type", "What the value is used for.", canonicalValues: types),
        AttributeDefinition("primary", .boolean, "Whether this is the preferred value; at most one is."),
      ])
  }
}
