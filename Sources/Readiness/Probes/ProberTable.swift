// SPDX-License-Identifier: Apache-2.0

package import PortReference

/// The probers of all rows: one line each.
package struct ProberTable: Sendable {
  package let probers: [any Prober]

  package init(_ probers: [any Prober]) { self.probers = probers }

  package func prober(_ row: RowID, _ transport: Transport) -> (any Prober)? {
    probers.first { $0.row == row && $0.transport == transport }
  }

  package static let standard = ProberTable([
    DNSProber(.udp),
    DNSProber(.tcp),
    KerberosProber(.udp),
    KerberosProber(.tcp),
    LDAPPingProber(),
    DirectoryProber.ldap,
    DirectoryProber.ldaps,
    DirectoryProber.globalCatalog,
    EndpointMapperProber(),
    DynamicRPCProber(),
    SMBProber(),
    WinRMProber.activeDirectory,
    WebServicesProber(),
    RevocationListProber(),
    CloudProber(),
    FederationProber.http,
    FederationProber.https,
    WinRMProber.federation,
    FederationProber.proxy,
    FederationProber.users,
    CertificateRequestProber(),
  ])
}
