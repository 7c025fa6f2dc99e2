// SPDX-License-Identifier: Apache-2.0

import PortReference

/// What the DNS did not know. A flow whose target has no address was not tried: it is blamed for nothing else.
enum NameDiagnosis {
  static func judge(_ matter: Matter) -> Judgement? {
    matter.first { observation in
      switch observation {
      case .nameNotFound(let name, zoneExists: false?):
        Judgement(
          .broken, .missingConditionalForwarder,
          "The DNS server knows neither \(name) nor the zone that it belongs to.",
          Remedy(
            .dns,
            "Add a conditional forwarder for the zone of \(name), to the domain's own DNS servers, on the DNS servers "
              + "that \(matter.flow.source.host) asks."))
      case .nameNotFound(let name, _):
        Judgement(
          .broken, .nameNotFound, "The DNS says that \(name) does not exist.",
          Remedy(.dns, "Register \(name), or correct the name in the topology."))
      case .recordMissing(let name, let type):
        Judgement(
          .broken, .recordsMissing, "The DNS knows \(name) but holds no \(type) record for it.",
          Remedy(
            .directory,
            type == "SRV"
              ? "Restart the Netlogon service on the domain controllers (Samba: samba_dnsupdate), so that they register."
              : "Register the \(type) record of \(name)."))
      case .notProbed(let reason):
        Judgement(
          .inconclusive, .notProbed, "\(matter.flow.name) was not tried: \(reason).",
          Remedy(
            .source,
            "Name hosts of it in the topology: the addresses of single hosts, or a cloud service's `samples` for a wildcard."
          ))
      case .resolverSilent(let servers):
        Judgement(
          .inconclusive, .resolverNotAnswering,
          "\(matter.flow.target.host) could not be looked up: no DNS server answered"
            + (servers.isEmpty ? "." : " (\(servers.joined(separator: ", ")))."),
          Remedy(.source, "See the findings of \(RowID.connectADDNS), then check again."))
      case .resolverRefused(let server, let reason):
        Judgement(
          .broken, .resolverNotAnswering, "The DNS server \(server) refuses: \(reason).",
          Remedy(
            .dns, "Let the DNS server \(server) serve or forward the zone, and answer \(matter.flow.source.host)."))
      default: nil
      }
    }
  }
}

/// `ports listen` answers in a server's place: the path is proved, the service is not there yet.
enum StandInDiagnosis {
  static func judge(_ matter: Matter) -> Judgement? {
    // The banner, which proves nothing, comes before the proof.
    if matter.flow.saw({ if case .standIn = $0 { true } else { false } }) {
      let dropped = matter.flow.conversation.observations.compactMap { observation -> Int? in
        switch observation {
        case .sampled(let port, .silent), .sampled(let port, .unreachable): port
        default: nil
        }
      }
      guard dropped.isEmpty else {
        return Judgement(
          .blocked, .rpcRangePartlyBlocked,
          "Ports \(dropped.sorted().map(String.init).joined(separator: ", ")) of \(matter.flow.target.host) are dropped "
            + "though a stand-in answers at others of the range.",
          matter.open("Allow the whole range."))
      }
      return Judgement(
        .worksWithRemark, .standIn, "The path to \(matter.flow.name) is open; a stand-in answered for the service.",
        matter.target("Check again when the server itself is installed."))
    }
    // What it says when it is asked for its proof comes after the banner, and says more.
    let reasons = matter.flow.conversation.observations.compactMap { observation -> String? in
      if case .standInUnproved(let reason) = observation { reason } else { nil }
    }
    return reasons.last.map { reason in
      Judgement(
        .inconclusive, .standIn,
        "Something on \(matter.flow.name) claims to be a stand-in and does not prove it: \(reason)"
          + (reason.hasSuffix(".") ? "" : "."),
        Remedy(.source, "Give the code that `ports listen` was started with, and check again."))
    }
  }
}
