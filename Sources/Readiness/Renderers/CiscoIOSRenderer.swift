// SPDX-License-Identifier: Apache-2.0

import PortReference

/// Cisco IOS and IOS XE: extended access lists keep no state, so each host's opposite list lets the answers through.
enum CiscoIOSRenderer {
  static func render(_ plan: Plan, _ options: RenderOptions) -> Rendering {
    var script = Script(comment: "!", acting: "?")
    script.header(
      plan,
      [
        "Access lists of our own, two for each host and family: OUT for what leaves it, IN for what arrives. No list is",
        "removed, none is applied: set ip access-group and ipv6 traffic-filter on the interface that faces the host.",
        "An access list ends with an implicit deny: what else the interface carries needs lines of its own.",
        "Access lists keep no state: answers have lines, TCP with 'established'. Lines that exist are not made twice.",
      ])
    var identifiers = Identifiers(allowing: ".-")
    for host in plan.hosts {
      script.line("!")
      script.heading(host)
      for direction in Direction.allCases {
        let list = Cisco.list(host, direction, &identifiers)
        for family in IPNetwork.Family.allCases {
          let lines = lines(host, direction, family)
          guard !lines.isEmpty else { continue }
          script.line(family == .ipv4 ? "ip access-list extended \(list)" : "ipv6 access-list \(list)-6")
          for line in lines { script.line(" " + line) }
          script.line("!")
        }
      }
      for rule in host.rules { script.tellGaps(of: rule) }
    }
    return script.rendering
  }

  private static func lines(_ host: PlannedHost, _ direction: Direction, _ family: IPNetwork.Family) -> [String] {
    var lines: [String] = []
    for rule in host.rules {
      let isAnswer = rule.direction != direction
      var entries: [String] = []
      for match in rule.matches where match.family == family {
        for source in match.source.map(address) {
          for destination in match.destination.map(address) {
            for ports in rule.ports.map(Cisco.ports) {
              let transport = rule.transport.rawValue
              entries.append(
                isAnswer
                  ? "permit \(transport) \(destination) \(ports) \(source)\(transport == "tcp" ? " established" : "")"
                  : "permit \(transport) \(source) \(destination) \(ports)")
            }
          }
        }
      }
      guard !entries.isEmpty else { continue }
      let remarks = isAnswer ? [String("answers: \(rule.title)".prefix(100))] : Cisco.remarks(rule)
      lines += remarks.map { "remark \($0)" } + entries
    }
    return lines
  }

  private static func address(_ network: IPNetwork) -> String {
    switch network.family {
    case _ where network.isAny: "any"
    case _ where network.isSingle: "host \(network.addressText)"
    case .ipv4: "\(network.addressText) \(network.wildcardMask)"
    case .ipv6: network.cidr
    }
  }
}
