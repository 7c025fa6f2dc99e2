// SPDX-License-Identifier: Apache-2.0

/// Which attributes an answer has (RFC 7644 3.9): the `returned` characteristic, `attributes` and `excludedAttributes`.
package struct Projection: Sendable, Hashable {
  private enum Selection: Sendable, Hashable {
    case everything
    case only
    case except
  }

  private struct Key: Sendable, Hashable {
    /// The extension's URI; empty for core attributes.
    var container: String
    var attribute: String
  }

  private let resourceType: ResourceTypeDefinition
  /// Every attribute by the place of its value: looked up for each member of each resource.
  private let definitions: [Key: AttributeDefinition]
  private var selection = Selection.everything
  /// Named as a whole.
  private var whole: Set<Key> = []
  /// Named by some of their sub-attributes.
  private var parts: [Key: Set<String>] = [:]

  /// - Parameters:
  ///   - attributes: names as the client wrote them; unknown ones are ignored.
  ///   - excluded: likewise; not looked at when `attributes` names any.
  /// - Throws: 400 `invalidValue` when both are given.
  package init(
    _ resourceType: ResourceTypeDefinition, attributes: [String] = [], excluded: [String] = []
  ) throws(SCIMError) {
    guard attributes.isEmpty || excluded.isEmpty else {
      throw .invalidValue("attributes and excludedAttributes exclude each other.")
    }
    self.init(all: resourceType)
    if !attributes.isEmpty {
      selection = .only
      name(attributes)
    } else if !excluded.isEmpty {
      selection = .except
      name(excluded)
    }
  }

  /// Everything that is returned by default.
  package init(all resourceType: ResourceTypeDefinition) {
    self.resourceType = resourceType
    var definitions: [Key: AttributeDefinition] = [:]
    for definition in CommonAttributes.all + resourceType.schema.attributes {
      definitions[Key(container: "", attribute: definition.name)] = definition
    }
    for schema in resourceType.extensions.map(\.schema) {
      for definition in schema.attributes {
        definitions[Key(container: schema.id, attribute: definition.name)] = definition
      }
    }
    self.definitions = definitions
  }

  private mutating func name(_ names: [String]) {
    for text in names {
      if SCIMText.namesMatch(text, resourceType.schema.id) {
        for definition in resourceType.schema.attributes {
          whole.insert(Key(container: "", attribute: definition.name))
        }
        continue
      }
      guard let path = AttributePath(text) else { continue }
      switch resourceType.resolve(path) {
      case .attribute(let attribute)?:
        let key = Key(container: attribute.container ?? "", attribute: attribute.definition.name)
        if let sub = attribute.subDefinition {
          parts[key, default: []].insert(sub.name)
        } else {
          whole.insert(key)
        }
      case .schemaExtension(let schema)?:
        for definition in schema.attributes { whole.insert(Key(container: schema.id, attribute: definition.name)) }
      case nil: break
      }
    }
  }

  /// Whether a core attribute can appear in an answer, so that what is costly need not be loaded in vain.
  package func includes(_ name: String) -> Bool {
    guard
      let definition = resourceType.schema.attribute(named: name)
        ?? CommonAttributes.all.first(where: { SCIMText.namesMatch($0.name, name) })
    else { return false }
    return isReturned(definition, Key(container: "", attribute: definition.name))
  }

  private func isReturned(_ definition: AttributeDefinition, _ key: Key) -> Bool {
    let isNamed = whole.contains(key) || parts[key] != nil
    switch (definition.returned, selection) {
    case (.always, _): return true
    case (.never, _): return false
    case (.request, _): return selection == .only && isNamed
    case (.default, .everything): return true
    case (.default, .only): return isNamed
    case (.default, .except): return !whole.contains(key)
    }
  }

  /// - Parameter resource: normalised, with `id` and `meta`.
  package func apply(to resource: SCIMResource) -> SCIMResource {
    var members: [JSONObject.Member] = []
    for member in resource.attributes.members {
      if resourceType.extensions.contains(where: { $0.schema.id == member.name }) {
        guard let object = member.value.object else { continue }
        let kept = object.members.compactMap { project($0, container: member.name) }
        if !kept.isEmpty {
          members.append(JSONObject.Member(name: member.name, value: .object(JSONObject(distinct: kept))))
        }
      } else if let kept = project(member, container: "") {
        members.append(kept)
      }
    }
    return SCIMResource(JSONObject(distinct: members))
  }

  private func project(_ member: JSONObject.Member, container: String) -> JSONObject.Member? {
    let key = Key(container: container, attribute: member.name)
    guard let definition = definitions[key], isReturned(definition, key) else { return nil }
    guard definition.type == .complex else { return member }
    let value = project(member.value, definition, key)
    return value.isUnassigned ? nil : JSONObject.Member(name: member.name, value: value)
  }

  /// The sub-attributes of a complex value that are returned.
  private func project(_ value: JSONValue, _ definition: AttributeDefinition, _ key: Key) -> JSONValue {
    let named = parts[key] ?? []
    let isWhole = whole.contains(key)
    func keeps(_ sub: AttributeDefinition) -> Bool {
      switch (sub.returned, selection) {
      case (.always, _): true
      case (.never, _): false
      case (.request, _): selection == .only && named.contains(sub.name)
      case (.default, .everything): true
      case (.default, .only): isWhole || named.contains(sub.name) || definition.returned == .always
      case (.default, .except): !named.contains(sub.name)
      }
    }
    if named.isEmpty, definition.subAttributes.allSatisfy({ $0.returned == .default }) { return value }
    func strip(_ element: JSONValue) -> JSONValue {
      guard let object = element.object else { return element }
      return .object(
        JSONObject(
          distinct: object.members.filter { member in
            definition.subAttributes.first { $0.name == member.name }.map(keeps) ?? false
          }))
    }
    switch value {
    case .array(let elements): return .array(elements.map(strip).filter { !$0.isUnassigned })
    default: return strip(value)
    }
  }
}
