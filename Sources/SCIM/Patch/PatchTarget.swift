// SPDX-License-Identifier: Apache-2.0

/// One attribute under one PATCH operation: from the attribute's old value to its new one.
struct PatchTarget {
  let attribute: ResolvedAttribute
  let filter: Filter?
  /// For error texts.
  let path: String

  private var definition: AttributeDefinition { attribute.definition }

  func apply(
    _ kind: PatchOperation.Kind, _ value: JSONValue?, to old: JSONValue?, _ normalizer: AttributeNormalizer
  ) throws(SCIMError) -> JSONValue? {
    if let filter {
      guard definition.multiValued else { throw .invalidPath("\(definition.name) has one value and takes no filter.") }
      return try applyToElements(kind, value, matching: filter, of: old, normalizer)
    }
    if let sub = attribute.subDefinition {
      return try applyToSubAttribute(sub, kind, value, of: old, normalizer)
    }
    switch kind {
    case .remove: return try remove(value, from: old, normalizer)
    case .replace:
      let new = try normalizer.normalize(value ?? .null, as: definition, path: path)
      if !definition.multiValued, definition.type == .complex, value?.isUnassigned == false {
        let object = try merge(value, new, into: old)
        return object.isEmpty ? nil : .object(object)
      }
      guard let new else { return try remove(nil, from: old, normalizer) }
      try checkImmutable(definition, old: old, new: new)
      return new
    case .add:
      guard let new = try normalizer.normalize(value ?? .null, as: definition, path: path) else { return old }
      guard definition.multiValued else {
        if definition.type == .complex { return .object(try merge(value, new, into: old)) }
        try checkImmutable(definition, old: old, new: new)
        return new
      }
      return try add(new.array ?? [], to: old?.array ?? [])
    }
  }

  // MARK: The whole attribute

  private func remove(
    _ value: JSONValue?, from old: JSONValue?, _ normalizer: AttributeNormalizer
  ) throws(SCIMError) -> JSONValue? {
    if let value, definition.multiValued,
      let listed = try normalizer.normalize(value, as: definition, path: path)?.array
    {
      let index = ElementIndex(listed)
      let rest = (old?.array ?? []).filter { !index.hasPart(of: $0) }
      return rest.isEmpty ? nil : .array(rest)
    }
    guard !definition.required else { throw .mutability("\(path) is required and cannot be removed.") }
    guard old == nil || definition.mutability != .immutable else { throw .mutability("\(path) cannot be changed.") }
    return nil
  }

  /// Sub-attributes that are not given stay (RFC 7644 3.5.2.3); those given as null go.
  private func merge(_ given: JSONValue?, _ new: JSONValue?, into old: JSONValue?) throws(SCIMError) -> JSONObject {
    var object = old?.object ?? JSONObject()
    for member in given?.object?.members ?? [] where member.value.isUnassigned {
      guard let sub = definition.subAttribute(named: member.name), sub.mutability != .readOnly else { continue }
      object[sub.name] = nil
    }
    for member in new?.object?.members ?? [] {
      if let sub = definition.subAttribute(named: member.name) {
        try checkImmutable(sub, old: object[member.name], new: member.value)
      }
      object[member.name] = member.value
    }
    return object
  }

  private func add(_ new: [JSONValue], to old: [JSONValue]) throws(SCIMError) -> JSONValue? {
    var elements = old
    var added: Set<Int> = []
    let index = ElementIndex(old)
    for element in new {
      if let place = index.place(of: element) {
        added.insert(place)
      } else {
        added.insert(elements.count)
        elements.append(element)
      }
    }
    return try settlePrimary(elements, preferred: added)
  }

  // MARK: A sub-attribute without filter

  private func applyToSubAttribute(
    _ sub: AttributeDefinition, _ kind: PatchOperation.Kind, _ value: JSONValue?, of old: JSONValue?,
    _ normalizer: AttributeNormalizer
  ) throws(SCIMError) -> JSONValue? {
    guard definition.multiValued else {
      let object = try set(sub, kind, value, in: old?.object ?? JSONObject(), normalizer)
      return object.isEmpty ? nil : .object(object)
    }
    // Every value has the sub-attribute, so every value is the target.
    var elements = old?.array ?? []
    if elements.isEmpty, kind != .remove { elements = [.object(JSONObject())] }
    return try update(elements, Array(elements.indices)) { element throws(SCIMError) in
      .object(try set(sub, kind, value, in: element.object ?? JSONObject(), normalizer))
    }
  }

  private func set(
    _ sub: AttributeDefinition, _ kind: PatchOperation.Kind, _ value: JSONValue?, in object: JSONObject,
    _ normalizer: AttributeNormalizer
  ) throws(SCIMError) -> JSONObject {
    var object = object
    let new = kind == .remove ? nil : try normalizer.normalize(value ?? .null, as: sub, path: path)
    if new == nil {
      if kind == .add { return object }
      guard !sub.required else { throw .mutability("\(path) is required and cannot be removed.") }
    }
    try checkImmutable(sub, old: object[sub.name], new: new)
    object[sub.name] = new
    return object
  }

