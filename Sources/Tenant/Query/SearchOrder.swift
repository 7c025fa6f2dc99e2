// SPDX-License-Identifier: Apache-2.0

import SCIM

/// The order of a search: by a column where there is one, otherwise by a key made of each resource.
enum SearchOrder {
  case sql(String)
  case keys([ResourceKind: SortOrder], isDescending: Bool)

  /// Resources come in the order of their creation unless the client names another; so do equal ones.
  init(_ query: ListQuery, _ kinds: [ResourceKind]) throws(SCIMError) {
    guard let path = query.sortBy else {
      self = .sql("seq")
      return
    }
    var orders: [ResourceKind: SortOrder] = [:]
    for kind in kinds {
      do {
        orders[kind] = try SortOrder(path, isDescending: query.isDescending, for: kind.definition)
      } catch  where kinds.count > 1 {
        // A kind without the attribute has no value of it.
      }
    }
    guard !orders.isEmpty else { throw .invalidPath("No resource can be sorted by \(path).") }
    let names = Set(orders.values.map(\.attribute.canonicalName))
    if names.count == 1, orders.count == kinds.count, let column = names.first.flatMap({ Self.columns[$0] }) {
      self = .sql(
        query.isDescending ? "\(column) IS NULL DESC, \(column) DESC, seq" : "\(column) IS NULL, \(column), seq")
    } else {
      self = .keys(orders, isDescending: query.isDescending)
    }
  }

  /// Columns whose order is that of `SortKey`: folded text by its bytes, times by number.
  private static let columns = [
    "id": "id", "userName": "user_name", "displayName": "display_name", "externalId": "external_id",
    "meta.created": "created", "meta.lastModified": "modified",
  ]
}
