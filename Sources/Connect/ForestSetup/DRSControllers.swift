// SPDX-License-Identifier: Apache-2.0

package import RPC
import Wire

extension ForestReport.Controller {
  /// The domain's controllers as a replication service tells them; the association is closed afterwards.
  ///
  /// - Parameter association: a sealed one with the interface `drsuapi`.
  /// - Throws: `RPCError`, `SecurityError`, `CancellationError`.
  package static func read(_ association: RPCAssociation, domain: String) async throws -> [ForestReport.Controller] {
    try await association.use { association in
      let client = try await DRSClient.bind(association)
      let found = try await client.domainControllers(of: domain)
      try await client.unbind()
      return found.map {
        ForestReport.Controller(
          host: $0.dnsHostName.lowercased(), site: $0.site, isGlobalCatalog: $0.isGlobalCatalog, isPDC: $0.isPDC,
          answers: false)
      }
    }
  }
}
