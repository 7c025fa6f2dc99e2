// SPDX-License-Identifier: Apache-2.0

// The schemas of the discovery resources (RFC 7643 8.7.2): everything in them is read-only.

private func text(_ name: String, _ description: String, required: Bool = true) -> AttributeDefinition {
  AttributeDefinition(name, description, required: required, mutability: .readOnly)
}

private func exact(
  _ name: String, _ description: String, required: Bool = false, canonicalValues: [String] = []
) -> AttributeDefinition {
  AttributeDefinition(
    name, description, required: required, caseExact: true, mutability: .readOnly, canonicalValues: canonicalValues)
}

private func flag(_ name: String, _ description: String) -> AttributeDefinition {
  AttributeDefinition(name, .boolean, description, required: true, mutability: .readOnly)
}

private func link(
  _ name: String, _ description: String, required: Bool = false, types: [String] = ["external"]
) -> AttributeDefinition {
  AttributeDefinition(
    name, .reference, description, required: required, mutability: .readOnly, referenceTypes: types)
}

private func complex(
  _ name: String, _ description: String, multiValued: Bool = false, required: Bool = true,
  _ subAttributes: [AttributeDefinition]
) -> AttributeDefinition {
  AttributeDefinition(
    name, .complex, description, multiValued: multiValued, required: required, mutability: .readOnly,
    subAttributes: subAttributes)
}

private func number(_ name: String, _ description: String) -> AttributeDefinition {
  AttributeDefinition(name, .integer, description, required: true, mutability: .readOnly)
}

extension SchemaDefinition {
  package static let serviceProviderConfig: SchemaDefinition = {
    let supported = flag("supported", "Whether the operation is supported.")
    return SchemaDefinition(
      id: SCIMURI.serviceProviderConfig, name: "ServiceProviderConfig",
      description: "What the service provider supports",
      attributes: [
        link("documentationUri", "Where the service's documentation is."),
        complex("patch", "PATCH.", [supported]),
        complex(
          "bulk", "Bulk requests.",
          [
            supported, number("maxOperations", "The most operations in one request."),
            number("maxPayloadSize", "The most bytes in one request."),
          ]),
        complex("filter", "Filters.", [supported, number("maxResults", "The most resources in one answer.")]),
        complex("changePassword", "Changing passwords.", [supported]),
        complex("sort", "Sorted results.", [supported]),
        complex("etag", "Entity tags.", [supported]),
        complex(
          "authenticationSchemes", "How clients authenticate.", multiValued: true,
          [
            exact(
              "type", "The scheme.", required: true,
              canonicalValues: ["oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest"]),
            text("name", "The scheme's name for people."), text("description", "What the scheme is."),
            link("specUri", "The scheme's specification."), link("documentationUri", "How to use it here."),
            AttributeDefinition("primary", .boolean, "Whether it is the preferred scheme.", mutability: .readOnly),
          ]),
      ])
  }()

  package static let resourceType = SchemaDefinition(
    id: SCIMURI.resourceType, name: "ResourceType", description: "The kinds of resources",
    attributes: [
      text("id", "The resource type's identifier.", required: false), text("name", "The resource type's name."),
      text("description", "What the resources are.", required: false),
      link("endpoint", "The path of the resources below the base URI.", required: true, types: ["uri"]),
      link("schema", "The URI of the resources' schema.", required: true, types: ["uri"]),
      complex(
        "schemaExtensions", "The extensions of the schema.", multiValued: true, required: false,
        [
          link("schema", "The URI of the extension's schema.", required: true, types: ["uri"]),
          flag("required", "Whether every resource must have the extension."),
        ]),
    ])

  package static let schema: SchemaDefinition = {
    func characteristics(_ subAttributes: [AttributeDefinition]) -> [AttributeDefinition] {
      let types = ["string", "complex", "boolean", "decimal", "integer", "dateTime", "reference", "binary"]
      return [
        exact("name", "The attribute's name.", required: true),
        exact("type", "The attribute's data type.", required: true, canonicalValues: types),
        flag("multiValued", "Whether it holds several values."),
        text("description", "What it is for.", required: false),
        AttributeDefinition("required", .boolean, "Whether it must have a value.", mutability: .readOnly),
        AttributeDefinition(
          "canonicalValues", .string, "Suggested values.", multiValued: true, caseExact: true, mutability: .readOnly),
        AttributeDefinition("caseExact", .boolean, "Whether case matters.", mutability: .readOnly),
        exact(
          "mutability", "Whether it can be changed.",
          canonicalValues: ["readOnly", "readWrite", "immutable", "writeOnly"]),
        exact("returned", "When it is returned.", canonicalValues: ["always", "never", "default", "request"]),
        exact("uniqueness", "How unique values are.", canonicalValues: ["none", "server", "global"]),
        AttributeDefinition(
          "referenceTypes", .string, "What the references point to.", multiValued: true, caseExact: true,
          mutability: .readOnly),
      ] + subAttributes
    }
    return SchemaDefinition(
      id: SCIMURI.schema, name: "Schema", description: "The attributes of resources",
      attributes: [
        text("id", "The schema's URI."), text("name", "The schema's name."),
        text("description", "What the schema is for.", required: false),
        complex(
          "attributes", "The attributes.", multiValued: true,
          characteristics([
            complex("subAttributes", "The sub-attributes.", multiValued: true, required: false, characteristics([]))
          ])),
      ])
  }()
}
