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

  package var isForwardLink: Bool { linkID.map { $0 % 2 == 0 } ?? false }

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

  /// The names of the back links (MS-ADTS 3.1.1.1.6) by which an object tells who refers to it.
  ///
  /// - Parameter links: names of forward links.
  /// - Returns: by those of them that have one.
  package func backLinks(of links: [String], _ root: RootDSE) async throws -> [String: String] {
    let schema = try await schema(of: links, root)
    var forward: [Int64: String] = [:]
    for name in links {
      if let attribute = schema[name.lowercased()], attribute.isForwardLink, let id = attribute.linkID {
        forward[id] = name
      }
    }
    guard !forward.isEmpty, let base = root.schemaNamingContext else { return [:] }
    let filter = Filter.and([
      .equal("objectClass", "attributeSchema"), .or(forward.keys.sorted().map { .equal("linkID", String($0 &+ 1)) }),
    ])
    var found: [String: String] = [:]
    for try await entry in search(
      base: base, scope: .oneLevel, filter: filter, attributes: ["lDAPDisplayName", "linkID"])
    {
      guard let back = entry.string("lDAPDisplayName"), let id = entry.integer("linkID") else { continue }
      if let name = forward[id &- 1] { found[name] = back }
    }
    return found
  }
}
