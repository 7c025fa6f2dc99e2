// SPDX-License-Identifier: Apache-2.0

/// A filter held against a resource type: names are resolved, operands have the attribute's type.
///
/// Semantics where RFC 7644 3.4.2.2 leaves room: a comparison of a multi-valued attribute holds when it holds for one
/// value; `ne` is the negation of `eq`, so it holds for a missing attribute too; a complex attribute without
/// sub-attribute is compared by its `value`.
package struct CompiledFilter: Sendable {
  indirect enum Node: Sendable {
    case constant(Bool)
    case and([Node])
    case or([Node])
    case not(Node)
    case present(ResolvedAttribute)
    case comparison(ResolvedAttribute, ComparisonOperator, FilterOperand)
    case element(ResolvedAttribute, ElementNode)
  }

  /// A filter on one element of a multi-valued complex attribute.
  indirect enum ElementNode: Sendable {
    case constant(Bool)
    case and([ElementNode])
    case or([ElementNode])
    case not(ElementNode)
    case present(AttributeDefinition)
    case comparison(AttributeDefinition, ComparisonOperator, FilterOperand)
  }

  /// What a name that the resource type lacks means: a mistake, or an attribute without a value (RFC 7644 3.4.2.1 asks
  /// this for searches over several resource types).
  package enum UnknownAttributes: Sendable { case refused, absent }

  let root: Node

  /// - Throws: `invalidFilter` for unknown attributes, operands of another type, and orderings of booleans or binaries.
  package init(
    _ filter: Filter, for resourceType: ResourceTypeDefinition, unknownAttributes: UnknownAttributes = .refused
  ) throws(SCIMError) {
    root = try FilterCompiler(resourceType: resourceType, unknownAttributes: unknownAttributes).compile(filter)
  }

  /// Whether a normalised resource satisfies the filter.
  package func matches(_ resource: SCIMResource) -> Bool { Self.evaluate(root, resource.attributes) }

  private static func evaluate(_ node: Node, _ resource: JSONObject) -> Bool {
    switch node {
    case .constant(let value): return value
    case .and(let nodes): return nodes.allSatisfy { evaluate($0, resource) }
    case .or(let nodes): return nodes.contains { evaluate($0, resource) }
    case .not(let node): return !evaluate(node, resource)
    case .present(let attribute): return values(of: attribute, in: resource).contains { !$0.isUnassigned }
    case .comparison(let attribute, let comparison, let operand):
      let values = values(of: attribute, in: resource)
      return operand.holds(comparison, for: values, of: attribute.leaf)
    case .element(let attribute, let node):
      guard let value = attribute.value(in: resource) else { return false }
      return (value.array ?? [value]).contains { matches(node, element: $0) }
    }
  }

  /// The scalars (or, without sub-attribute, elements) that a path reaches.
  private static func values(of attribute: ResolvedAttribute, in resource: JSONObject) -> [JSONValue] {
    guard let value = attribute.value(in: resource) else { return [] }
    let elements = value.array ?? [value]
    guard let sub = attribute.subDefinition else { return elements }
    return elements.compactMap { $0.object?[sub.name] }
  }

  static func matches(_ node: ElementNode, element: JSONValue) -> Bool {
    switch node {
    case .constant(let value): return value
    case .and(let nodes): return nodes.allSatisfy { matches($0, element: element) }
    case .or(let nodes): return nodes.contains { matches($0, element: element) }
    case .not(let node): return !matches(node, element: element)
    case .present(let definition):
      return value(of: definition, in: element).map { !$0.isUnassigned } ?? false
    case .comparison(let definition, let comparison, let operand):
      let values = value(of: definition, in: element).map { $0.array ?? [$0] } ?? []
      return operand.holds(comparison, for: values, of: definition)
    }
  }

  /// An element of a simple multi-valued attribute is its own `value`.
  private static func value(of definition: AttributeDefinition, in element: JSONValue) -> JSONValue? {
    guard let object = element.object else { return element }
    return object[definition.name]
  }
}