  // MARK: Elements that a filter selects

  private func applyToElements(
    _ kind: PatchOperation.Kind, _ value: JSONValue?, matching filter: Filter, of old: JSONValue?,
    _ normalizer: AttributeNormalizer
  ) throws(SCIMError) -> JSONValue? {
    let compiler = FilterCompiler(resourceType: .user, unknownAttributes: .refused)
    let node = try compiler.compileElement(filter, of: definition)
    var elements = old?.array ?? []
    var selected = elements.indices.filter { CompiledFilter.matches(node, element: elements[$0]) }
    if selected.isEmpty {
      switch kind {
      case .remove: return old
      case .replace: throw .noTarget("No value of \(definition.name) matches the path \(path).")
      case .add:
        guard let seed = Self.seed(filter, definition) else {
          throw .noTarget("No value of \(definition.name) matches the path \(path).")
        }
        elements.append(.object(seed))
        selected = [elements.count - 1]
      }
    }
    guard let sub = attribute.subDefinition else {
      if kind == .remove {
        let dropped = Set(selected)
        let rest = elements.indices.filter { !dropped.contains($0) }.map { elements[$0] }
        return rest.isEmpty ? nil : .array(rest)
      }
      return try update(elements, selected) { element throws(SCIMError) in
        try replaceElement(element, kind, value, normalizer)
      }
    }
    return try update(elements, selected) { element throws(SCIMError) in
      guard let object = element.object else { throw .invalidPath("\(definition.name) has no sub-attributes.") }
      return .object(try set(sub, kind, value, in: object, normalizer))
    }
  }

  private func replaceElement(
    _ element: JSONValue, _ kind: PatchOperation.Kind, _ value: JSONValue?, _ normalizer: AttributeNormalizer
  ) throws(SCIMError) -> JSONValue {
    var single = definition
    single.multiValued = false
    // A value in an array of one is the value.
    var given = value
    if let array = value?.array, array.count == 1 { given = array[0] }
    guard let new = try normalizer.normalize(given ?? .null, as: single, path: path) else {
      throw .invalidValue("\(path) needs a value.")
    }
    guard let object = new.object else { return new }
    if kind == .add { return .object(try merge(given, new, into: element)) }
    for sub in definition.subAttributes {
      try checkImmutable(sub, old: element.object?[sub.name], new: object[sub.name])
    }
    return new
  }

  /// The element that `emails[type eq "work"]` describes; nil for a filter that is more than equalities.
  private static func seed(_ filter: Filter, _ definition: AttributeDefinition) -> JSONObject? {
    switch filter {
    case .comparison(let path, .equal, let value):
      guard path.schema == nil, let sub = definition.subAttribute(named: path.attribute) else { return nil }
      if sub.type == .boolean { return AttributeNormalizer.boolean(value).map { [sub.name: .bool($0)] } }
      return [sub.name: value]
    case .and(let terms):
      var object = JSONObject()
      for term in terms {
        guard let part = seed(term, definition) else { return nil }
        for member in part.members { object[member.name] = member.value }
      }
      return object
    default: return nil
    }
  }

  // MARK: Common to all

  private func update(
    _ elements: [JSONValue], _ selected: [Int], _ body: (JSONValue) throws(SCIMError) -> JSONValue
  ) throws(SCIMError) -> JSONValue? {
    var elements = elements
    for index in selected { elements[index] = try body(elements[index]) }
    return try settlePrimary(elements, preferred: Set(selected))
  }

  /// A value that is made primary takes the place of the one that was (RFC 7644 3.5.2).
  private func settlePrimary(_ elements: [JSONValue], preferred: Set<Int>) throws(SCIMError) -> JSONValue? {
    var elements = elements
    let primaries = elements.indices.filter { elements[$0].object?["primary"] == true }
    if primaries.count > 1 {
      guard primaries.count(where: preferred.contains) <= 1 else {
        throw .invalidValue("\(definition.name) would have more than one primary value.")
      }
      for index in primaries where !preferred.contains(index) {
        guard var object = elements[index].object else { continue }
        object["primary"] = false
        elements[index] = .object(object)
      }
    }
    elements.removeAll(where: \.isUnassigned)
    return elements.isEmpty ? nil : .array(elements)
  }

  private func checkImmutable(
    _ definition: AttributeDefinition, old: JSONValue?, new: JSONValue?
  ) throws(SCIMError) {
    guard definition.mutability == .immutable, let old, old != new else { return }
    throw .mutability("\(definition.name) cannot be changed once it is set.")
  }
}
