// SPDX-License-Identifier: Apache-2.0

import PortReference

/// Cisco ASA 9: one extended access list for each host and direction, IPv4 and IPv6 together, DNS names as objects.
enum CiscoASARenderer {
  static func render(_ plan: Plan, _ options: RenderOptions) -> Rendering {
    var script = Script(comment: "!", acting: "?")
    script.header(
      plan,
      [
        "Access lists of our own, two for each host: OUT for what leaves it, IN for what arrives. No list is cleared, no",
        "access-group is set: apply a list to the interface that faces the host, or copy its lines into the list there.",
        "An access list ends with an implicit deny: what else the interface carries needs lines of its own.",
      ])
    var identifiers = Identifiers(allowing: ".-")
    for host in plan.hosts {
      script.line("!")
      script.heading(host)
      for direction in Direction.allCases {
        let list = Cisco.list(host, direction, &identifiers)
        for rule in host.rules(direction) { add(rule, list, &script) }
      }
    }
    return script.rendering
  }

  private static func add(_ rule: Rule, _ list: String, _ script: inout Script) {
    for remark in Cisco.remarks(rule) { script.line("access-list \(list) remark \(remark)") }
    let start = "access-list \(list) extended permit \(rule.transport.rawValue)"
    for match in rule.matches {
      for source in match.source {
        for destination in match.destination {
          for ports in rule.ports {
            script.line("\(start) \(address(source)) \(address(destination)) \(Cisco.ports(ports))")
          }
        }
      }
    }
    // FQDN objects are resolved by the firewall; a wildcard is none.
    let names = rule.isPlaceless ? [] : rule.namedPeers.flatMap(\.names).filter { !$0.isWildcard }
    for name in names {
      script.line("object network FQDN-\(name)")
      script.line(" fqdn \(name)")
      for near in rule.local.networks {
        let object = "object FQDN-\(name)"
        let ends =
          rule.direction == .egress ? "\(address(near)) \(object)" : "\(object) \(address(near))"
        for ports in rule.ports { script.line("\(start) \(ends) \(Cisco.ports(ports))") }
      }
    }
    script.tellGaps(of: rule, except: names)
  }

  private static func address(_ network: IPNetwork) -> String {
    switch network.family {
    case _ where network.isAny: network.family == .ipv4 ? "any4" : "any6"
    case _ where network.isSingle: "host \(network.addressText)"
    case .ipv4: "\(network.addressText) \(network.netmask)"
    case .ipv6: network.cidr
    }
  }
}
