// SPDX-License-Identifier: Apache-2.0

/// Checks a client's representation of a resource against its type and brings it into the form in which it is stored
/// (RFC 7643 2, RFC 7644 3.3 and 3.5.1): canonical names, only assigned and writable attributes, `schemas` complete.
package struct ResourceNormalizer: Sendable {
  package let resourceType: ResourceTypeDefinition
  private let attributes: AttributeNormalizer

  package init(
    _ resourceType: ResourceTypeDefinition, unknownAttributes: AttributeNormalizer.UnknownAttributes = .ignored
  ) {
    self.resourceType = resourceType
    attributes = AttributeNormalizer(unknownAttributes: unknownAttributes)
  }

  /// For POST. The result has no `id` and no `meta`: what only the service may write is ignored.
  ///
  /// - Throws: 400 `invalidSyntax` for a message that is no resource of this type, `invalidValue` for values of a wrong
  ///   type, several primaries and missing required attributes.
  package func create(_ value: JSONValue) throws(SCIMError) -> SCIMResource {
    guard let object = value.object else { throw .invalidSyntax("A \(resourceType.name) must be an object.") }
    try checkSchemas(object)
    // Extensions apart: their names are URIs.
    var own: [JSONObject.Member] = []
    var extensions: [(schema: SchemaDefinition, value: JSONValue)] = []
    for member in object.members {
      if let found = resourceType.extensions.first(where: { SCIMText.namesMatch($0.schema.id, member.name) }) {
        guard !extensions.contains(where: { $0.schema.id == found.schema.id }) else {
          throw .invalidSyntax("\(found.schema.id) is given twice.")
        }
        extensions.append((found.schema, member.value))
      } else if !SCIMText.namesMatch(member.name, "schemas") {
        own.append(member)
      }
    }
    let definitions =
      resourceType.schema.attributes + [CommonAttributes.externalId, CommonAttributes.id, CommonAttributes.meta]
    let normalized = try attributes.normalize(JSONObject(distinct: own), of: definitions, path: nil)
    var resource = SCIMResource(schemas: [resourceType.schema.id])
    for member in normalized.members { resource.attributes[member.name] = member.value }
    for (schema, value) in extensions where !value.isUnassigned {
      guard let object = value.object else { throw .invalidValue("\(schema.id) must be an object, not \(value.kind).") }
      let normalized = try attributes.normalize(object, of: schema.attributes, path: schema.id)
      if !normalized.isEmpty { resource.attributes[schema.id] = .object(normalized) }
    }
    try finish(&resource)
    return resource
  }

  /// For PUT: the client's representation takes the existing one's place, except for what the client cannot write
  /// (read-only) or see (write-only, unless given anew).
  ///
  /// - Throws: as `create`, and 400 `mutability` when an immutable attribute would change.
  package func replace(_ value: JSONValue, existing: SCIMResource) throws(SCIMError) -> SCIMResource {
    var resource = try create(value)
    for definition in resourceType.schema.attributes + CommonAttributes.all where definition.name != "schemas" {
      resource.attributes[definition.name] = try Self.merge(
        resource.attributes[definition.name], over: existing.attributes[definition.name], definition, definition.name)
    }
    for entry in resourceType.extensions {
      let old = existing.attributes[entry.schema.id]?.object ?? JSONObject()
      var new = resource.attributes[entry.schema.id]?.object ?? JSONObject()
      for definition in entry.schema.attributes {
        new[definition.name] = try Self.merge(
          new[definition.name], over: old[definition.name], definition, "\(entry.schema.id):\(definition.name)")
      }
      resource.attributes[entry.schema.id] = new.isEmpty ? nil : .object(new)
    }
    try finish(&resource)
    return resource
  }

  private static func merge(
    _ new: JSONValue?, over old: JSONValue?, _ definition: AttributeDefinition, _ path: String
  ) throws(SCIMError) -> JSONValue? {
    switch definition.mutability {
    case .readWrite: return new
    case .readOnly: return old
    case .writeOnly: return new ?? old
    case .immutable:
      guard let old, let new, new != old else { return new ?? old }
      throw .mutability("\(path) cannot be changed once it is set.")
    }
  }

  private func checkSchemas(_ object: JSONObject) throws(SCIMError) {
    guard let schemas = object.value(named: "schemas")?.array else {
      throw .invalidSyntax("A \(resourceType.name) must have the array \"schemas\".")
    }
    var isOfType = false
    for schema in schemas {
      guard let uri = schema.string else { throw .invalidSyntax("\"schemas\" must hold strings only.") }
      if SCIMText.namesMatch(uri, resourceType.schema.id) {
        isOfType = true
      } else if resourceType.schema(of: uri) == nil, attributes.unknownAttributes == .refused {
        throw .invalidSyntax("\(resourceType.name) has no extension \(uri).")
      }
    }
    guard isOfType else { throw .invalidSyntax("\"schemas\" must contain \(resourceType.schema.id).") }
  }

  /// Completes a resource whose attributes are normalised: required attributes are there, `schemas` names what is used.
  ///
  /// - Throws: 400 `invalidValue` when a required attribute is missing.
  func finish(_ resource: inout SCIMResource) throws(SCIMError) {
    resource.schemas = [resourceType.schema.id]
    try Self.checkRequired(resourceType.schema.attributes, in: resource.attributes, path: nil)
    for entry in resourceType.extensions {
      guard let object = resource.attributes[entry.schema.id]?.object else {
        guard !entry.required else { throw .invalidValue("The extension \(entry.schema.id) is required.") }
        continue
      }
      try Self.checkRequired(entry.schema.attributes, in: object, path: entry.schema.id)
      resource.declare(entry.schema.id)
    }
  }

  private static func checkRequired(
    _ definitions: [AttributeDefinition], in object: JSONObject, path: String?
  ) throws(SCIMError) {
    for definition in definitions where definition.mutability != .readOnly {
      let value = object[definition.name]
      if definition.required, value?.isUnassigned ?? true || value == .string("") {
        throw .invalidValue("\(AttributeNormalizer.join(path, definition.name)) is required.")
      }
      guard definition.type == .complex, let value else { continue }
      for element in value.array ?? [value] {
        guard let object = element.object else { continue }
        try checkRequired(
          definition.subAttributes, in: object, path: AttributeNormalizer.join(path, definition.name))
      }
    }
  }
}
