// SPDX-License-Identifier: Apache-2.0

package import SCIM
import Store

extension TenantDirectory {
  /// A page of resources (RFC 7644 3.4.2, 3.4.3), from one snapshot.
  ///
  /// Filters on indexed attributes are left to SQL; for all others the rows are streamed past the filter, and only the
  /// page is kept.
  ///
  /// - Parameter kinds: several for a search at the root.
  /// - Throws: `SCIMError` 400.
  package func search(_ kinds: [ResourceKind], _ query: ListQuery, base: String) async throws -> ListResponse {
    let isRoot = kinds.count > 1
    let selection = Selection(base: base, attributes: query.attributes, excluded: query.excludedAttributes)
    let conditions = try kinds.map { try SearchCondition($0, query.filter, isRoot: isRoot) }
    let paging = Paging(
      startIndex: query.startIndex, count: query.count ?? min(limits.defaultPageSize, limits.pageSize),
      maximum: limits.pageSize)
    let search = Search(
      conditions: conditions, order: try SearchOrder(query, kinds), paging: paging,
      projections: Dictionary(uniqueKeysWithValues: try kinds.map { ($0, try selection.projection($0)) }), base: base)
    let limits = limits
    return try await store.read { transaction in
      let reader = ResourceReader(transaction: transaction, base: base, limits: limits)
      return try search.run(reader)
    }
  }
}

/// A search ready to be run in a transaction.
private struct Search: Sendable {
  let conditions: [SearchCondition]
  let order: SearchOrder
  let paging: Paging
  let projections: [ResourceKind: Projection]
  let base: String

  private var condition: String { conditions.map { "(\($0.sql))" }.joined(separator: " OR ") }
  private var arguments: [SQLValue] { conditions.flatMap(\.arguments) }

  func run(_ reader: ResourceReader) throws -> ListResponse {
    switch order {
    case .sql(let columns):
      return conditions.allSatisfy { $0.rest == nil }
        ? try page(reader, columns) : try filtered(reader, columns)
    case .keys(let orders, let isDescending): return try sorted(reader, orders, isDescending)
    }
  }

  /// Everything is left to SQL.
  private func page(_ reader: ResourceReader, _ columns: String) throws -> ListResponse {
    let transaction = reader.transaction
    let total = try transaction.value("SELECT count(*) FROM resource WHERE \(condition)", arguments, as: Int.self) ?? 0
    guard paging.count > 0, paging.offset < total else { return response(total, []) }
    let rows = try transaction.query(
      "SELECT \(StoredResource.columns) FROM resource WHERE \(condition) ORDER BY \(columns) LIMIT ? OFFSET ?",
      arguments + [.integer(Int64(paging.count)), .integer(Int64(paging.offset))], StoredResource.init)
    return response(total, try represent(rows, reader))
  }

  /// The rows are streamed past the filter in their final order.
  private func filtered(_ reader: ResourceReader, _ columns: String) throws -> ListResponse {
    var total = 0
    var rows: [StoredResource] = []
    try forEachMatch(reader, orderedBy: columns) { stored, _ in
      if total >= paging.offset, rows.count < paging.count { rows.append(stored) }
      total += 1
    }
    return response(total, try represent(rows, reader))
  }

  /// One key of each match is kept, then the page is read.
  private func sorted(
    _ reader: ResourceReader, _ orders: [ResourceKind: SortOrder], _ isDescending: Bool
  ) throws -> ListResponse {
    var keys: [(key: SortKey, sequence: Int64)] = []
    try forEachMatch(reader, orderedBy: "seq") { stored, resource in
      let key = orders[stored.kind].map { SortKey(of: resource, by: $0.attribute) } ?? .none
      keys.append((key, stored.sequence))
    }
    keys.sort { left, right in
      if left.key == right.key { return left.sequence < right.sequence }
      return isDescending ? right.key < left.key : left.key < right.key
    }
    let page = try paging.slice(keys).compactMap { entry in
      try reader.transaction.first(
        "SELECT \(StoredResource.columns) FROM resource WHERE seq = ?", [.integer(entry.sequence)], StoredResource.init)
    }
    return response(keys.count, try represent(page, reader))
  }

  private func forEachMatch(
    _ reader: ResourceReader, orderedBy columns: String, _ body: (StoredResource, SCIMResource) throws -> Void
  ) throws {
    let byKind = Dictionary(uniqueKeysWithValues: conditions.map { ($0.kind, $0) })
    try reader.transaction.forEach(
      "SELECT \(StoredResource.columns) FROM resource WHERE \(condition) ORDER BY \(columns)", arguments
    ) { row in
      let stored = try StoredResource(row)
      guard let condition = byKind[stored.kind] else { return }
      let resource =
        condition.needsReferences
        ? try reader.complete(stored, Projection(all: stored.kind.definition)) : stored.resource(base: base)
      guard condition.rest?.matches(resource) ?? true else { return }
      try body(stored, resource)
    }
  }

  /// Many groups on one page may have more members together than one answer should hold.
  private func represent(_ rows: [StoredResource], _ reader: ResourceReader) throws -> [SCIMResource] {
    var members = 0
    return try rows.map { stored in
      let projection = projections[stored.kind] ?? Projection(all: stored.kind.definition)
      let resource = try reader.represent(stored, projection)
      members += resource.attributes["members"]?.array?.count ?? 0
      guard members <= reader.limits.membersInAnswer else {
        throw SCIMError.tooMany(
          "The page has more than \(reader.limits.membersInAnswer) members; ask for fewer groups or exclude members.")
      }
      return resource
    }
  }

  private func response(_ total: Int, _ resources: [SCIMResource]) -> ListResponse {
    ListResponse(totalResults: total, startIndex: paging.startIndex, resources: resources)
  }
}
