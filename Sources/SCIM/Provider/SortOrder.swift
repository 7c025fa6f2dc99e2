// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// An order of resources by one attribute (RFC 7644 3.4.2.3): a multi-valued attribute by its primary or first value,
/// text by its case rule, resources without a value last when ascending and first when descending.
package struct SortOrder: Sendable {
  package let attribute: ResolvedAttribute
  package let isDescending: Bool

  /// - Throws: 400 `invalidPath` for an unknown attribute or one that cannot be sorted by.
  package init(_ path: AttributePath, isDescending: Bool, for resourceType: ResourceTypeDefinition) throws(SCIMError) {
    guard case .attribute(var attribute)? = resourceType.resolve(path), attribute.leaf.returned != .never else {
      throw .invalidPath("\(resourceType.name) cannot be sorted by \(path).")
    }
    if attribute.leaf.type == .complex {
      guard let value = attribute.definition.subAttribute(named: "value") else {
        throw .invalidPath("\(path) has sub-attributes; sort by one of them.")
      }
      attribute = attribute.withSubAttribute(value)
    }
    self.attribute = attribute
    self.isDescending = isDescending
  }

  /// - Returns: the resources in order; equal ones keep theirs.
  package func sorted(_ resources: [SCIMResource]) -> [SCIMResource] {
    let keyed = resources.enumerated().map { (key: SortKey(of: $1, by: attribute), index: $0, resource: $1) }
    return keyed.sorted { left, right in
      if left.key == right.key { return left.index < right.index }
      return isDescending ? right.key < left.key : left.key < right.key
    }.map(\.resource)
  }
}

/// What one resource is sorted by. Cases in the order in which different kinds would stand.
package enum SortKey: Sendable, Hashable, Comparable {
  case bool(Bool)
  case number(Double)
  case text([UInt8])
  case none

  package init(of resource: SCIMResource, by attribute: ResolvedAttribute) {
    var value = attribute.value(in: resource.attributes) ?? .null
    if let elements = value.array {
      value = elements.first { $0.object?["primary"] == true } ?? elements.first ?? .null
    }
    if let sub = attribute.subDefinition { value = value.object?[sub.name] ?? .null }
    switch value {
    case .bool(let bool): self = .bool(bool)
    case .integer(let integer): self = .number(Double(integer))
    case .number(let number): self = .number(number)
    case .string(let text):
      if attribute.leaf.type == .dateTime, let date = SCIMDateTime.parse(text) {
        self = .number(date.timeIntervalSince1970)
      } else {
        self = .text(Array((attribute.leaf.caseExact ? text : SCIMText.folded(text)).utf8))
      }
    default: self = .none
    }
  }

  package static func < (left: SortKey, right: SortKey) -> Bool {
    switch (left, right) {
    case (.bool(let left), .bool(let right)): !left && right
    case (.number(let left), .number(let right)): left < right
    case (.text(let left), .text(let right)): left.lexicographicallyPrecedes(right)
    default: left.rank < right.rank
    }
  }

  private var rank: Int {
    switch self {
    case .bool: 0
    case .number: 1
    case .text: 2
    case .none: 3
    }
  }
}
