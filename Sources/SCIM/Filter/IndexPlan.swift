// SPDX-License-Identifier: Apache-2.0

/// One look-up in an index: resources whose attribute equals a value.
package struct IndexedTerm: Sendable, Hashable {
  /// The attribute's canonical name, for example `userName` or `emails.value`.
  package var attribute: String
  /// In the form in which an index stores it: `SCIMText.folded` unless the attribute is `caseExact`.
  package var value: String
}

/// How an index narrows down a filter: only resources that one of the terms finds can match. What the terms find must
/// still be held against the filter.
package struct IndexPlan: Sendable, Hashable {
  /// Empty when nothing can match.
  package var anyOf: [IndexedTerm]
  /// Whether the terms find exactly what the filter matches, so that counting and paging can be left to the index.
  package var isExact: Bool
}

extension CompiledFilter {
  /// What an index over the given attributes can contribute.
  ///
  /// - Parameter indexed: canonical names of the attributes that have an index.
  /// - Returns: nil when every resource must be looked at.
  package func indexPlan(over indexed: Set<String>) -> IndexPlan? { Self.plan(root, indexed) }

  private static func plan(_ node: Node, _ indexed: Set<String>) -> IndexPlan? {
    switch node {
    case .constant(false): return IndexPlan(anyOf: [], isExact: true)
    case .constant(true), .not, .present: return nil
    case .comparison(let attribute, .equal, .text(let bytes)):
      guard indexed.contains(attribute.canonicalName) else { return nil }
      let term = IndexedTerm(attribute: attribute.canonicalName, value: String(decoding: bytes, as: UTF8.self))
      return IndexPlan(anyOf: [term], isExact: true)
    case .comparison: return nil
    case .element(let attribute, let inner): return plan(inner, of: attribute, indexed)
    case .and(let nodes):
      guard let best = nodes.compactMap({ plan($0, indexed) }).min(by: { $0.anyOf.count < $1.anyOf.count }) else {
        return nil
      }
      return IndexPlan(anyOf: best.anyOf, isExact: best.isExact && nodes.count == 1)
    case .or(let nodes): return union(nodes.map { plan($0, indexed) })
    }
  }

  private static func plan(
    _ node: ElementNode, of attribute: ResolvedAttribute, _ indexed: Set<String>
  ) -> IndexPlan? {
    switch node {
    case .constant(false): return IndexPlan(anyOf: [], isExact: true)
    case .constant(true), .not, .present: return nil
    case .comparison(let sub, .equal, .text(let bytes)):
      let name = attribute.withSubAttribute(sub).canonicalName
      guard indexed.contains(name) else { return nil }
      let term = IndexedTerm(attribute: name, value: String(decoding: bytes, as: UTF8.self))
      return IndexPlan(anyOf: [term], isExact: true)
    case .comparison: return nil
    case .and(let nodes):
      guard
        let best = nodes.compactMap({ plan($0, of: attribute, indexed) }).min(by: { $0.anyOf.count < $1.anyOf.count })
      else { return nil }
      return IndexPlan(anyOf: best.anyOf, isExact: best.isExact && nodes.count == 1)
    case .or(let nodes): return union(nodes.map { plan($0, of: attribute, indexed) })
    }
  }

  private static func union(_ plans: [IndexPlan?]) -> IndexPlan? {
    var terms: [IndexedTerm] = []
    var seen: Set<IndexedTerm> = []
    var isExact = true
    for plan in plans {
      guard let plan else { return nil }
      isExact = isExact && plan.isExact
      terms += plan.anyOf.filter { seen.insert($0).inserted }
    }
    return IndexPlan(anyOf: terms, isExact: isExact)
  }
}
