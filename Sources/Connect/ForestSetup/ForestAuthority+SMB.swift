// SPDX-License-Identifier: Apache-2.0

package import Logging
import RPC
import SMB
package import Wire

extension ForestAuthority {
  /// Asks a domain controller's local security authority over SMB's pipe `lsarpc`: over TCP it refuses (MS-LSAD 2.1).
  ///
  /// - Parameters:
  ///   - host: its DNS name.
  ///   - address: its numeric address.
  ///   - flow: recorded as `connect-ad/smb` once the session stands.
  /// - Throws: `SMBError`, `SecurityError`, `RPCError`, `CancellationError`.
  package static func read(
    from host: String, address: String, provider: any SecurityContextProvider, flow: Flow, logger: Logger
  ) async throws -> ForestAuthority {
    let connection = try await SMBConnection.connect(
      to: ServerAddress(host: host, address: address, port: SMBConnection.smbPort), provider: provider, flow: flow,
      logger: logger)
    return try await connection.use { connection in
      let association = try await RPCAssociation.open(try await connection.openPipe("lsarpc"), .lsarpc)
      let client = try await LSAClient.open(association)
      let domain = try await client.domain()
      let trusts = try await client.trusts()
      try await client.close()
      await association.close()
      return ForestAuthority(domain, trusts)
    }
  }

  /// MS-LSAD 2.2.7.9: `TrustDirection`, `TrustAttributes` (MS-ADTS 6.1.6.7.9: 8 is TRUST_ATTRIBUTE_FOREST_TRANSITIVE).
  init(_ domain: LSAClient.Domain, _ trusts: [LSAClient.Trust]) {
    self.init(
      netBIOSName: domain.netBIOSName, dnsName: domain.dnsName, forest: domain.forest, guid: domain.guid,
      identifier: domain.sid,
      trusts: trusts.map {
        Trust(
          name: $0.name, isInbound: $0.direction & 1 != 0, isOutbound: $0.direction & 2 != 0,
          isForestTrust: $0.attributes & 8 != 0)
      })
  }
}
