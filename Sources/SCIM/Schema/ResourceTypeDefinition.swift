// SPDX-License-Identifier: Apache-2.0

/// A kind of resource: its endpoint, its core schema and its extensions (RFC 7643 6).
package struct ResourceTypeDefinition: Sendable, Hashable {
  package struct Extension: Sendable, Hashable {
    package var schema: SchemaDefinition
    package var required: Bool

    package init(_ schema: SchemaDefinition, required: Bool = false) {
      self.schema = schema
      self.required = required
    }
  }

  package var name: String
  /// Relative to the base URI, for example `/Users`.
  package var endpoint: String
  package var description: String
  package var schema: SchemaDefinition
  package var extensions: [Extension]

  package init(
    name: String, endpoint: String, description: String, schema: SchemaDefinition, extensions: [Extension] = []
  ) {
    self.name = name
    self.endpoint = endpoint
    self.description = description
    self.schema = schema
    self.extensions = extensions
  }

  package static let user = ResourceTypeDefinition(
    name: "User", endpoint: "/Users", description: "User Account", schema: .user,
    extensions: [Extension(.enterpriseUser), Extension(.onPremisesUser)])
  package static let group = ResourceTypeDefinition(
    name: "Group", endpoint: "/Groups", description: "Group", schema: .group,
    extensions: [Extension(.onPremisesGroup)])

  /// The schema of this URI if it is the core schema or an extension of it.
  func schema(of uri: String) -> SchemaDefinition? {
    if SCIMText.namesMatch(schema.id, uri) { return schema }
    return extensions.first { SCIMText.namesMatch($0.schema.id, uri) }?.schema
  }

  /// The resource that `/ResourceTypes/{name}` answers with.
  ///
  /// - Parameter baseURI: of the service, without a trailing slash.
  package func resource(baseURI: String) -> SCIMResource {
    var resource = SCIMResource([
      "schemas": [.string(SCIMURI.resourceType)], "id": .string(name), "name": .string(name),
      "endpoint": .string(endpoint), "description": .string(description), "schema": .string(schema.id),
    ])
    if !extensions.isEmpty {
      resource.attributes["schemaExtensions"] = .array(
        extensions.map { ["schema": .string($0.schema.id), "required": .bool($0.required)] })
    }
    resource.meta = SCIMMeta(resourceType: "ResourceType", location: "\(baseURI)/ResourceTypes/\(name)")
    return resource
  }
}