/// Holds a parsed filter against a resource type.
struct FilterCompiler {
  let resourceType: ResourceTypeDefinition
  let unknownAttributes: CompiledFilter.UnknownAttributes

  func compile(_ filter: Filter) throws(SCIMError) -> CompiledFilter.Node {
    switch filter {
    case .and(let terms): return .and(try terms.map { term throws(SCIMError) in try compile(term) })
    case .or(let terms): return .or(try terms.map { term throws(SCIMError) in try compile(term) })
    case .not(let term): return .not(try compile(term))
    case .present(let path):
      guard let attribute = try resolve(path) else { return .constant(false) }
      return .present(attribute)
    case .comparison(let path, let comparison, let value):
      guard var attribute = try resolve(path) else {
        return .constant((comparison == .notEqual) != value.isUnassigned)
      }
      if value == .null { return try Self.nullTest(comparison, .present(attribute)) }
      if attribute.leaf.type == .complex {
        guard attribute.subDefinition == nil, let sub = attribute.definition.subAttribute(named: "value") else {
          throw .invalidFilter("\(path) has sub-attributes; compare one of them.")
        }
        attribute = attribute.withSubAttribute(sub)
      }
      return .comparison(attribute, comparison, try FilterOperand(value, for: attribute.leaf, comparison))
    case .element(let path, let inner):
      guard let attribute = try resolve(path) else { return .constant(false) }
      return .element(attribute, try compileElement(inner, of: attribute.definition))
    }
  }

  func compileElement(_ filter: Filter, of parent: AttributeDefinition) throws(SCIMError) -> CompiledFilter.ElementNode
  {
    switch filter {
    case .and(let terms): return .and(try terms.map { term throws(SCIMError) in try compileElement(term, of: parent) })
    case .or(let terms): return .or(try terms.map { term throws(SCIMError) in try compileElement(term, of: parent) })
    case .not(let term): return .not(try compileElement(term, of: parent))
    case .present(let path):
      guard let definition = try resolve(path, in: parent) else { return .constant(false) }
      return .present(definition)
    case .comparison(let path, let comparison, let value):
      guard let definition = try resolve(path, in: parent) else {
        return .constant((comparison == .notEqual) != value.isUnassigned)
      }
      if value == .null {
        switch comparison {
        case .equal: return .not(.present(definition))
        case .notEqual: return .present(definition)
        default: throw .invalidFilter("null can only be compared by eq and ne.")
        }
      }
      return .comparison(definition, comparison, try FilterOperand(value, for: definition, comparison))
    case .element(let path, _):
      throw .invalidFilter("\(path)[…] cannot stand inside another bracket.")
    }
  }

  private static func nullTest(
    _ comparison: ComparisonOperator, _ present: CompiledFilter.Node
  ) throws(SCIMError) -> CompiledFilter.Node {
    switch comparison {
    case .equal: .not(present)
    case .notEqual: present
    default: throw .invalidFilter("null can only be compared by eq and ne.")
    }
  }

  private func resolve(_ path: AttributePath) throws(SCIMError) -> ResolvedAttribute? {
    guard case .attribute(let attribute)? = resourceType.resolve(path) else {
      if unknownAttributes == .absent { return nil }
      throw .invalidFilter("\(resourceType.name) has no attribute \(path).")
    }
    guard attribute.leaf.returned != .never else {
      throw .invalidFilter("\(path) cannot be filtered by.")
    }
    return attribute
  }

  private func resolve(_ path: AttributePath, in parent: AttributeDefinition) throws(SCIMError) -> AttributeDefinition?
  {
    if path.schema == nil, path.subAttribute == nil {
      if let definition = parent.subAttribute(named: path.attribute) { return definition }
      if parent.type != .complex, SCIMText.namesMatch(path.attribute, "value") { return parent }
    }
    if unknownAttributes == .absent { return nil }
    throw .invalidFilter("\(parent.name) has no sub-attribute \(path).")
  }
}
