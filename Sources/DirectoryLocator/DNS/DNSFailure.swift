// SPDX-License-Identifier: Apache-2.0

import CARES
import Wire

extension LocatorError {
  /// The error for a lookup that ended without an answer that can be used.
  init(_ outcome: LookupOutcome, name: String, configuration: DNSResolver.Configuration) {
    let servers =
      outcome.servers.isEmpty ? "no DNS server" : outcome.servers.map(\.description).joined(separator: ", ")
    let answering = outcome.source.map(\.description) ?? servers
    let transport = configuration.usesOnlyTCP ? "TCP" : "UDP"
    switch outcome.status {
    case ARES_ENOTFOUND:
      self.init(
        .hostNotFound, "DNS server \(answering) says that \(name) does not exist (NXDOMAIN).",
        remedy: """
          Check the spelling; if the name belongs to a private zone, add a conditional forwarder for the zone to the \
          DNS server, or name the domain's own DNS servers in the configuration.
          """)
    case ARES_ENODATA:
      self.init(
        .noAddress, "DNS server \(answering) knows \(name) but holds no record of the type asked for.",
        remedy: "Register the missing record in the zone.")
    case ARES_ESERVFAIL, ARES_EREFUSED, ARES_ENOTIMP, ARES_EFORMERR:
      self.init(
        .serverFailure, "DNS refused the question for \(name) (\(Self.text(outcome.status))); asked: \(servers).",
        remedy: """
          Check on the DNS server that it serves or forwards this zone, that its forwarders can be reached, and that \
          it allows queries from this machine.
          """)
    case ARES_ETIMEOUT, ARES_ECONNREFUSED, ARES_EOF:
      if outcome.fellBackToTCP {
        self.init(
          .tcpBlocked,
          "The answer for \(name) was truncated over UDP and TCP failed (\(Self.text(outcome.status))); asked: \(servers).",
          remedy: "Open TCP port 53 to the DNS server: large answers need it (RFC 7766).")
      } else {
        self.init(
          .serverNotAnswering,
          "No DNS server answered the question for \(name) over \(transport) (\(Self.text(outcome.status))); asked: \(servers).",
          remedy: "Check that the DNS servers are right and running, and that port 53, UDP and TCP, is open to them.")
      }
    case ARES_EBADRESP:
      self.init(
        .malformedAnswer, "DNS server \(answering) gave an answer for \(name) that cannot be read.",
        remedy: "Check what answers on port 53 there: it is not behaving like a DNS server.")
    case ARES_EBADNAME, ARES_EBADQUERY:
      self.init(.invalidName, "'\(name)' is not a DNS name.", remedy: "Correct the name in the configuration.")
    case ARES_EBADSTR:
      self.init(
        .invalidName,
        "The list of DNS servers is not made of numeric addresses: "
          + configuration.servers.map(\.description).joined(separator: ", ") + ".",
        remedy: "Give each DNS server as a numeric IPv4 or IPv6 address, with an optional port.")
    default:
      self = .internalFailure("The lookup of \(name) failed: \(Self.text(outcome.status)).")
    }
  }

  private static func text(_ status: CInt) -> String { String(cString: ares_strerror(status)) }
}
