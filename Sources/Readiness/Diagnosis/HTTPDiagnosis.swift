// SPDX-License-Identifier: Apache-2.0

/// Proxies, portals and web services.
enum HTTPDiagnosis {
  static func judge(_ matter: Matter) -> Judgement? {
    matter.first { observation in
      switch observation {
      case .captivePortal(let what):
        Judgement(
          .wrongService, .captivePortal, "A portal answers in the place of \(matter.flow.name): \(what).",
          Remedy(.proxy, "Exempt \(matter.flow.source.host) from the portal."))
      case .proxyAuthenticationRequired(let schemes): signInWanted(schemes, matter)
      case .proxyCredentialsRefused(let status, _):
        Judgement(
          .blocked, .proxyCredentialsRefused,
          "The HTTP proxy refuses the user name or the password (status \(status)); no other try is made.",
          Remedy(
            .source,
            "Correct the user and the password for the proxy (outboundProxy of the topology, httpProxy of the "
              + "configuration), and see whether the account is locked or has expired."))
      case .proxyRefused(let status):
        Judgement(
          .blocked, .proxyRefused, "The HTTP proxy refuses the way to \(matter.flow.target.host) (status \(status)).",
          Remedy(.proxy, "Allow CONNECT to \(matter.flow.target.host) port \(matter.flow.target.port) in the proxy."))
      case .probeGreenServiceDown(let probe, let service):
        Judgement(
          .broken, .probeGreenServiceDown,
          "\(matter.flow.name) answers the load balancer's probe (\(probe)) while the service does not work (\(service)).",
          matter.target(
            "Start the federation service on \(matter.flow.target.host); its probe does not show its state."))
      case .serviceUnavailable(let what):
        Judgement(
          .broken, .serviceStopped, "\(matter.flow.name) listens for a service that is stopped: \(what).",
          matter.target("Start the service on \(matter.flow.target.host)."))
      case .noNegotiate(let schemes):
        Judgement(
          .broken, .negotiateNotOffered,
          "\(matter.flow.name) does not offer Kerberos, only \(schemes.joined(separator: ", ")).",
          matter.target("Enable Kerberos (Negotiate) for the service on \(matter.flow.target.host)."))
      case .httpStatus(let status) where status >= 400:
        Judgement(
          .broken, .httpError, "\(matter.flow.name) answers with HTTP status \(status).",
          matter.target("Look the request up in the log of the service on \(matter.flow.target.host)."))
      default: nil
      }
    }
  }

  /// Basic alone can be offered (RFC 7617); a proxy that names no scheme may take it.
  private static func signInWanted(_ schemes: [String], _ matter: Matter) -> Judgement {
    let takesBasic = schemes.isEmpty || schemes.contains { $0.lowercased() == "basic" }
    let names = schemes.isEmpty ? "" : ", \(schemes.joined(separator: ", "))"
    return Judgement(
      .blocked, .proxyAuthentication,
      "The HTTP proxy wants a sign-in (407\(names))"
        + (takesBasic ? ", and no account was given." : "; Basic, which alone can be offered, is not among them."),
      Remedy(
        .proxy,
        "Let \(matter.flow.source.host) reach \(matter.flow.target.host) without a sign-in"
          + (takesBasic ? ", or give it an account: user and password of outboundProxy in the topology." : ".")))
  }
}
