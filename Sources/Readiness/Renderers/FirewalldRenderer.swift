// SPDX-License-Identifier: Apache-2.0

import PortReference

/// firewall-cmd(1), firewalld.policies(5): two policies of our own between the zone HOST and all others. Zones, their
/// targets and other policies stay as they are.
enum FirewalldRenderer {
  static func render(_ plan: Plan, _ options: RenderOptions) -> Rendering {
    var script = Script(comment: "#")
    script.line("#!/bin/sh")
    script.header(
      plan,
      [
        "Run as root on each of these hosts. It replaces the policies bridgehead-out and bridgehead-in and nothing else.",
        "The policies let through; whether other traffic is refused is decided by your zones and policies.",
      ])
    script.line("set -eu")
    for (policy, from, to) in [("bridgehead-out", "HOST", "ANY"), ("bridgehead-in", "ANY", "HOST")] {
      let command = "firewall-cmd --permanent"
      script.line("if \(command) --get-policies | grep -qw -- \(policy); then \(command) --delete-policy=\(policy); fi")
      script.line("\(command) --new-policy=\(policy)")
      script.line("\(command) --policy=\(policy) --set-target=CONTINUE")
      script.line("\(command) --policy=\(policy) --add-ingress-zone=\(from)")
      script.line("\(command) --policy=\(policy) --add-egress-zone=\(to)")
    }
    for host in plan.hosts {
      script.line()
      script.heading(host)
      for rule in host.rules {
        script.explain(rule)
        let policy = rule.direction == .egress ? "bridgehead-out" : "bridgehead-in"
        for match in rule.matches {
          for source in match.source {
            for destination in match.destination {
              for ports in rule.ports {
                script.line(
                  "firewall-cmd --permanent --policy=\(policy) --add-rich-rule="
                    + #"'rule family="\#(match.family.rawValue)" source address="\#(source)" "#
                    + #"destination address="\#(destination)" port port="\#(ports)" "#
                    + #"protocol="\#(rule.transport.rawValue)" accept'"#)
              }
            }
          }
        }
        script.tellGaps(of: rule)
      }
    }
    script.line("firewall-cmd --reload")
    return script.rendering
  }
}
