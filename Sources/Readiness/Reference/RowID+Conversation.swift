// SPDX-License-Identifier: Apache-2.0

package import PortReference

extension RowID {
  /// What `ports check` says to the target, and what must come back, in words.
  package var conversation: String {
    switch self {
    case .connectADDNS:
      "SRV records `_ldap._tcp.dc._msdcs`, `_kerberos._tcp` and `_gc._tcp` of every domain, then the address of a host that "
        + "they name, over UDP and over TCP."
    case .connectADKerberos:
      "An AS-REQ for a name that no account has; any KRB-ERROR proves the KDC and tells its clock. Over UDP a second one, "
        + "padded to 1800 bytes, travels in two fragments. With credentials this KDC is asked over TCP for a service's "
        + "ticket (TGS-REQ) with the ticket of the account, which it must accept."
    case .connectADRPCEndpointMapper:
      "A bind to the endpoint mapper and `ept_map` for each interface that is needed."
    case .connectADLDAP:
      "UDP: the LDAP ping (opcode 23). TCP: the rootDSE without a bind; with credentials GSS-SPNEGO with sign and seal, and "
        + "the read of one object."
    case .connectADSMB:
      "SMB2 NEGOTIATE from 2.0.2 to 3.1.1: dialect, signing, cipher, the server's clock; with credentials a session, `IPC$`, "
        + "and a pipe."
    case .connectADLDAPS:
      "TLS with chain, name, dates and revocation, then the rootDSE inside; with credentials the read of one object."
    case .connectADRPCDynamic:
      "A connection to each port that the endpoint mapper names, and a bind to the interface; with credentials one that is "
        + "protected by Kerberos. Where the port is silent, some others of the range are tried: a reset proves the path."
    case .connectADWinRM, .connectFederationWinRM:
      "`POST /wsman-anon/identify`, then `/wsman`, which must answer 401 with Negotiate or Kerberos; with credentials an "
        + "encrypted Identify."
    case .connectADWebServices:
      "The net.tcp preamble and its upgrade to `application/negotiate`; with credentials a session sealed by Kerberos."
    case .connectADGlobalCatalog:
      "The rootDSE with `isGlobalCatalogReady`; with credentials a sealed search of the tree below the forest's root."
    case .connectCloudHTTP:
      "The revocation lists at this host that the certificates seen on 443 name: signature and dates."
    case .connectFederationHTTP:
      "`/adfs/probe`, which answers 200 without a page: the balancer's probe of the farm."
    case .connectCloudHTTPS:
      "Directly or through the HTTP proxy: TLS 1.2 or higher, chain, name, issuer, revocation, then a discovery document; the "
        + "Date header tells the clock."
    case .connectFederationHTTPS, .proxyFederationHTTPS, .usersProxyHTTPS:
      "TLS under the federation name (SNI), then the federation metadata. Where the service is down, `/adfs/probe` on 80 tells "
        + "whether the balancer knows."
    case .usersProxyCertificateAuthentication:
      "TLS that must ask for a client certificate, and of which authorities."
    }
  }
}
