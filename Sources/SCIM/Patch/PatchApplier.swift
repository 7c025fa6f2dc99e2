// SPDX-License-Identifier: Apache-2.0

/// Applies PATCH requests to normalised resources (RFC 7644 3.5.2). Values semantics make it atomic: the caller's
/// resource is untouched when an operation fails.
///
/// What clients in the field need beyond the text: names with dots, brackets and URIs as members of a value without path;
/// `remove` with a value, which removes only the listed values; `add` to `emails[type eq "work"].value` where there
/// is no such address yet, which makes one; a removal that finds nothing succeeds, so that repeating one is harmless.
package struct PatchApplier: Sendable {
  package let resourceType: ResourceTypeDefinition
  private let normalizer: AttributeNormalizer

  package init(
    _ resourceType: ResourceTypeDefinition, unknownAttributes: AttributeNormalizer.UnknownAttributes = .ignored
  ) {
    self.resourceType = resourceType
    normalizer = AttributeNormalizer(unknownAttributes: unknownAttributes)
  }

  /// - Returns: the changed resource; equal to `resource` when nothing changed.
  /// - Throws: 400 `invalidPath`, `invalidFilter`, `invalidValue`, `noTarget`, `mutability`.
  package func apply(_ request: PatchRequest, to resource: SCIMResource) throws(SCIMError) -> SCIMResource {
    var result = resource
    for operation in request.operations {
      if let path = operation.path {
        try apply(operation.kind, path, operation.value, to: &result, isLenient: false)
      } else {
        try applyWithoutPath(operation.kind, operation.value, to: &result)
      }
    }
    try ResourceNormalizer(resourceType).finish(&result)
    return result
  }

  /// The value's members are the targets. What the service alone writes (`id`, `meta`, `schemas`) is passed over there.
  private func applyWithoutPath(
    _ kind: PatchOperation.Kind, _ value: JSONValue?, to resource: inout SCIMResource
  ) throws(SCIMError) {
    for member in value?.object?.members ?? [] where !SCIMText.namesMatch(member.name, "schemas") {
      let path = try PatchPath.parse(member.name)
      try apply(kind, path, member.value, to: &resource, isLenient: true)
    }
  }

  private func apply(
    _ kind: PatchOperation.Kind, _ path: PatchPath, _ value: JSONValue?, to resource: inout SCIMResource,
    isLenient: Bool
  ) throws(SCIMError) {
    switch resourceType.resolve(path.attribute) {
    case .schemaExtension(let schema)?:
      guard path.filter == nil else { throw .invalidPath("\(path.attribute) is an extension and takes no filter.") }
      try applyToExtension(kind, schema, value, in: &resource)
    case .attribute(var attribute)?:
      if let name = path.subAttribute {
        guard let sub = attribute.definition.subAttribute(named: name) else {
          throw .invalidPath("\(attribute.definition.name) has no sub-attribute \(name).")
        }
        attribute = attribute.withSubAttribute(sub)
      }
      guard attribute.definition.mutability != .readOnly, attribute.leaf.mutability != .readOnly else {
        if isLenient { return }
        throw .mutability("\(path) is read-only.")
      }
      guard attribute.definition.name != CommonAttributes.schemas.name || attribute.container != nil else {
        // Follows from the extensions in use; stating it again does no harm.
        return
      }
      var object = attribute.container.map { resource.attributes[$0]?.object ?? JSONObject() } ?? resource.attributes
      let target = PatchTarget(attribute: attribute, filter: path.filter, path: path.description)
      object[attribute.definition.name] = try target.apply(
        kind, value, to: object[attribute.definition.name], normalizer)
      if let container = attribute.container {
        resource.attributes[container] = object.isEmpty ? nil : .object(object)
      } else {
        resource.attributes = object
      }
    case nil:
      if isLenient, normalizer.unknownAttributes == .ignored { return }
      throw .invalidPath("\(resourceType.name) has no attribute \(path.attribute).")
    }
  }

  private func applyToExtension(
    _ kind: PatchOperation.Kind, _ schema: SchemaDefinition, _ value: JSONValue?, in resource: inout SCIMResource
  ) throws(SCIMError) {
    if kind == .remove || value?.isUnassigned ?? true {
      guard kind != .add else { return }
      var object = resource.attributes[schema.id]?.object ?? JSONObject()
      for definition in schema.attributes where definition.mutability != .readOnly { object[definition.name] = nil }
      resource.attributes[schema.id] = object.isEmpty ? nil : .object(object)
      return
    }
    guard let value = value?.object else { throw .invalidValue("\(schema.id) must be an object.") }
    for member in value.members {
      guard let attribute = AttributePath("\(schema.id):\(member.name)") else {
        throw .invalidPath("\(member.name.prefix(64)) is not an attribute's name.")
      }
      try apply(kind, PatchPath(attribute: attribute), member.value, to: &resource, isLenient: true)
    }
  }
}
