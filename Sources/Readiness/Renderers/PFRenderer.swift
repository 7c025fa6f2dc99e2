// SPDX-License-Identifier: Apache-2.0

import PortReference

/// pf.conf(5): an anchor of its own.
enum PFRenderer {
  static func render(_ plan: Plan, _ options: RenderOptions) -> Rendering {
    var script = Script(comment: "#")
    script.header(
      plan,
      [
        #"An anchor: write 'anchor "bridgehead"' into pf.conf once, then load: pfctl -a bridgehead -f FILE."#,
        "Your rules outside the anchor stay as they are.",
        options.refusesOthers
          ? "The anchor refuses everything that is not planned, in and out: also your own way to the machine."
          : "What is not planned is decided by the rules behind the anchor.",
      ])
    if options.refusesOthers {
      script.comment("The machine itself, and IPv6 neighbours (RFC 4861): no flow of the reference")
      script.line("pass quick on lo0 all")
      script.line("pass quick inet6 proto icmp6 all icmp6-type { neighbrsol, neighbradv, routersol, routeradv }")
    }
    for host in plan.hosts {
      script.line()
      script.heading(host)
      for rule in host.rules {
        script.explain(rule)
        for match in rule.matches { add(rule, match, plan.isStateful, &script) }
        script.tellGaps(of: rule)
      }
    }
    if options.refusesOthers {
      script.line()
      script.line("block drop quick all")
    }
    return script.rendering
  }

  private static func add(_ rule: Rule, _ match: Rule.Match, _ isStateful: Bool, _ script: inout Script) {
    let family = match.family == .ipv4 ? "inet" : "inet6"
    let transport = rule.transport.rawValue
    let (source, destination) = (list(match.source), list(match.destination))
    let ports = "port { \(rule.ports.map { "\($0.first):\($0.last)" }.joined(separator: ", ")) }"
    let label = "label \"\(rule.label.prefix(60))\""
    let (way, back) = rule.direction == .egress ? ("out", "in") : ("in", "out")
    let state = isStateful ? (rule.transport == .tcp ? "flags S/SA keep state" : "keep state") : "no state"
    script.line(
      "pass \(way) quick \(family) proto \(transport) from \(source) to \(destination) \(ports) \(state) \(label)")
    guard !isStateful else { return }
    let flags = rule.transport == .tcp ? "flags A/A " : ""
    script.line(
      "pass \(back) quick \(family) proto \(transport) from \(destination) \(ports) to \(source) \(flags)no state "
        + label)
  }

  private static func list(_ networks: [IPNetwork]) -> String {
    "{ \(networks.map(\.description).joined(separator: ", ")) }"
  }
}
