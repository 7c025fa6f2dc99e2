// SPDX-License-Identifier: Apache-2.0

import PortReference

/// Terraform, google_compute_network_firewall_policy: a policy of its own, which takes DNS names for destinations.
enum GCPTerraformRenderer {
  static func render(_ plan: Plan, _ options: RenderOptions) -> Rendering {
    var script = Script(comment: "#")
    script.header(
      plan,
      [
        "A network firewall policy of its own. It takes effect when you associate it with a network:",
        "google_compute_network_firewall_policy_association. Other policies and VPC rules stay as they are.",
      ])
    for line in HCL.provider("google", "hashicorp/google") { script.line(line) }
    for line in HCL.variable(
      "first_priority", "The first priority to use; each rule takes the next.", type: "number", standard: "1000")
    {
      script.line(line)
    }
    var identifiers = Identifiers()
    let policy = identifiers.identifier("bridgehead_\(plan.name)")
    script.line(#"resource "google_compute_network_firewall_policy" "\#(policy)" {"#)
    script.line("  name        = \(HCL.quoted(resourceName("bridgehead-\(plan.name)")))")
    script.line("  description = \(HCL.quoted("Flows of a hybrid identity: \(plan.name)"))")
    script.line("}")
    var number = 0
    for host in plan.hosts {
      script.line()
      script.heading(host)
      for rule in host.rules {
        script.explain(rule)
        for match in rule.matches {
          add(
            rule, policy, number,
            [
              ("src_ip_ranges", match.source.map(\.cidr)), ("dest_ip_ranges", match.destination.map(\.cidr)),
            ], &script)
          number += 1
        }
        // Names are resolved by the platform, again and again; wildcards are not taken.
        let names =
          rule.isPlaceless || rule.direction == .ingress
          ? [] : rule.namedPeers.flatMap(\.names).filter { !$0.isWildcard }
        for family in IPNetwork.Family.allCases where !names.isEmpty && !rule.local.networks(family).isEmpty {
          add(
            rule, policy, number,
            [("src_ip_ranges", rule.local.networks(family).map(\.cidr)), ("dest_fqdns", names.map(\.text))], &script)
          number += 1
        }
        script.tellGaps(of: rule, except: names)
      }
    }
    return script.rendering
  }

  private static func add(
    _ rule: Rule, _ policy: String, _ number: Int, _ ends: [(String, [String])], _ script: inout Script
  ) {
    script.line(#"resource "google_compute_network_firewall_policy_rule" "\#(policy)_\#(number)" {"#)
    script.line("  firewall_policy = google_compute_network_firewall_policy.\(policy).name")
    script.line("  rule_name       = \(HCL.quoted(resourceName("\(rule.host)-\(rule.direction.rawValue)-\(number)")))")
    script.line("  description     = \(HCL.quoted(rule.title))")
    script.line("  priority        = var.first_priority + \(number)")
    script.line("  direction       = \(HCL.quoted(rule.direction.rawValue.uppercased()))")
    script.line("  action          = \"allow\"")
    script.line("  match {")
    for line in HCL.attributes(ends.map { ($0, HCL.list($1)) }, indent: 4) { script.line(line) }
    script.line("    layer4_configs {")
    script.line("      ip_protocol = \(HCL.quoted(rule.transport.rawValue))")
    script.line("      ports       = \(HCL.list(rule.ports.map(\.description)))")
    script.line("    }")
    script.line("  }")
    script.line("}")
  }

  /// RFC 1035 labels: lower case, digits and hyphens.
  private static func resourceName(_ text: String) -> String {
    String(Identifiers.sanitised(text.lowercased(), allowing: "-").map { $0 == "_" ? "-" : $0 })
  }
}
