// SPDX-License-Identifier: Apache-2.0

import SCIM
import Store

/// What SQL can decide of a filter on one kind of resource.
struct SearchCondition {
  let kind: ResourceKind
  let sql: String
  let arguments: [SQLValue]
  /// What the rows still have to be held against; nil when the SQL decides alone.
  let rest: CompiledFilter?
  /// Parts kept in tables of their own that the rest looks at.
  let needsReferences: Bool

  /// - Parameter isRoot: a search over several kinds, where a kind that lacks an attribute has no value of it.
  init(_ kind: ResourceKind, _ filter: Filter?, isRoot: Bool) throws(SCIMError) {
    self.kind = kind
    var sql = "deleted IS NULL AND kind = \(kind.rawValue)"
    var arguments: [SQLValue] = []
    var rest: CompiledFilter?
    if let filter {
      let compiled = try CompiledFilter(
        filter, for: kind.definition, unknownAttributes: isRoot ? .absent : .refused)
      let plan = compiled.indexPlan(over: Set(Self.indexes(kind).keys))
      if let plan {
        let (condition, values) = Self.condition(plan, kind)
        sql += " AND (\(condition))"
        arguments = values
      }
      if plan?.isExact != true { rest = compiled }
    }
    self.sql = sql
    self.arguments = arguments
    self.rest = rest
    let kept: String? =
      switch kind {
      case .user: "groups"
      case .group: "members"
      case .contact, .device: nil
      }
    needsReferences = rest != nil && (kept.flatMap { filter?.mentions($0) } ?? false)
  }

  /// Canonical names of attributes with an index, and the SQL that looks values up in it.
  private static func indexes(_ kind: ResourceKind) -> [String: (_ values: String) -> String] {
    var indexes: [String: (String) -> String] = [
      "id": { "id IN (\($0))" },
      "externalId": { "external_id IN (\($0))" },
      "displayName": { "display_name IN (\($0))" },
    ]
    switch kind {
    case .user:
      indexes["userName"] = { "user_name IN (\($0))" }
      indexes["emails.value"] = Self.emailIndex
    case .contact: indexes["emails.value"] = Self.emailIndex
    case .device: break
    case .group:
      indexes["members.value"] = { values in
        """
        seq IN (SELECT m.owner FROM member m JOIN resource x ON x.seq = m.member
          WHERE x.id IN (\(values)) AND x.deleted IS NULL)
        """
      }
    }
    return indexes
  }

  @Sendable private static func emailIndex(_ values: String) -> String {
    "seq IN (SELECT resource FROM email WHERE value IN (\(values)))"
  }

  private static func condition(_ plan: IndexPlan, _ kind: ResourceKind) -> (String, [SQLValue]) {
    let indexes = indexes(kind)
    var conditions: [String] = []
    var arguments: [SQLValue] = []
    for (attribute, terms) in Dictionary(grouping: plan.anyOf, by: \.attribute).sorted(by: { $0.key < $1.key }) {
      guard let lookUp = indexes[attribute] else { continue }
      conditions.append(lookUp(terms.map { _ in "?" }.joined(separator: ", ")))
      arguments += terms.map { .text($0.value) }
    }
    return (conditions.isEmpty ? "1 = 0" : conditions.joined(separator: " OR "), arguments)
  }
}

extension Filter {
  /// Whether a comparison looks at the attribute.
  func mentions(_ attribute: String) -> Bool {
    switch self {
    case .present(let path), .comparison(let path, _, _), .element(let path, _):
      SCIMText.namesMatch(path.attribute, attribute)
    case .and(let terms), .or(let terms): terms.contains { $0.mentions(attribute) }
    case .not(let term): term.mentions(attribute)
    }
  }
}
