// SPDX-License-Identifier: Apache-2.0

import PortReference

/// PAN-OS set commands for configuration mode: objects and rules with names of our own, added at the end.
enum PaloAltoRenderer {
  static func render(_ plan: Plan, _ options: RenderOptions) -> Rendering {
    var script = Script(comment: "#", acting: "?")
    script.header(
      plan,
      [
        "For configuration mode, without the lines that begin with #. Nothing is deleted; rules stand behind yours:",
        "move them before a rule that denies. Zones are any: narrow them to yours. Names are FQDN objects; wildcards",
        "become a custom URL category for a rule with TLS inspection of your own, never a rule to any destination.",
      ])
    var identifiers = Identifiers(allowing: ".-")
    var defined: Set<String> = []
    func define(_ line: String) { if defined.insert(line).inserted { script.line(line) } }
    for host in plan.hosts {
      script.heading(host)
      for (number, rule) in host.rules.enumerated() {
        script.explain(rule)
        func object(_ network: IPNetwork) -> String {
          let name = objectName(network)
          define("set address \(name) ip-netmask \(network.cidr)")
          return name
        }
        let near = rule.local.networks.map(object)
        var far = rule.peers.flatMap { $0.networks.map(object) }
        let patterns = rule.isPlaceless ? [] : rule.namedPeers.flatMap(\.names)
        let names = patterns.filter { !$0.isWildcard }
        for name in names {
          define("set address \(objectName(name)) fqdn \(name)")
          far.append(objectName(name))
        }
        for peer in rule.namedPeers where peer.names.contains(where: \.isWildcard) {
          let category = "bridgehead-\(identifiers.identifier(peer.name))"
          let list = peer.names.filter(\.isWildcard).map { "\($0)/" }.joined(separator: " ")
          define("set profiles custom-url-category \(category) type \"URL List\"")
          define("set profiles custom-url-category \(category) list [ \(list) ]")
        }
        far = far.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        if !near.isEmpty && !far.isEmpty {
          let services = rule.ports.map { ports in
            let name = "bridgehead-\(rule.transport.rawValue)-\(ports)"
            define("set service \(name) protocol \(rule.transport.rawValue) port \(ports)")
            return name
          }
          let name = ruleName(host, rule, number)
          let (source, destination) = rule.direction == .egress ? (near, far) : (far, near)
          script.line(
            "set rulebase security rules \(name) from any to any source [ \(source.joined(separator: " ")) ] "
              + "destination [ \(destination.joined(separator: " ")) ] application any "
              + "service [ \(services.joined(separator: " ")) ] action allow description \(quoted(rule.title))")
        }
        script.tellGaps(of: rule, except: names)
      }
    }
    return script.rendering
  }

  private static func objectName(_ network: IPNetwork) -> String {
    "bridgehead-" + network.description.map { $0 == ":" || $0 == "/" ? "-" : String($0) }.joined()
  }

  private static func objectName(_ name: DNSPattern) -> String {
    "bridgehead-" + (name.text.count <= 52 ? name.text : "\(name.text.prefix(43))-\(name.text.hashedText)")
  }

  /// Up to 63 characters; the number keeps a shortened name apart.
  private static func ruleName(_ host: PlannedHost, _ rule: Rule, _ number: Int) -> String {
    let direction = rule.direction == .egress ? "out" : "in"
    let name = Identifiers.sanitised(host.name, allowing: ".-")
    return "bridgehead-\(name.prefix(40))-\(direction)-\(number)"
  }

  private static func quoted(_ text: String) -> String {
    "\"" + Script.oneLine(text).map { "\"\\?".contains($0) ? "'" : String($0) }.joined().prefix(1000) + "\""
  }
}
