// SPDX-License-Identifier: Apache-2.0

/// One page of a query (RFC 7644 3.4.2).
package struct ListResponse: Sendable, Hashable {
  package var totalResults: Int
  /// The 1-based index of the page's first resource.
  package var startIndex: Int
  package var resources: [SCIMResource]

  package init(totalResults: Int, startIndex: Int = 1, resources: [SCIMResource]) {
    self.totalResults = totalResults
    self.startIndex = startIndex
    self.resources = resources
  }

  package init(_ value: JSONValue) throws(SCIMError) {
    guard let object = value.object else { throw .invalidSyntax("A list response must be an object.") }
    try SCIMURI.require(SCIMURI.listResponse, in: object)
    guard let total = object.value(named: "totalResults")?.integer, total >= 0, total <= Int64(Int32.max) else {
      throw .invalidSyntax("A list response must have a non-negative totalResults.")
    }
    totalResults = Int(total)
    startIndex = Int(clamping: object.value(named: "startIndex")?.integer ?? 1)
    resources = []
    for element in object.value(named: "Resources")?.array ?? [] {
      guard let resource = element.object else { throw .invalidSyntax("Resources must hold objects only.") }
      resources.append(SCIMResource(resource))
    }
  }

  package var json: JSONValue {
    [
      "schemas": [.string(SCIMURI.listResponse)], "totalResults": .integer(Int64(totalResults)),
      "startIndex": .integer(Int64(startIndex)), "itemsPerPage": .integer(Int64(resources.count)),
      "Resources": .array(resources.map(\.json)),
    ]
  }
}
