// SPDX-License-Identifier: Apache-2.0

/// The stable identifier of a row: `<source>-<destination>/<protocol>`. Logs, metrics, rules and reports all use it.
package enum RowID: String, CaseIterable, Sendable, Codable, CustomStringConvertible {
  case connectADDNS = "connect-ad/dns"
  case connectADKerberos = "connect-ad/kerberos"
  case connectADRPCEndpointMapper = "connect-ad/rpc-endpoint-mapper"
  case connectADLDAP = "connect-ad/ldap"
  case connectADSMB = "connect-ad/smb"
  case connectADLDAPS = "connect-ad/ldaps"
  case connectADRPCDynamic = "connect-ad/rpc-dynamic"
  case connectADWinRM = "connect-ad/winrm"
  case connectADWebServices = "connect-ad/ad-web-services"
  case connectADGlobalCatalog = "connect-ad/global-catalog"
  case connectCloudHTTP = "connect-cloud/http"
  case connectCloudHTTPS = "connect-cloud/https"
  case connectFederationHTTP = "connect-federation/http"
  case connectFederationHTTPS = "connect-federation/https"
  case connectFederationWinRM = "connect-federation/winrm"
  case proxyFederationHTTPS = "proxy-federation/https"
  case usersProxyHTTPS = "users-proxy/https"
  case usersProxyCertificateAuthentication = "users-proxy/certificate-authentication"

  package var description: String { rawValue }
}
