// SPDX-License-Identifier: Apache-2.0

import PortReference

/// Terraform, aws_security_group with separate rules: a new group for each host, to be attached beside others.
enum AWSTerraformRenderer {
  static func render(_ plan: Plan, _ options: RenderOptions) -> Rendering {
    var script = Script(comment: "#")
    script.header(
      plan,
      [
        "A new security group for each host; attach it to the host's interface. Groups only add up: what your other",
        "groups open stays open, and a group without egress rules of its own opens nothing outwards.",
      ])
    for line in HCL.provider("aws", "hashicorp/aws") { script.line(line) }
    for line in HCL.variable("vpc_id", "The VPC of the security groups.") { script.line(line) }
    var identifiers = Identifiers()
    for host in plan.hosts {
      let group = identifiers.identifier(host.name)
      script.line()
      script.heading(host)
      script.line(#"resource "aws_security_group" "\#(group)" {"#)
      script.line("  name        = \(HCL.quoted("bridgehead-\(plan.name)-\(host.name)"))")
      script.line("  description = \(HCL.quoted(description("Flows of \(host.name), \(host.role.title)")))")
      script.line("  vpc_id      = var.vpc_id")
      script.line("}")
      for rule in host.rules {
        script.line()
        script.explain(rule)
        for match in rule.matches {
          for ports in rule.ports { add(rule, match, ports, group, &identifiers, &script) }
        }
        script.tellGaps(of: rule)
      }
      count(host, &script)
    }
    return script.rendering
  }

  private static func add(
    _ rule: Rule, _ match: Rule.Match, _ ports: Ports, _ group: String, _ identifiers: inout Identifiers,
    _ script: inout Script
  ) {
    let isEgress = rule.direction == .egress
    let row = rule.rows[0].rawValue
    let identifier = identifiers.identifier(
      "\(group)_\(isEgress ? "out" : "in")_\(row)_\(rule.transport.rawValue)_\(ports)_\(match.family.rawValue)"
        + "_\(rule.peersText.hashedText)")
    script.line(#"resource "aws_vpc_security_group_\#(rule.direction.rawValue)_rule" "\#(identifier)" {"#)
    let networks = isEgress ? match.destination : match.source
    script.line("  for_each          = toset(\(HCL.list(networks.map(\.cidr))))")
    script.line("  security_group_id = aws_security_group.\(group).id")
    script.line("  cidr_\(match.family.rawValue)         = each.value")
    script.line("  ip_protocol       = \(HCL.quoted(rule.transport.rawValue))")
    script.line("  from_port         = \(ports.first)")
    script.line("  to_port           = \(ports.last)")
    script.line("  description       = \(HCL.quoted(description(rule.title)))")
    script.line("}")
  }

  private static func count(_ host: PlannedHost, _ script: inout Script) {
    for direction in Direction.allCases {
      for family in IPNetwork.Family.allCases {
        let counts = host.rules.filter { $0.direction == direction }.flatMap { rule in
          rule.matches.filter { $0.family == family }.map { match in
            (direction == .egress ? match.destination : match.source).count * rule.ports.count
          }
        }
        script.count(counts.reduce(0, +), against: .securityGroup(direction, family), at: host)
      }
    }
  }

  /// EC2 allows up to 255 of these characters in a description.
  private static func description(_ text: String) -> String {
    let allowed = " ._-:/()#,@[]+=&;{}!$*"
    return String(text.filter { $0.isASCII && ($0.isLetter || $0.isNumber) || allowed.contains($0) }.prefix(255))
  }
}
