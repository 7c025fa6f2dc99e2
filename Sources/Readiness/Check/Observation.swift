// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials

/// What a probe saw, without any conclusion: ``diagnose`` draws those, from the observations of a flow and of its siblings.
///
/// A closed vocabulary. In JSON each is an object with one key, the case's name, whose value holds the associated values;
/// renaming a case or a label changes the format.
package enum Observation: Sendable, Codable, Hashable {
  // MARK: Names

  /// NXDOMAIN. `zoneExists` is false where the DNS server does not know the zone either, nil where it was not asked.
  case nameNotFound(name: String, zoneExists: Bool?)
  /// The name exists, a record of the type asked for does not.
  case recordMissing(name: String, type: String)
  /// No DNS server answered; the target could not even be looked for.
  case resolverSilent(servers: [String])
  /// SERVFAIL, REFUSED and the like.
  case resolverRefused(server: String, reason: String)

  /// A wildcard or a whole network, of which nothing could be tried; why.
  case notProbed(String)

  // MARK: The path

  /// No answer to a SYN and its repetitions.
  case synTimeout(seconds: Double)
  /// A reset, and no ICMP message, answered the SYN.
  case reset
  /// An ICMP error (RFC 792; for `ipv6` RFC 4443). `isLocal` when this machine itself is the sender: then 3/1 (ICMPv6
  /// 1/3) is the neighbour table's word that nobody on the link has the address.
  case icmp(type: Int, code: Int, ipv6: Bool, from: String, isLocal: Bool)
  /// This machine has no route to the target.
  case noRoute
  /// A firewall of this machine refused to send.
  case localFirewall
  /// The socket failed otherwise; the system's words.
  case systemError(String)
  /// No answer to a datagram and its repetitions.
  case datagramTimeout(seconds: Double)
  /// A small datagram was answered, one of this many bytes (which travels in fragments) was not.
  case largeDatagramTimeout(bytes: Int)
  /// Accepted, a request sent, and then neither an answer nor an end.
  case silenceAfterData(seconds: Double)
  /// Closed in order before an answer; `received` bytes of it had come.
  case closedAfterData(received: Int)
  /// Reset after the connection stood.
  case resetAfterData(received: Int)
  /// A connection that was idle for so long did not answer any more and was not closed.
  case idleKilled(seconds: Double)
  /// One port out of a range, tried to learn about the path.
  case sampled(port: Int, PortSample)
  /// This version has no conversation for the row and transport.
  case unsupported
  /// The check's deadline ended the phase.
  case deadline(Phase.Name)

  // MARK: The answer

  /// The answer is none of this protocol. `recognised` names the protocol that it is, where that can be told; `summary`
  /// says the first bytes in printable form.
  case wrongAnswer(recognised: String?, summary: String)
  /// The stand-in of `ports listen` answered and proved that it knows the shared code.
  case standIn(version: Int)
  /// Something answered in the stand-in's form without proof.
  case standInUnproved(String)

  // MARK: TLS

  /// RFC 8446 6.2, the peer's alert.
  case tlsAlert(code: Int, name: String)
  /// No protocol version or cipher suite in common.
  case tlsMismatch(String)
  /// The handshake was answered by something that does not speak TLS.
  case tlsNotSpoken(String)
  /// The peer closed during the handshake. A domain controller without a certificate does so.
  case tlsClosed
  case certificate(CertificateFault)
  /// The server did not ask for a client certificate though the row needs it.
  case noCertificateRequest
  /// The server asked, for certificates of these issuers.
  case certificateRequest(issuers: [String])
  /// A trusted certificate that has less than two weeks left.
  case certificateExpiresSoon(notAfter: Date, days: Int)
  /// The peer's leaf certificate.
  case peerCertificate(subject: String, issuer: String, notAfter: Date)

  // MARK: HTTP

  case httpStatus(Int)
  /// A page or redirect where something else was asked for.
  case captivePortal(String)
  /// 407; the schemes that the proxy offers.
  case proxyAuthenticationRequired(schemes: [String])
  /// The proxy was offered an account and does not take it; the schemes that it offers.
  case proxyCredentialsRefused(status: Int, schemes: [String])
  /// The proxy answered, but not with the tunnel or the resource.
  case proxyRefused(status: Int)
  /// 401 without Negotiate or Kerberos.
  case noNegotiate(schemes: [String])
  /// A load balancer's probe is answered, the service behind it is not.
  case probeGreenServiceDown(probe: Int, service: Int)
  /// The listener answers for a service that is stopped.
  case serviceUnavailable(String)
  /// A revocation list that is fresh, until a time.
  case revocationList(location: String, nextUpdate: Date)
  /// A revocation list: could not be had.
  case revocationListUnreachable(String)
  /// A revocation list: past its nextUpdate.
  case revocationListStale(location: String, nextUpdate: Date)
  /// The list that the peer's certificate names is not of this time; in words.
  case revocationListOutdated(String)
  /// A revocation list: came, and is none or is signed by somebody else.
  case revocationListBad(location: String, reason: String)

  // MARK: Clocks

  /// By how much the peer's clock is ahead of this machine's, in seconds; negative when it is behind.
  case clockSkew(seconds: Double, source: String)

  // MARK: Active Directory

  /// A KRB-ERROR (RFC 4120 7.5.9).
  case kdcError(code: Int, name: String)
  /// The sign-in was refused; the stable code of the error and its words.
  case authenticationRefused(code: String, reason: String)
  /// No sign-in was tried, for a reason that is not this flow's: another one with the same credentials was refused, or no
  /// KDC answers.
  case authenticationNotTried(String)
  /// No key for the service's principal, or a ticket that the service cannot read.
  case wrongServicePrincipal(String)
  /// Signed in, and a right is missing.
  case permissionDenied(String)
  /// A domain controller of another domain.
  case wrongDomain(found: String?, expected: String)
  /// A domain controller of another name: the address belongs to somebody else.
  case wrongHost(found: String, expected: String)
  case readOnlyController
  /// The Netlogon service is paused.
  case controllerPaused
  /// `isGlobalCatalogReady` is not TRUE, or the controller says that it is no global catalog.
  case globalCatalogNotReady
  case notGlobalCatalog
  /// Flag 0x2000 of the LDAP ping (MS-ADTS 6.3.1.2): whether AD Web Services run on this controller.
  case webServices(running: Bool)
  /// A result code of LDAP that is no success.
  case ldapResult(code: Int, name: String)

  // MARK: RPC and SMB

  /// The endpoint mapper knows no endpoint for the interface (0x16c9a0d6).
  case interfaceNotRegistered(String)
  /// Where the endpoint mapper says that an interface listens.
  case endpointMapped(interface: String, address: String, port: Int)
  /// The mapped address or port does not answer; `outcome` as for a sample.
  case mappedEndpointUnreachable(interface: String, address: String, port: Int, PortSample)
  /// bind_nak or a rejected presentation context.
  case bindRefused(interface: String, reason: String)
  case smb1Only
  /// The server wants signatures that the client cannot make, or cannot make those that the client wants.
  case signingRequired
  case signingUnavailable
  /// Anything worth showing that no conclusion depends on: dialect, cipher, functional level.
  case note(String)
}

/// How one port of a range behaved.
package enum PortSample: String, Sendable, Codable, Hashable {
  case connected
  /// A reset: the path is open though nobody listens.
  case reset
  case silent
  /// An ICMP error.
  case unreachable
}

/// What is wrong with a peer's certificate; the text says the details: dates, names, issuers.
package enum CertificateFault: Sendable, Codable, Hashable {
  case expired(String)
  case notYetValid(String)
  case wrongName(String)
  case unknownIssuer(String)
  /// A public name, and an issuer that is none of the public ones.
  case privateIssuer(String)
  case revoked(String)
  case invalid(String)
}
