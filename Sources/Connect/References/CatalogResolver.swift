// SPDX-License-Identifier: Apache-2.0

package import DirectoryLocator
package import IdentityModel
package import LDAP
package import Logging
import Wire

/// Asks the forest's Global Catalog (MS-ADTS 3.1.1.1.5), which holds a part of every object of every domain.
package struct CatalogResolver: ReferenceResolver {
  package let source: String
  private let locator: DirectoryLocator
  private let connect: @Sendable (DomainController) async throws -> LDAPConnection
  private let logger: Logger

  /// What is asked for: what an object is, its names, and by what targets and people know it. The catalog gives those of
  /// them that are in the forest's partial attribute set (MS-ADTS 3.1.1.1.5); `mS-DS-ConsistencyGuid` is there only
  /// where an administrator has put it.
  static let attributes = [
    "objectSid", "sAMAccountName", "userPrincipalName", "displayName", "cn", "mail", SourceAnchor.attribute,
  ]

  /// Objects in one search: a filter of some 3 kB.
  static let anchorsPerSearch = 100
  /// Catalogs that are tried before none counts as reachable.
  static let maximumCatalogs = 4

  /// - Parameters:
  ///   - source: the forest's DNS name.
  ///   - connect: signs in to a catalog, on the port that ``DomainController/port`` names or on its counterpart for TLS.
  package init(
    source: String, locator: DirectoryLocator, logger: Logger,
    connect: @escaping @Sendable (DomainController) async throws -> LDAPConnection
  ) {
    self.source = source
    self.locator = locator
    self.logger = logger
    self.connect = connect
  }

  package func resolve(_ anchors: [Anchor]) async throws -> [Change] {
    try await open().use { connection in
      let mapper = EntryMapper(Self.attributes, links: [])
      var found: [Change] = []
      for slice in anchors.chunks(of: Self.anchorsPerSearch) {
        let wanted = Set(slice)
        let guids = wanted.compactMap { GUID($0.bytes) }
        if guids.isEmpty { continue }
        // The empty base is the whole forest (MS-ADTS 3.1.1.3.1.3).
        let search = connection.search(
          base: "", filter: .or(guids.map { .equal("objectGUID", $0) }),
          attributes: ["objectClass", "objectGUID"] + Self.attributes)
        for try await entry in search {
          let change = try mapper.change(whole: entry, links: .add)
          // What was not asked for is nobody's reference.
          if wanted.contains(change.anchor) { found.append(change) }
        }
      }
      return found
    }
  }

  /// A catalog that takes no connection is passed over; as a domain controller it may be well.
  private func open() async throws -> LDAPConnection {
    var failure: (any Error)?
    for catalog in try await locator.globalCatalogs(of: source).prefix(Self.maximumCatalogs) {
      do {
        return try await connect(catalog)
      } catch let error as LDAPError where error.isTransient {
        logger.warning(
          "global catalog passed over", metadata: ["dc": "\(catalog.hostName)", "cause": "\(error.identifier)"])
        failure = error
      }
    }
    throw failure
      ?? ConnectError(
        .directoryUnreachable, "\(source) has no global catalog.",
        remedy: "Make a domain controller that is reachable a global catalog.")
  }
}
