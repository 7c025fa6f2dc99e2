// SPDX-License-Identifier: Apache-2.0

/// What the reference leaves open or contradicts. The rows keep what the reference prints; annotations say the rest.
package struct Annotation: Sendable, Codable {
  package enum Kind: String, Sendable, Codable {
    /// Other documentation, or the protocol, says otherwise.
    case contradiction
    /// A flow that is needed and not listed.
    case omission
    /// A condition or detail that the reader of a rule should know.
    case clarification
  }

  /// A number that stays the same; lint results and generated rules cite it.
  package let number: Int
  package let kind: Kind
  package let text: String
  /// The rows that it concerns; for an omission, the rows beside which the missing flow belongs.
  package let rows: [RowID]

  package static let all: [Annotation] = [
    Annotation(
      number: 1, kind: .contradiction,
      text: "636 is printed TCP/UDP; KB179442 and KB832017 list TCP only, and no directory server speaks LDAP over "
        + "DTLS. Rules are made for TCP.",
      rows: [.connectADLDAPS]),
    Annotation(
      number: 2, kind: .omission,
      text: "464 TCP/UDP (kpasswd, RFC 3244) is not listed; passwords of Protected Users are changed through it.",
      rows: [.connectADSMB]),
    Annotation(
      number: 3, kind: .omission,
      text: "123/UDP (time) is not listed; Kerberos refuses clocks more than five minutes apart.",
      rows: [.connectADKerberos]),
    Annotation(
      number: 4, kind: .omission,
      text: "ICMP echo is not listed; the Windows LDAP client pings a domain controller. Bridgehead does not.",
      rows: [.connectADLDAP]),
    Annotation(
      number: 5, kind: .omission,
      text: "3269/TCP (Global Catalog over TLS) is not listed though 636 is.", rows: [.connectADGlobalCatalog]),
    Annotation(
      number: 6, kind: .clarification,
      text: "135 and the dynamic range are needed all the time for password hash synchronisation (every two minutes), "
        + "not only at set-up. The range can be pinned to fixed ports (KB224196).",
      rows: [.connectADRPCEndpointMapper, .connectADRPCDynamic]),
    Annotation(
      number: 7, kind: .clarification,
      text: "The destination is the resolver that Connect uses, which need not be a domain controller.",
      rows: [.connectADDNS]),
    Annotation(
      number: 8, kind: .contradiction,
      text: "Table 3 prints no transport for WinRM (it is TCP), and its 80 and 443 descriptions repeat table 2's "
        + "though the peer is the federation farm.",
      rows: [.connectFederationHTTP, .connectFederationHTTPS, .connectFederationWinRM]),
    Annotation(
      number: 9, kind: .contradiction,
      text: "Best-practice pages print 80 and 443 as TCP/UDP for the same pairs; only TCP is used.",
      rows: [.connectFederationHTTP, .connectFederationHTTPS, .proxyFederationHTTPS]),
    Annotation(
      number: 10, kind: .omission,
      text: "80/TCP between farm members and for load balancer probes (/adfs/probe) is not listed; 49443 is not needed "
        + "from the proxy to the farm.",
      rows: [.proxyFederationHTTPS]),
    Annotation(
      number: 11, kind: .clarification,
      text: "Needed only for user certificates, and only without a certauth.<federation name> host on 443.",
      rows: [.usersProxyCertificateAuthentication]),
    Annotation(
      number: 12, kind: .clarification,
      text: "Connect must reach a domain controller of every configured domain and of each forest root.",
      rows: [.connectADDNS, .connectADKerberos, .connectADLDAP, .connectADLDAPS]),
    Annotation(
      number: 13, kind: .clarification,
      text: "The idle timeout of firewalls and proxies towards the cloud must be at least six minutes.",
      rows: [.connectCloudHTTPS]),
    Annotation(
      number: 14, kind: .clarification,
      text: "Port 80 carries OCSP as well as revocation lists.", rows: [.connectCloudHTTP, .connectFederationHTTP]),
  ]
}
