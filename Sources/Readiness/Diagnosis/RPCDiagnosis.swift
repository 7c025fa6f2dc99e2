// SPDX-License-Identifier: Apache-2.0

import PortReference

/// The endpoint mapper, and the ports that it sends clients to.
enum RPCDiagnosis {
  static func judge(_ matter: Matter) -> Judgement? {
    mapped(matter)
      ?? matter.first { observation in
        switch observation {
        case .interfaceNotRegistered(let interface):
          Judgement(
            .broken, .rpcNotRegistered,
            "The endpoint mapper of \(matter.flow.target.host) knows no endpoint for \(interface).",
            matter.target("Start the service that offers \(interface) on \(matter.flow.target.host)."))
        case .bindRefused(let interface, let reason):
          Judgement(
            .wrongService, .rpcBindRefused,
            "What listens on \(matter.flow.name) refuses the interface \(interface): \(reason).",
            matter.target("Check that the address is \(matter.flow.target.host)'s own and its endpoint map is current.")
          )
        default: nil
        }
      }
  }

  /// Mapped endpoints that do not answer: the address, the range, or a part of it.
  private static func mapped(_ matter: Matter) -> Judgement? {
    var dead: [(interface: String, address: String, port: Int, sample: PortSample)] = []
    var alive: Set<Int> = []
    for observation in matter.flow.conversation.observations {
      switch observation {
      case .mappedEndpointUnreachable(let interface, let address, let port, let sample):
        dead.append((interface, address, port, sample))
      case .sampled(let port, .connected), .sampled(let port, .reset): alive.insert(port)
      default: break
      }
    }
    guard let first = dead.first else { return nil }
    let ports = Set(dead.map(\.port)).sorted().map(String.init).joined(separator: ", ")
    if let elsewhere = dead.first(where: { !isTarget($0.address, matter) }) {
      return Judgement(
        .blocked, .rpcUnreachableAddress,
        "The endpoint mapper of \(matter.flow.target.host) names \(elsewhere.address) for \(elsewhere.interface), which "
          + "does not answer: behind address translation the mapper tells its inner address.",
        Remedy(
          .firewall, "Route \(elsewhere.address), or reach \(matter.flow.target.host) without translation.",
          rule: matter.flow.rule))
    }
    if first.sample == .reset {
      return Judgement(
        .refused, .rpcNotRegistered,
        "The endpoint mapper of \(matter.flow.target.host) names port \(ports) for \(first.interface), where nobody listens.",
        matter.target("Restart the service that offers \(first.interface): the endpoint map is stale."))
    }
    if first.sample == .unreachable {
      return Judgement(
        .blocked, .rejectedByICMP, "A firewall rejects port \(ports) of \(matter.flow.target.host), by ICMP.",
        matter.open("Allow the dynamic RPC range."))
    }
    if !alive.isEmpty || matter.flow.depth >= .service {
      return Judgement(
        .blocked, .rpcRangePartlyBlocked,
        "Port \(ports) of \(matter.flow.target.host) is dropped though other ports of the RPC range answer"
          + (alive.isEmpty ? "." : " (\(alive.sorted().map(String.init).joined(separator: ", ")))."),
        matter.open("Allow the whole RPC range, or pin the interfaces to the ports that are open (KB224196)."))
    }
    return Judgement(
      .blocked, .rpcRangeBlocked,
      "Port 135 of \(matter.flow.target.host) answers, the port that it names for \(first.interface) (\(ports)) is "
        + "dropped: the dynamic RPC range is blocked.",
      matter.open("Allow the dynamic RPC range, or pin the interfaces to fixed ports (KB224196) and allow those."))
  }

  private static func isTarget(_ address: String, _ matter: Matter) -> Bool {
    address == matter.flow.target.address || address == matter.flow.target.host || address.isEmpty
  }
}

/// What an SMB server can and wants.
enum SMBDiagnosis {
  static func judge(_ matter: Matter) -> Judgement? {
    matter.first { observation in
      switch observation {
      case .smb1Only:
        Judgement(
          .broken, .smb1Only, "\(matter.flow.name) speaks SMB 1 only.",
          matter.target("Enable SMB 2 or 3 on \(matter.flow.target.host); SMB 1 is never spoken."))
      case .signingRequired:
        Judgement(
          .broken, .signingRequired,
          "\(matter.flow.name) requires signatures, and does not take those of the sign-in that was offered.",
          matter.target(
            matter.flow.row == .connectADSMB
              ? "Allow signing with AES-CMAC or AES-GMAC (SMB 3) on \(matter.flow.target.host)."
              : "Look up on \(matter.flow.target.host) what LDAP server signing and channel binding are set to, and for a "
                + "gateway on the way that takes signatures off."))
      case .signingUnavailable:
        Judgement(
          .broken, .signingUnavailable, "\(matter.flow.name) does not sign, and unsigned answers are not accepted.",
          matter.target("Enable SMB signing on \(matter.flow.target.host)."))
      default: nil
      }
    }
  }
}
