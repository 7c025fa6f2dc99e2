// SPDX-License-Identifier: Apache-2.0

import PortReference

/// iptables-restore(8), both families in one file: lines that begin with -4 or -6 are for one of them and ignored by
/// the other's program (iptables(8), OTHER OPTIONS).
enum IptablesRenderer {
  private static func chain(_ direction: Direction) -> String {
    direction == .egress ? "BRIDGEHEAD-OUT" : "BRIDGEHEAD-IN"
  }

  static func render(_ plan: Plan, _ options: RenderOptions) -> Rendering {
    var script = Script(comment: "#")
    script.header(
      plan,
      [
        "Load, always with --noflush (without it, iptables-restore clears all your chains):",
        "  iptables-restore --noflush FILE; ip6tables-restore --noflush FILE",
        "These two chains are all that the file owns. Lead traffic into them from where you want, once:",
        "  iptables -I INPUT -j BRIDGEHEAD-IN; iptables -I OUTPUT -j BRIDGEHEAD-OUT   (and ip6tables)",
        options.refusesOthers
          ? "The chains refuse everything that is not planned: also your own way to the machine."
          : "What is not planned goes back to your own chain.",
      ])
    script.line("*filter")
    for direction in Direction.allCases { script.line(":\(chain(direction)) - [0:0]") }
    for direction in Direction.allCases {
      if plan.isStateful {
        script.line("-A \(chain(direction)) -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT")
      }
      if options.refusesOthers { addLink(direction, plan.isStateful, &script) }
      for host in plan.hosts { add(host, direction, plan.isStateful, &script) }
      if options.refusesOthers { script.line("-A \(chain(direction)) -j DROP") }
    }
    script.line("COMMIT")
    return script.rendering
  }

  /// What the machine and its link need, which is no flow of the reference.
  private static func addLink(_ direction: Direction, _ isStateful: Bool, _ script: inout Script) {
    let chain = chain(direction)
    script.comment("The machine itself, and IPv6 neighbours (RFC 4861): no flow of the reference")
    script.line("-A \(chain) \(direction == .egress ? "-o" : "-i") lo -j ACCEPT")
    for type in 133...136 {
      script.line("-6 -A \(chain) -p ipv6-icmp -m icmp6 --icmpv6-type \(type) -m hl --hl-eq 255 -j ACCEPT")
    }
    guard !isStateful else { return }
    for type in [3, 11] { script.line("-4 -A \(chain) -p icmp -m icmp --icmp-type \(type) -j ACCEPT") }
    for type in 1...3 { script.line("-6 -A \(chain) -p ipv6-icmp -m icmp6 --icmpv6-type \(type) -j ACCEPT") }
  }

  private static func add(_ host: PlannedHost, _ direction: Direction, _ isStateful: Bool, _ script: inout Script) {
    let opposite: Direction = direction == .egress ? .ingress : .egress
    let answers = isStateful ? [] : host.rules(opposite).filter { !$0.matches.isEmpty }
    guard !host.rules(direction).isEmpty || !answers.isEmpty else { return }
    script.heading(host)
    for rule in host.rules(direction) {
      script.explain(rule)
      let state = isStateful ? " -m conntrack --ctstate NEW" : ""
      for match in rule.matches {
        for source in match.source {
          for destination in match.destination {
            for ports in rule.ports {
              script.line(
                start(direction, match.family, source, destination, rule) + " --dport \(range(ports))" + state
                  + end(rule.title))
            }
          }
        }
      }
      script.tellGaps(of: rule)
    }
    if !answers.isEmpty { script.comment("answers, because no state is kept") }
    for rule in answers {
      let flags = rule.transport == .tcp ? " --tcp-flags ACK ACK" : ""
      for match in rule.matches {
        for source in match.destination {
          for destination in match.source {
            for ports in rule.ports {
              script.line(
                start(direction, match.family, source, destination, rule) + " --sport \(range(ports))" + flags
                  + end("answers: " + rule.title))
            }
          }
        }
      }
    }
  }

  private static func start(
    _ direction: Direction, _ family: IPNetwork.Family, _ source: IPNetwork, _ destination: IPNetwork, _ rule: Rule
  ) -> String {
    "\(family == .ipv4 ? "-4" : "-6") -A \(chain(direction)) -s \(source.cidr) -d \(destination.cidr) "
      + "-p \(rule.transport.rawValue) -m \(rule.transport.rawValue)"
  }

  private static func end(_ comment: String) -> String { #" -m comment --comment "\#(comment.prefix(250))" -j ACCEPT"# }

  private static func range(_ ports: Ports) -> String {
    ports.first == ports.last ? "\(ports.first)" : "\(ports.first):\(ports.last)"
  }
}
