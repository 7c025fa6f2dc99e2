// SPDX-License-Identifier: Apache-2.0

/// What the forest's schema says of an attribute (MS-ADTS 3.1.1.2.3).
package struct SchemaAttribute: Sendable, Hashable {
  /// `lDAPDisplayName`.
  package var name: String
  package var isSingleValued: Bool
  /// `linkID`: even for a forward link, odd for a back link; nil for what is no link.
  package var linkID: Int64?
  /// `attributeSyntax`, an object identifier.
  package var syntax: String
  /// In the Global Catalog's partial attribute set.
  package var isInGlobalCatalog: Bool

  init?(_ entry: SearchEntry) {
    guard let name = entry.string("lDAPDisplayName") else { return nil }
    self.name = name
    isSingleValued = entry.bool("isSingleValued") ?? false
    linkID = entry.integer("linkID")
    syntax = entry.string("attributeSyntax") ?? ""
    isInGlobalCatalog = entry.bool("isMemberOfPartialAttributeSet") ?? false
  }
}

extension LDAPConnection {
  /// Names in one filter: keeps the request far below a server's receive buffer.
  private static let namesPerSearch = 100

  /// Which of the attributes the forest has: those it lacks are absent from the result and must not be asked for.
  ///
  /// - Returns: by lower-case name.
  package func schema(of names: [String], _ root: RootDSE) async throws -> [String: SchemaAttribute] {
    guard let base = root.schemaNamingContext else {
      throw LDAPError(
        .noSuchObject, "\(server) names no schema partition.", remedy: "Check that it is an Active Directory server.")
    }
    var found: [String: SchemaAttribute] = [:]
    for start in stride(from: 0, to: names.count, by: Self.namesPerSearch) {
      let part = names[start..<min(start + Self.namesPerSearch, names.count)]
      let filter = Filter.and([
        .equal("objectClass", "attributeSchema"), .or(part.map { .equal("lDAPDisplayName", $0) }),
      ])
      let attributes = [
        "lDAPDisplayName", "isSingleValued", "linkID", "attributeSyntax", "isMemberOfPartialAttributeSet",
      ]
      for try await entry in search(base: base, scope: .oneLevel, filter: filter, attributes: attributes) {
        if let attribute = SchemaAttribute(entry) { found[attribute.name.lowercased()] = attribute }
      }
    }
    return found
  }
}
