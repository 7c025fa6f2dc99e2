// SPDX-License-Identifier: Apache-2.0

import PortReference

/// New-NetFirewallRule (NetSecurity). Rules of our own group; profiles and their default actions stay as they are.
enum WindowsRenderer {
  static func render(_ plan: Plan, _ options: RenderOptions) -> Rendering {
    var script = Script(comment: "#")
    script.header(
      plan,
      [
        "Run as administrator on each of these hosts. It replaces the rules of the group below and nothing else.",
        "Outbound rules matter only where the profile blocks outbound connections; this script does not change that.",
      ])
    script.line("#Requires -RunAsAdministrator")
    script.line("$ErrorActionPreference = 'Stop'")
    script.line("$group = \(quoted("Bridgehead: " + plan.name))")
    script.line("Get-NetFirewallRule -Group $group -ErrorAction SilentlyContinue | Remove-NetFirewallRule")
    for host in plan.hosts {
      script.line()
      script.heading(host)
      var number = 0
      for rule in host.rules {
        script.explain(rule)
        for match in rule.matches {
          number += 1
          script.line(command(rule, match, name: "Bridgehead-\(plan.name)-\(host.name)-\(number)"))
        }
        script.tellGaps(of: rule)
      }
    }
    return script.rendering
  }

  private static func command(_ rule: Rule, _ match: Rule.Match, name: String) -> String {
    let (local, remote) =
      rule.direction == .egress ? (match.source, match.destination) : (match.destination, match.source)
    let port = rule.direction == .egress ? "-RemotePort" : "-LocalPort"
    return [
      "New-NetFirewallRule -Name \(quoted(name)) -DisplayName \(quoted(rule.title)) -Group $group",
      "-Direction \(rule.direction == .egress ? "Outbound" : "Inbound") -Action Allow -Profile Any",
      "-Protocol \(rule.transport.rawValue.uppercased()) \(port) \(ports(rule).map(quoted).joined(separator: ","))",
      "-LocalAddress \(local.map { quoted($0.description) }.joined(separator: ","))",
      "-RemoteAddress \(remote.map { address($0) }.map(quoted).joined(separator: ","))",
      "-Description \(quoted(rule.reason)) | Out-Null",
    ].joined(separator: " ")
  }

  /// At the domain controller Windows itself knows where RPC listens, which is narrower than any range.
  private static func ports(_ rule: Rule) -> [String] {
    guard rule.direction == .ingress, rule.rows.count == 1 else { return rule.ports.map(\.description) }
    switch rule.rows[0] {
    case .connectADRPCDynamic: return ["RPC"]
    case .connectADRPCEndpointMapper: return ["RPCEPMap"]
    default: return rule.ports.map(\.description)
    }
  }

  /// `0.0.0.0/0` is no address that the cmdlet takes.
  private static func address(_ network: IPNetwork) -> String {
    switch network.family {
    case .ipv4 where network.isAny: "0.0.0.0-255.255.255.255"
    case .ipv6 where network.isAny: "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    default: network.description
    }
  }

  /// A verbatim string (about_Quoting_Rules); PowerShell takes typographic quotation marks for quotation marks too.
  static func quoted(_ text: String) -> String {
    let doubled = Script.oneLine(text).flatMap { character in
      "'\u{2018}\u{2019}\u{201A}\u{201B}".contains(character) ? [character, character] : [character]
    }
    return "'" + String(doubled) + "'"
  }
}
