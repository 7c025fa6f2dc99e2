// SPDX-License-Identifier: Apache-2.0

import PortReference

/// nft(8). The output is a table of its own: loading it again replaces that table and touches no other.
enum NftablesRenderer {
  static let table = "bridgehead"

  static func render(_ plan: Plan, _ options: RenderOptions) -> Rendering {
    var script = Script(comment: "#")
    script.line("#!/usr/sbin/nft -f")
    script.header(
      plan,
      [
        "Load: nft -f FILE. Remove: nft delete table inet \(table). No other table is touched.",
        options.refusesOthers
          ? "This table refuses everything that is not planned, in and out: also your own way to the machine."
          : "This table lets through and counts; a table whose policy is drop must let the same through by itself.",
        "Every rule names both ends, so that the same file may be loaded on each of these hosts.",
      ])
    script.line("table inet \(table)")
    script.line("delete table inet \(table)")
    script.line("table inet \(table) {")
    for (chain, direction, interface) in [("output", Direction.egress, "oifname"), ("input", .ingress, "iifname")] {
      script.line("  chain \(chain) {")
      let policy = options.refusesOthers ? "drop" : "accept"
      script.line("    type filter hook \(chain) priority filter; policy \(policy);")
      if plan.isStateful { script.line("    ct state established,related accept") }
      if options.refusesOthers { addLink(&script, interface, plan.isStateful) }
      for host in plan.hosts { add(host, direction, plan.isStateful, &script) }
      script.line("  }")
    }
    script.line("}")
    return script.rendering
  }

  /// What the machine and its link need, which is no flow of the reference.
  private static func addLink(_ script: inout Script, _ interface: String, _ isStateful: Bool) {
    script.comment("The machine itself, and IPv6 neighbours (RFC 4861): no flow of the reference", indent: 4)
    script.line(#"    \#(interface) "lo" accept"#)
    script.line(
      "    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } "
        + "ip6 hoplimit 255 accept")
    if !isStateful {
      script.line("    icmp type { destination-unreachable, time-exceeded } accept")
      script.line("    icmpv6 type { destination-unreachable, packet-too-big, time-exceeded } accept")
    }
  }

  private static func add(_ host: PlannedHost, _ direction: Direction, _ isStateful: Bool, _ script: inout Script) {
    let opposite: Direction = direction == .egress ? .ingress : .egress
    let answers = isStateful ? [] : host.rules(opposite).filter { !$0.matches.isEmpty }
    guard !host.rules(direction).isEmpty || !answers.isEmpty else { return }
    script.line()
    script.heading(host, indent: 4)
    for rule in host.rules(direction) {
      script.explain(rule, indent: 4)
      for match in rule.matches {
        let state = isStateful ? " ct state new" : ""
        script.line(
          "    \(addresses(match.family, match.source, match.destination)) \(rule.transport.rawValue) dport "
            + set(rule.ports) + state + #" counter accept comment "\#(comment(rule))""#)
      }
      script.tellGaps(of: rule, indent: 4)
    }
    if !answers.isEmpty { script.comment("answers, because no state is kept", indent: 4) }
    for rule in answers {
      for match in rule.matches {
        let flags = rule.transport == .tcp ? " tcp flags & ack == ack" : ""
        script.line(
          "    \(addresses(match.family, match.destination, match.source)) \(rule.transport.rawValue) sport "
            + set(rule.ports) + flags + #" counter accept comment "answers: \#(comment(rule))""#)
      }
    }
  }

  private static func addresses(
    _ family: IPNetwork.Family, _ source: [IPNetwork], _ destination: [IPNetwork]
  ) -> String {
    let word = family == .ipv4 ? "ip" : "ip6"
    return "\(word) saddr \(set(source)) \(word) daddr \(set(destination))"
  }

  private static func set(_ items: [some CustomStringConvertible]) -> String {
    items.count == 1 ? items[0].description : "{ " + items.map(\.description).joined(separator: ", ") + " }"
  }

  /// nft takes comments of up to 128 bytes.
  private static func comment(_ rule: Rule) -> String { String(rule.title.prefix(110)) }
}
