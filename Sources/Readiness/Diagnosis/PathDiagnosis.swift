// SPDX-License-Identifier: Apache-2.0

import PortReference

/// Packets that are rejected or vanish. Silence alone says little: other flows of the same target say what it means.
enum PathDiagnosis {
  static func judge(_ matter: Matter) -> Judgement? {
    matter.first { observation in
      switch observation {
      case .icmp(let type, let code, let ipv6, let from, let isLocal):
        icmp(type, code, ipv6: ipv6, from: from, isLocal: isLocal, matter)
      case .reset: reset(matter)
      case .noRoute:
        Judgement(
          .blocked, .noRoute, "\(matter.flow.source.host) has no route to \(matter.flow.name).",
          Remedy(.source, "Add a route to \(matter.flow.target.address ?? matter.flow.target.host)."))
      case .localFirewall: localFirewall(matter)
      case .synTimeout(let seconds), .datagramTimeout(let seconds): silence(seconds, matter)
      case .systemError(let reason):
        Judgement(
          .inconclusive, .unknown, "\(matter.flow.name) could not be tried: \(reason).",
          Remedy(.source, "Mend what the system says, then check again."))
      case .deadline(let phase) where !matter.flow.isDeepEnough:
        Judgement(
          .inconclusive, .unknown,
          "The check's deadline came while \(matter.flow.name) was in the phase \(phase.rawValue).",
          Remedy(.source, "Check again with a longer --deadline."))
      default: nil
      }
    }
  }

  // MARK: - Rejected

  private static func localFirewall(_ matter: Matter) -> Judgement {
    Judgement(
      .blocked, .localFirewall,
      "A firewall on \(matter.flow.source.host) itself refuses to send to \(matter.flow.name).",
      Remedy(.source, "Allow the flow in the firewall of \(matter.flow.source.host).", rule: matter.flow.rule))
  }

  private enum Unreachable { case policy, host, route, port }

  /// RFC 1812 5.2.7.1 and RFC 4443 3.1.
  private static func meaning(_ type: Int, _ code: Int, ipv6: Bool) -> Unreachable {
    if ipv6 {
      guard type == 1 else { return .route }
      return switch code {
      case 1, 2, 5, 6: .policy
      case 3: .host
      case 4: .port
      default: .route
      }
    }
    guard type == 3 else { return .route }
    return switch code {
    case 2, 9, 10, 13, 14, 15: .policy
    case 1, 7: .host
    case 3: .port
    default: .route
    }
  }

  private static func icmp(
    _ type: Int, _ code: Int, ipv6: Bool, from: String, isLocal: Bool, _ matter: Matter
  ) -> Judgement {
    let message = "ICMP\(ipv6 ? "v6" : "") \(type)/\(code)"
    let sender = isLocal ? "\(matter.flow.source.host) itself" : from
    let isTarget = from == matter.flow.target.address
    switch meaning(type, code, ipv6: ipv6) {
    case .host:
      return Judgement(
        .blocked, .hostDown,
        isLocal
          ? "Nobody on the link has the address of \(matter.flow.name): the host is down or the address is wrong."
          : "The router \(from) says that nobody has the address of \(matter.flow.name) (\(message)).",
        matter.target("Start \(matter.flow.target.host), or correct its address."))
    case .route:
      return Judgement(
        .blocked, .noRoute, "\(sender) has no way to \(matter.flow.name) (\(message)).",
        Remedy(.firewall, "Correct the routes at \(sender)."))
    case .port where isLocal && !isTarget, .policy where isLocal && !isTarget: return localFirewall(matter)
    case .port where matter.flow.transport == .udp && isTarget:
      return Judgement(
        .refused, .portUnreachable,
        "\(matter.flow.target.host) says that nobody listens on \(matter.flow.name) (\(message)).",
        matter.target(
          "Start the service on \(matter.flow.target.host); if it runs, its own firewall rejects: allow the flow there."
        ))
    case .port, .policy:
      return Judgement(
        .blocked, .rejectedByICMP, "The firewall at \(sender) rejects \(matter.flow.name) (\(message)).",
        Remedy(.firewall, "Allow the flow in the firewall at \(sender).", rule: matter.flow.rule))
    }
  }

  private static func reset(_ matter: Matter) -> Judgement {
    if let missing = notInstalled(matter) { return missing }
    let serviceAnswers = matter.twin?.isDeepEnough == true
    return Judgement(
      .refused, .rejectedByReset,
      "\(matter.flow.name) is answered by a reset: "
        + (serviceAnswers
          ? "the service runs, as its UDP port shows, so a firewall rejects TCP."
          : "nobody listens, or a firewall rejects in the host's name."),
      serviceAnswers
        ? matter.open("Allow TCP port \(matter.flow.target.port) where it is rejected by reset.")
        : Remedy(
          .target,
          "Start the service on \(matter.flow.target.host); if it listens, look for a firewall that rejects by reset.",
          rule: matter.flow.rule))
  }

  /// The LDAP ping tells whether a controller runs AD Web Services at all (MS-ADTS 6.3.1.2, flag 0x2000).
  private static func notInstalled(_ matter: Matter) -> Judgement? {
    guard matter.flow.row == .connectADWebServices,
      matter.siblings.contains(where: { $0.saw { $0 == .webServices(running: false) } })
    else { return nil }
    return Judgement(
      .refused, .serviceNotInstalled,
      "\(matter.flow.target.host) says in its LDAP ping that it does not run AD Web Services.",
      matter.target("Start the service ADWS on \(matter.flow.target.host); the port is not to blame."))
  }

  // MARK: - Vanished

  private static func silence(_ seconds: Double, _ matter: Matter) -> Judgement {
    if let missing = notInstalled(matter) { return missing }
    let waited = AnswerDiagnosis.text(seconds)
    let port = "\(matter.flow.transport.rawValue.uppercased()) port \(matter.flow.target.port)"
    if let twin = matter.twin, twin.depth >= .port {
      return matter.flow.transport == .udp
        ? Judgement(
          .blocked, .udpBlocked, "\(matter.flow.name) is silent for \(waited) while TCP answers: UDP is blocked.",
          matter.open("Allow \(port) as well."))
        : Judgement(
          .blocked, .tcpBlocked, "\(matter.flow.name) is silent for \(waited) while UDP answers: TCP is blocked.",
          matter.open("Allow \(port) as well."))
    }
    if let witness = matter.neighbours.first(where: \.hostAnswered) {
      return Judgement(
        .blocked, .dropped,
        "\(matter.flow.name) is silent for \(waited) while \(witness.transport.rawValue) \(witness.target.port) of the host "
          + "answers: packets are dropped.",
        matter.open("Allow \(port) on the way and on \(matter.flow.target.host) itself."))
    }
    if matter.neighbours.contains(where: { $0.saw(isHostDown) }) {
      return Judgement(
        .blocked, .hostDown,
        "\(matter.flow.name) is silent for \(waited), and ICMP says that nobody has the address.",
        matter.target("Start \(matter.flow.target.host), or correct its address."))
    }
    return Judgement(
      .blocked, .noAnswer,
      "\(matter.flow.name) is silent for \(waited), like all else that was tried there: the host is down, or all is dropped.",
      matter.open("Check that \(matter.flow.target.host) runs and has this address; then allow \(port)."))
  }

  private static func isHostDown(_ observation: Observation) -> Bool {
    guard case .icmp(let type, let code, let ipv6, _, _) = observation else { return false }
    return meaning(type, code, ipv6: ipv6) == .host
  }
}
