// SPDX-License-Identifier: Apache-2.0

/// Why a flow does not work, or what is remarkable about one that does. A closed vocabulary: metrics use the raw value as
/// a label, reports and tests as a key.
package enum Diagnosis: String, Sendable, Codable, CaseIterable {
  case none
  // The path.
  /// Packets vanish, though the host is there: another port or row of it answers.
  case dropped
  /// A reset answers the SYN: nobody listens, or a firewall rejects so.
  case rejectedByReset = "rejected-by-reset"
  /// An ICMP message says that a policy forbids it.
  case rejectedByICMP = "rejected-by-icmp"
  /// The host itself says that nobody listens on the UDP port.
  case portUnreachable = "port-unreachable"
  /// Nothing of the host answers at all; whether it is down or everything is dropped cannot be told.
  case noAnswer = "no-answer"
  /// The neighbour table or a router says that nobody has the address.
  case hostDown = "host-down"
  case noRoute = "no-route"
  /// This machine's own firewall refuses to send.
  case localFirewall = "local-firewall"
  case udpBlocked = "udp-blocked-tcp-open"
  case tcpBlocked = "tcp-blocked-udp-open"
  case udpFragmentsDropped = "udp-fragments-dropped"
  case halfOpen = "half-open"
  /// The connection is reset as soon as the protocol is spoken.
  case connectionKilled = "connection-killed"
  case killedWhileIdle = "killed-while-idle"
  // Names.
  case nameNotFound = "name-not-found"
  case missingConditionalForwarder = "missing-conditional-forwarder"
  case recordsMissing = "records-missing"
  case resolverNotAnswering = "resolver-not-answering"
  // Who answers.
  case wrongController = "wrong-controller"
  case wrongDomain = "wrong-domain"
  case readOnlyController = "read-only-controller"
  case otherProtocol = "other-protocol"
  case standIn = "stand-in"
  case serviceStopped = "service-stopped"
  case serviceNotInstalled = "service-not-installed"
  case globalCatalogNotReady = "global-catalog-not-ready"
  case probeGreenServiceDown = "probe-green-service-down"
  // RPC and SMB.
  case rpcRangeBlocked = "rpc-range-blocked"
  case rpcRangePartlyBlocked = "rpc-range-partly-blocked"
  case rpcUnreachableAddress = "rpc-unreachable-address"
  case rpcNotRegistered = "rpc-not-registered"
  case rpcBindRefused = "rpc-bind-refused"
  case signingRequired = "signing-required"
  case signingUnavailable = "signing-unavailable"
  case smb1Only = "smb1-only"
  // TLS and certificates.
  case tlsMismatch = "tls-mismatch"
  case tlsRefused = "tls-refused"
  case certificateMissing = "certificate-missing"
  case certificateExpired = "certificate-expired"
  case certificateExpiresSoon = "certificate-expires-soon"
  case certificateNotYetValid = "certificate-not-yet-valid"
  case certificateWrongName = "certificate-wrong-name"
  case certificateUnknownIssuer = "certificate-unknown-issuer"
  case certificateRevoked = "certificate-revoked"
  case certificateInvalid = "certificate-invalid"
  case tlsInterception = "tls-interception"
  case tlsEndedByBalancer = "tls-ended-by-balancer"
  case revocationListUnreachable = "revocation-list-unreachable"
  case revocationListStale = "revocation-list-stale"
  case revocationListBad = "revocation-list-bad"
  // HTTP.
  case captivePortal = "captive-portal"
  case proxyAuthentication = "proxy-authentication"
  case proxyCredentialsRefused = "proxy-credentials-refused"
  case proxyRefused = "proxy-refused"
  case negotiateNotOffered = "negotiate-not-offered"
  case httpError = "http-error"
  // Identity.
  case clockSkew = "clock-skew"
  case wrongServicePrincipal = "wrong-service-principal"
  case authenticationRefused = "authentication-refused"
  case permissionDenied = "permission-denied"
  /// A wildcard or a whole network: nobody is known who could be asked.
  case notProbed = "not-probed"
  // The evidence does not tell.
  case unknown
}
