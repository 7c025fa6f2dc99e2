// SPDX-License-Identifier: Apache-2.0

package import IdentityModel

// MARK: To SCIM

extension SCIMForm {
  /// A new resource of an object with these attributes; references are told by changes of their own.
  package func resource(externalId: String?, _ attributes: Attributes) -> SCIMResource {
    var resource = SCIMResource(schemas: [type.schema.id])
    resource.externalId = externalId
    for field in fields { field.path.set(field.value(attributes), in: &resource) }
    return resource
  }

  /// - Parameters:
  ///   - changed: the names of the attributes that differ.
  ///   - attributes: all that the object shall have; an attribute that it lacks is removed.
  package func operations(changed: Set<String>, _ attributes: Attributes) throws(SCIMError) -> [PatchOperation] {
    try fields.filter { field in field.names.contains { changed.contains($0) } }.map { field throws(SCIMError) in
      try field.path.operation(field.value(attributes))
    }
  }
}

extension SCIMFieldPath {
  /// Gives the place this value; nil removes what is there.
  package func operation(_ value: JSONValue?) throws(SCIMError) -> PatchOperation {
    PatchOperation(value == nil ? .remove : .replace, try PatchPath.parse(text), value)
  }
}

// MARK: From SCIM

extension SCIMForm {
  package func attributes(of resource: SCIMResource) -> Attributes {
    var attributes = Attributes()
    for field in fields {
      if let value = field.path.value(in: resource) { field.read(value, &attributes) }
    }
    return attributes
  }

  /// The identifiers of the resources that a resource refers to, by attribute.
  package func references(of resource: SCIMResource) -> [String: [String]] {
    links.mapValues { path in
      let value = path.value(in: resource)
      return (value?.array ?? [value].compactMap { $0 }).compactMap { GroupMember($0)?.value }
    }
  }
}

extension SCIMResource {
  /// SCIM has no vocabulary for roles (RFC 7643 4.1.2): those that call themselves administrative or privileged, and
  /// accounts that are marked as the cloud's own.
  package var isPrivileged: Bool {
    ["roles", "entitlements"].contains { name in
      (attributes[name]?.array ?? []).contains { value in
        let texts = value.object.map { object in ["value", "display", "type"].compactMap { object[$0]?.string } }
        return (texts ?? [value.string].compactMap { $0 }).contains { text in
          let folded = text.lowercased()
          return ["admin", "privileged", "cloud-only", "cloudonly"].contains { folded.contains($0) }
        }
      }
    }
  }
}
