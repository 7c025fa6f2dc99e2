// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import PortReference

/// TLS handshakes and the certificates that they showed.
enum CertificateDiagnosis {
  static func judge(_ matter: Matter) -> Judgement? {
    matter.first { observation in
      switch observation {
      case .certificate(let fault): certificate(fault, matter)
      case .tlsAlert(let code, let name): alert(code, name, matter)
      case .tlsMismatch(let reason):
        Judgement(
          .broken, .tlsMismatch, "\(matter.flow.name) has no TLS version or cipher suite in common: \(reason).",
          matter.target("Enable TLS 1.2 or 1.3 with a modern cipher suite on \(matter.flow.target.host)."))
      case .tlsNotSpoken(let reason):
        Judgement(
          .wrongService, .otherProtocol, "What listens on \(matter.flow.name) does not speak TLS: \(reason).",
          matter.target("Find out what listens there, and whether address and port are right."))
      case .tlsClosed: closed(matter)
      case .noCertificateRequest:
        Judgement(
          .broken, .tlsEndedByBalancer,
          "\(matter.flow.name) completes TLS without asking for a client certificate: something on the way ends TLS.",
          Remedy(
            .target,
            "Let the load balancer or reverse proxy before \(matter.flow.target.host) pass port "
              + "\(matter.flow.target.port) through (layer 4) instead of ending TLS."))
      case .revocationListUnreachable(let location):
        Judgement(
          .broken, .revocationListUnreachable, "The revocation list cannot be had: \(location).",
          Remedy(
            .firewall, "Allow TCP port 80 to the distribution point, or repair the server that publishes the list.",
            rule: matter.flow.row == .connectCloudHTTP || matter.flow.row == .connectFederationHTTP
              ? matter.flow.rule : nil))
      case .revocationListStale(let location, let nextUpdate):
        Judgement(
          .broken, .revocationListStale,
          "The revocation list at \(location) is past its time (\(nextUpdate.formatted(.iso8601))).",
          Remedy(.certificates, "Publish a new list there, and look for a caching proxy on the way that holds it back.")
        )
      case .revocationListOutdated(let reason):
        Judgement(
          .broken, .revocationListStale, "The certificate of \(matter.flow.name) cannot be checked: \(reason)",
          Remedy(.certificates, "Publish a new list there, and look for a caching proxy on the way that holds it back.")
        )
      case .revocationListBad(let location, let reason):
        Judgement(
          .broken, .revocationListBad, "What comes from \(location) is no revocation list to rely on: \(reason).",
          Remedy(.certificates, "Publish the authority's DER-encoded list at \(location)."))
      default: nil
      }
    }
  }

  private static func certificate(_ fault: CertificateFault, _ matter: Matter) -> Judgement {
    let (flow, host) = (matter.flow, matter.flow.target.host)
    return switch fault {
    case .expired(let reason):
      Judgement(
        .broken, .certificateExpired, "The certificate of \(flow.name) has expired: \(reason)",
        Remedy(.certificates, "Renew the certificate of \(host)."))
    case .notYetValid(let reason):
      Judgement(
        .broken, .certificateNotYetValid, "The certificate of \(flow.name) is not valid yet: \(reason)",
        Remedy(.certificates, "Compare the clocks of \(flow.source.host) and \(host); then wait or reissue."))
    case .wrongName(let reason):
      Judgement(
        .broken, .certificateWrongName, "The certificate of \(flow.name) carries another name: \(reason)",
        Remedy(.certificates, "Issue a certificate for \(host) whose subjectAltName holds the name that is used."))
    case .unknownIssuer(let reason):
      Judgement(
        .broken, .certificateUnknownIssuer, "The certificate of \(flow.name) comes from an unknown issuer: \(reason)",
        Remedy(
          .source,
          "If the issuer is yours, add its root certificate to the trusted ones of \(flow.source.host), and let "
            + "\(host) send its intermediate certificates."))
    case .privateIssuer(let reason):
      Judgement(
        .broken, .tlsInterception,
        "\(flow.name) is a public name with a certificate of a private issuer: TLS is intercepted. \(reason)",
        Remedy(.proxy, "Exempt \(host) from TLS inspection."))
    case .revoked(let reason):
      Judgement(
        .broken, .certificateRevoked, "The certificate of \(flow.name) was revoked: \(reason)",
        Remedy(.certificates, "Replace the certificate of \(host); do not trust it until then."))
    case .invalid(let reason):
      Judgement(
        .broken, .certificateInvalid, "The certificate of \(flow.name) cannot be relied on: \(reason)",
        Remedy(.certificates, "Replace the certificate chain of \(host)."))
    }
  }

  /// RFC 8446 6.2: handshake_failure (40), protocol_version (70) and insufficient_security (71) say that nothing is shared.
  private static func alert(_ code: Int, _ name: String, _ matter: Matter) -> Judgement {
    if [40, 70, 71].contains(code) {
      return Judgement(
        .broken, .tlsMismatch,
        "\(matter.flow.name) has no TLS version or cipher suite in common (alert \(code), \(name)).",
        matter.target("Enable TLS 1.2 or 1.3 with a modern cipher suite on \(matter.flow.target.host)."))
    }
    return Judgement(
      .broken, .tlsRefused, "\(matter.flow.name) ends the TLS handshake with alert \(code) (\(name)).",
      matter.target("Look the alert up in the log of the service on \(matter.flow.target.host)."))
  }

  private static func closed(_ matter: Matter) -> Judgement {
    // A domain controller listens on 636 without a certificate, and can then only hang up.
    if matter.flow.row == .connectADLDAPS {
      return Judgement(
        .broken, .certificateMissing,
        "\(matter.flow.name) accepts and hangs up at the first word of TLS, as a controller without a certificate does.",
        Remedy(
          .certificates,
          "Enroll a certificate with the purpose Server Authentication and the name of \(matter.flow.target.host); if it "
            + "has one, look for a firewall that kills TLS."))
    }
    return Judgement(
      .broken, .tlsRefused, "\(matter.flow.name) hangs up during the TLS handshake.",
      matter.target("Check the certificate binding of the service on \(matter.flow.target.host), and its log."))
  }
}
