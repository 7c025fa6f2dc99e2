// SPDX-License-Identifier: Apache-2.0

/// An attribute's name as clients write it (RFC 7644 3.10): `userName`, `name.givenName`, `emails.value`,
/// `urn:…:enterprise:2.0:User:manager.value`.
package struct AttributePath: Sendable, Hashable, CustomStringConvertible {
  /// As it was written.
  package let text: String
  /// The schema URI before the name, if any.
  package let schema: String?
  package let attribute: String
  package let subAttribute: String?

  /// - Returns: nil when the text is not of the grammar's form.
  package init?(_ text: String) {
    guard text.utf8.count <= Self.maximumLength else { return nil }
    var rest = Substring(text)
    if SCIMText.hasPrefix(text, "urn:"), let colon = text.lastIndex(of: ":") {
      schema = String(text[..<colon])
      rest = text[text.index(after: colon)...]
    } else {
      schema = nil
    }
    let parts = rest.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, Self.isName(first) else { return nil }
    attribute = String(first)
    if parts.count == 2 {
      guard Self.isName(parts[1]) else { return nil }
      subAttribute = String(parts[1])
    } else {
      subAttribute = nil
    }
    self.text = text
  }

  /// Longer than any schema's URI with an attribute's name.
  static let maximumLength = 512

  package var description: String { text }

  // RFC 7643 2.1 begins names with a letter; extensions whose URI ends in a version ("…:2.0") need digits as well.
  private static func isName(_ text: Substring) -> Bool {
    !text.isEmpty
      && text.utf8.enumerated().allSatisfy { index, byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        case UInt8(ascii: "$"): index == 0
        case UInt8(ascii: "-"), UInt8(ascii: "_"): index > 0
        default: false
        }
      }
  }
}

/// An attribute found in a resource type, with where its value lies in the resource's JSON.
package struct ResolvedAttribute: Sendable, Hashable {
  /// The URI of the extension whose object holds the attribute; nil for core and common attributes.
  package let container: String?
  package let definition: AttributeDefinition
  package let subDefinition: AttributeDefinition?

  /// The attribute whose type the values have.
  package var leaf: AttributeDefinition { subDefinition ?? definition }

  /// The canonical spelling, for example `emails.value`; extension attributes carry their schema's URI.
  package var canonicalName: String {
    (container.map { $0 + ":" } ?? "") + definition.name + (subDefinition.map { "." + $0.name } ?? "")
  }

  /// The attribute's value in a normalised resource.
  func value(in resource: JSONObject) -> JSONValue? {
    guard let container else { return resource[definition.name] }
    return resource[container]?.object?[definition.name]
  }

  func withSubAttribute(_ definition: AttributeDefinition) -> ResolvedAttribute {
    ResolvedAttribute(container: container, definition: self.definition, subDefinition: definition)
  }
}

/// What a path names in a resource type.
package enum ResolvedPath: Sendable, Hashable {
  case attribute(ResolvedAttribute)
  /// A whole extension, named by its URI alone.
  case schemaExtension(SchemaDefinition)
}

extension ResourceTypeDefinition {
  /// - Returns: nil when the resource type has no such attribute.
  package func resolve(_ path: AttributePath) -> ResolvedPath? {
    if let whole = extensions.first(where: { SCIMText.namesMatch($0.schema.id, path.text) }) {
      return .schemaExtension(whole.schema)
    }
    let schema: SchemaDefinition
    if let uri = path.schema {
      guard let found = self.schema(of: uri) else { return nil }
      schema = found
    } else {
      schema = self.schema
    }
    let isCore = schema.id == self.schema.id
    var definition = schema.attribute(named: path.attribute)
    if definition == nil, isCore {
      definition = CommonAttributes.all.first { SCIMText.namesMatch($0.name, path.attribute) }
    }
    guard let definition else { return nil }
    var subDefinition: AttributeDefinition?
    if let name = path.subAttribute {
      guard let found = definition.subAttribute(named: name) else { return nil }
      subDefinition = found
    }
    return .attribute(
      ResolvedAttribute(
        container: isCore ? nil : schema.id, definition: definition, subDefinition: subDefinition))
  }
}
