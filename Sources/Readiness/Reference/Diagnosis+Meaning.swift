// SPDX-License-Identifier: Apache-2.0

extension Diagnosis {
  /// What the diagnosis says, and what it rests on.
  package var meaning: String {
    switch self {
    case .none: "The flow works."
    case .dropped: "Packets to the port vanish, while another port of the same host answers."
    case .rejectedByReset: "A reset answers the SYN: nobody listens, or a firewall rejects in the host's name."
    case .rejectedByICMP: "An ICMP message (3/9, 3/10, 3/13) says that a policy forbids the flow, and who says so."
    case .portUnreachable: "ICMP 3/3: the host has no service on the UDP port, or its own firewall says so."
    case .noAnswer: "Nothing of the host answers. Whether it is down or everything is dropped cannot be told from here."
    case .hostDown: "A router, or the neighbour table of the link, says that nobody has the address."
    case .noRoute: "A router, or the source itself, has no way to the address."
    case .localFirewall:
      "The source's own firewall refuses to send, or drops without a word: the repeated SYNs did not leave the machine."
    case .udpBlocked: "The datagrams vanish, while TCP of the same row answers."
    case .tcpBlocked: "The SYNs vanish, while UDP of the same row answers."
    case .udpFragmentsDropped: "A small datagram is answered, one that travels in two fragments is not."
    case .halfOpen: "The connection is accepted, then silence: something answers handshakes and drops what follows."
    case .connectionKilled: "The connection is accepted, and reset as soon as the protocol is spoken."
    case .killedWhileIdle: "A connection that nobody used for a while is dead, and nobody was told."
    case .nameNotFound: "The DNS says that the name does not exist, in a zone that it knows."
    case .missingConditionalForwarder: "The DNS server knows neither the forest's records nor its zone."
    case .recordsMissing: "The zone is known, and lacks the records by which domain controllers are found."
    case .resolverNotAnswering: "No DNS server answered, or it refuses: the target could not be looked up."
    case .wrongController: "A domain controller answers, of another name than the one expected."
    case .wrongDomain: "A domain controller of another domain answers."
    case .readOnlyController: "The controller cannot be written to (the LDAP ping lacks its flag)."
    case .otherProtocol: "Something answers that does not speak the row's protocol; the first bytes are shown."
    case .standIn: "The path is open and the stand-in of `ports listen` answered in the server's place."
    case .serviceStopped: "The listener lives, and the service behind it does not answer for itself."
    case .serviceNotInstalled: "The controller says in its LDAP ping that it does not have the service (flag 0x2000)."
    case .globalCatalogNotReady: "The controller is no global catalog, or is still building it."
    case .probeGreenServiceDown: "The load balancer's probe is answered with 200 while the service does not work."
    case .rpcRangeBlocked: "Port 135 answers, and the port that it names for the interface is dropped."
    case .rpcRangePartlyBlocked: "The mapped port is dropped while other ports of the range are seen to pass."
    case .rpcUnreachableAddress: "The endpoint mapper names an address that is not the target's and does not answer."
    case .rpcNotRegistered:
      "The endpoint mapper does not know the interface (0x16c9a0d6), or names a port without a listener."
    case .rpcBindRefused: "What listens on the mapped port refuses the interface: a stale map, or another host's port."
    case .signingRequired: "The server wants signatures that were not agreed on."
    case .signingUnavailable: "The server does not sign, and unsigned answers are not accepted."
    case .smb1Only: "The server speaks SMB 1 only."
    case .tlsMismatch: "There is no TLS version or cipher suite in common; 1.2 is the least."
    case .tlsRefused: "The server ends the TLS handshake."
    case .certificateMissing: "The controller accepts on 636 and hangs up: it has no certificate to use."
    case .certificateExpired: "The certificate is past its last day."
    case .certificateExpiresSoon: "The certificate works, and ends within 14 days."
    case .certificateNotYetValid: "The certificate's first day has not come."
    case .certificateWrongName: "The certificate carries other names than the one that is used."
    case .certificateUnknownIssuer: "The chain does not end in a trusted root."
    case .certificateRevoked: "The issuer's revocation list names the certificate."
    case .certificateInvalid: "The chain or the certificate's purpose cannot be relied on."
    case .tlsInterception: "A public name comes with a certificate of a private issuer: something on the way opens TLS."
    case .tlsEndedByBalancer:
      "TLS on the certificate port does not ask for a certificate: something before the proxy ends it."
    case .revocationListUnreachable: "The list that the certificate names cannot be had."
    case .revocationListStale: "The list is past its nextUpdate."
    case .revocationListBad: "What came is no list, or is signed by somebody else."
    case .captivePortal: "A web page answers where a list or a service was asked for."
    case .proxyAuthentication: "The HTTP proxy wants a sign-in (407), and none that it takes was offered."
    case .proxyCredentialsRefused:
      "The HTTP proxy refuses the user or the password that it was offered; it is not asked a second time."
    case .proxyRefused: "The HTTP proxy does not open the way."
    case .negotiateNotOffered: "The service offers no Kerberos sign-in."
    case .httpError: "The service answers with an error of HTTP."
    case .clockSkew: "The clocks differ by more than Kerberos accepts (300 s); the size is shown."
    case .wrongServicePrincipal:
      "The KDC knows no such service, or the service cannot read the ticket made for its name."
    case .authenticationRefused: "The credentials were refused; no further sign-in is tried."
    case .permissionDenied: "Signed in, and a right is missing."
    case .notProbed: "A wildcard or a whole network: the topology names nobody in it who could be asked."
    case .unknown: "The evidence does not tell; the finding says what is missing."
    }
  }

