// SPDX-License-Identifier: Apache-2.0

/// A resource (RFC 7643 3): a JSON object with `schemas`, `id`, `externalId` and `meta`.
package struct SCIMResource: Sendable, Hashable {
  package var attributes: JSONObject

  package init(_ attributes: JSONObject) { self.attributes = attributes }

  /// A resource of the given schemas, otherwise empty.
  package init(schemas: [String]) {
    attributes = ["schemas": .array(schemas.map(JSONValue.string))]
  }

  package var json: JSONValue { .object(attributes) }

  package var schemas: [String] {
    get { attributes["schemas"]?.array?.compactMap(\.string) ?? [] }
    set { attributes["schemas"] = .array(newValue.map(JSONValue.string)) }
  }
  package var id: String? {
    get { attributes["id"]?.string }
    set { attributes["id"] = newValue.map(JSONValue.string) }
  }
  package var externalId: String? {
    get { attributes["externalId"]?.string }
    set { attributes["externalId"] = newValue.map(JSONValue.string) }
  }
  package var meta: SCIMMeta? {
    get { attributes["meta"]?.object.map(SCIMMeta.init) }
    set { attributes["meta"] = newValue?.json }
  }

  /// A text at `name`, or at `name.subName`; setting nil removes it and what it leaves empty.
  package subscript(_ name: String, _ subName: String? = nil) -> String? {
    get {
      guard let subName else { return attributes[name]?.string }
      return attributes[name]?.object?[subName]?.string
    }
    set {
      guard let subName else {
        attributes[name] = newValue.map(JSONValue.string)
        return
      }
      var object = attributes[name]?.object ?? JSONObject()
      object[subName] = newValue.map(JSONValue.string)
      attributes[name] = object.isEmpty ? nil : .object(object)
    }
  }

  /// Adds `uri` to `schemas` unless it is there.
  package mutating func declare(_ uri: String) {
    if !schemas.contains(where: { SCIMText.namesMatch($0, uri) }) { schemas.append(uri) }
  }
}

/// The metadata of a resource (RFC 7643 3.1).
package struct SCIMMeta: Sendable, Hashable {
  package var resourceType: String?
  /// xsd:dateTime, as `SCIMDateTime` reads and writes it.
  package var created: String?
  package var lastModified: String?
  package var location: String?
  /// The entity tag, for example `W/"5"`.
  package var version: String?

  package init(
    resourceType: String? = nil, created: String? = nil, lastModified: String? = nil, location: String? = nil,
    version: String? = nil
  ) {
    self.resourceType = resourceType
    self.created = created
    self.lastModified = lastModified
    self.location = location
    self.version = version
  }

  package init(_ object: JSONObject) {
    resourceType = object["resourceType"]?.string
    created = object["created"]?.string
    lastModified = object["lastModified"]?.string
    location = object["location"]?.string
    version = object["version"]?.string
  }

  package var json: JSONValue {
    var object = JSONObject()
    object["resourceType"] = resourceType.map(JSONValue.string)
    object["created"] = created.map(JSONValue.string)
    object["lastModified"] = lastModified.map(JSONValue.string)
    object["location"] = location.map(JSONValue.string)
    object["version"] = version.map(JSONValue.string)
    return .object(object)
  }
}
