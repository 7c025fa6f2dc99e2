// SPDX-License-Identifier: Apache-2.0

import PortReference

/// aerleon's YAML: a document of definitions and one of the policy, for the firewalls that Bridgehead has no renderer
/// for.
enum AerleonRenderer {
  static func render(_ plan: Plan, _ options: RenderOptions) -> Rendering {
    var script = Script(comment: "#")
    script.header(
      plan,
      [
        "Two documents: save the first as def/bridgehead.yaml and the second as policies/pol/bridgehead.yaml. Choose the",
        "targets in each header. What aerleon generates may clear lists and set policies: read it first.",
      ])
    var tokens = Identifiers()
    script.line("networks:")
    var networks: Set<String> = []
    for rule in plan.rules {
      for end in [rule.local] + rule.peers where !end.networks.isEmpty {
        let token = network(end, &tokens)
        guard networks.insert(token).inserted else { continue }
        script.line("  \(token):")
        script.line("    values:")
        for address in end.networks {
          script.line("      - address: \(quoted(address.cidr))")
          script.line("        comment: \(quoted(end.name))")
        }
      }
    }
    script.line("services:")
    var services: Set<String> = []
    for rule in plan.rules where !rule.matches.isEmpty && services.insert(service(rule)).inserted {
      script.line("  \(service(rule)):")
      for ports in rule.ports {
        script.line("    - protocol: \(rule.transport.rawValue)")
        script.line("      port: \(quoted(ports.description))")
      }
    }
    script.line("---")
    script.line("filters:")
    var lists = Identifiers(allowing: ".-")
    // Some targets make chains of terms: a term's name is used once in the file, and is short.
    var number = 0
    for host in plan.hosts {
      for direction in Direction.allCases {
        guard host.rules(direction).contains(where: { !$0.matches.isEmpty }) else {
          for rule in host.rules(direction) { script.tellGaps(of: rule, indent: 2) }
          continue
        }
        add(host, direction, &lists, &tokens, &number, &script)
      }
    }
    return script.rendering
  }

  private static func add(
    _ host: PlannedHost, _ direction: Direction, _ lists: inout Identifiers, _ tokens: inout Identifiers,
    _ number: inout Int, _ script: inout Script
  ) {
    let list = Cisco.list(host, direction, &lists)
    let hook = direction == .egress ? "output" : "input"
    script.heading(host, indent: 2)
    script.line("  - header:")
    script.line("      comment: \(quoted("\(host.name), \(host.role.title), \(direction.rawValue)"))")
    script.line("      targets:")
    script.line("        ciscoasa: \(quoted(list))")
    script.line("        cisco: \(quoted("\(list) mixed"))")
    script.line("        nftables: \(quoted("mixed \(hook)"))")
    script.line("        iptables: \(quoted("\(hook.uppercased()) ACCEPT"))")
    script.line("        paloalto: \(quoted("from-zone any to-zone any mixed"))")
    script.line("    terms:")
    for rule in host.rules(direction) {
      let near = rule.isPlaceless ? [] : [network(rule.local, &tokens)]
      let far = rule.peers.filter { !$0.networks.isEmpty }.map { network($0, &tokens) }
      script.tellGaps(of: rule, indent: 6)
      guard !near.isEmpty && !far.isEmpty else { continue }
      let (source, destination) = direction == .egress ? (near, far) : (far, near)
      number += 1
      script.line("      - name: \(direction == .egress ? "out" : "in")-\(number)")
      script.line("        comment: \(quoted(rule.title))")
      script.line("        source-address: [\(source.joined(separator: ", "))]")
      script.line("        destination-address: [\(destination.joined(separator: ", "))]")
      script.line("        destination-port: \(service(rule))")
      script.line("        protocol: \(rule.transport.rawValue)")
      script.line("        action: accept")
    }
  }

  /// The same host may be seen as different addresses: each set of them has a token of its own.
  private static func network(_ end: End, _ tokens: inout Identifiers) -> String {
    tokens.identifier("BRIDGEHEAD_\(end.name.uppercased())" + (end.networks.map(\.cidr).joined().hashedText))
  }

  private static func service(_ rule: Rule) -> String {
    let ports = rule.ports.map { $0.description.replacing("-", with: "_") }.joined(separator: "_")
    return "BRIDGEHEAD_\(rule.transport.rawValue.uppercased())_\(ports)"
  }

  /// A double-quoted YAML scalar (YAML 1.2, 7.3.1).
  static func quoted(_ text: String) -> String {
    "\"" + Script.oneLine(text).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}