  /// What is usually done, and by whom. A finding says it with names, addresses and the very rule.
  package var usualRemedy: String {
    switch self {
    case .none: "Nothing."
    case .dropped, .noAnswer, .udpBlocked, .tcpBlocked, .rejectedByICMP, .rpcRangeBlocked, .rpcRangePartlyBlocked:
      "Firewall: load the rule that the finding quotes from `ports plan`."
    case .udpFragmentsDropped: "Firewall: let fragments of allowed UDP flows pass."
    case .halfOpen, .connectionKilled:
      "Firewall: look for inspection that answers handshakes or kills the protocol; then the service's log."
    case .killedWhileIdle: "Firewall: raise the idle timeout."
    case .rejectedByReset, .portUnreachable, .serviceStopped, .serviceNotInstalled, .probeGreenServiceDown, .httpError:
      "Target: start or repair the service."
    case .hostDown: "Target: start the host, or correct its address."
    case .noRoute: "Network: correct the routes."
    case .localFirewall: "Source: allow the flow in the machine's own firewall."
    case .nameNotFound: "DNS: register the name, or correct it in the topology."
    case .missingConditionalForwarder: "DNS: add a conditional forwarder for the zone."
    case .recordsMissing: "Directory: let the controllers register their records (restart Netlogon)."
    case .resolverNotAnswering: "DNS: see the findings of the DNS row first."
    case .wrongController, .wrongDomain: "Source, DNS: correct the name or the address, or the translation on the way."
    case .readOnlyController: "Source: name writable controllers in the topology."
    case .otherProtocol: "Target: find out what listens there; address or port is wrong."
    case .standIn: "Nothing now: check again when the server is installed."
    case .globalCatalogNotReady: "Directory: wait for the catalog, or name another controller."
    case .rpcUnreachableAddress: "Firewall: route the address, or reach the controller without translation."
    case .rpcNotRegistered, .rpcBindRefused: "Target: restart the service that offers the interface."
    case .signingRequired, .signingUnavailable, .smb1Only: "Target: enable SMB 3 with signing."
    case .tlsMismatch, .tlsRefused: "Target: enable TLS 1.2 or 1.3 with modern cipher suites; see the service's log."
    case .certificateMissing, .certificateExpired, .certificateExpiresSoon, .certificateNotYetValid,
      .certificateWrongName,
      .certificateRevoked, .certificateInvalid:
      "Certificates: issue one that fits, and install it."
    case .certificateUnknownIssuer: "Source: trust the issuer's root, if it is yours. Target: send the whole chain."
    case .tlsInterception: "Proxy: exempt the name from inspection."
    case .tlsEndedByBalancer: "Target: pass the port through at layer 4."
    case .revocationListUnreachable: "Firewall: allow TCP 80 to the distribution point."
    case .revocationListStale, .revocationListBad: "Certificates: publish a fresh list; look for a caching proxy."
    case .captivePortal, .proxyRefused: "Proxy: let the machine through without page or sign-in."
    case .proxyAuthentication:
      "Proxy: let the machine through without a sign-in. Source: give the account, if Basic is offered."
    case .proxyCredentialsRefused: "Source: correct the account of `outboundProxy`, or see whether it is locked."
    case .negotiateNotOffered: "Target: enable Kerberos for the service."
    case .clockSkew: "Source and target: synchronise the clocks."
    case .wrongServicePrincipal: "Directory: register the service principal on the right account, and only there."
    case .authenticationRefused: "Directory: check the account and its keytab."
    case .permissionDenied: "Directory: grant the right that the finding names."
    case .notProbed: "Source: name hosts in the topology: single addresses, or `samples` of a wildcard."
    case .unknown: "Check again with more time, or look at the evidence with `--explain`."
    }
  }
}
