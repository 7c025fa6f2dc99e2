// SPDX-License-Identifier: Apache-2.0

import PortReference

/// A security rule as Azure wants it: one address family, or one service tag, on the peer's side. Bicep and Terraform
/// only spell it differently.
struct AzureRule {
  enum Value {
    case text(String)
    case list([String])
  }

  let rule: Rule
  private let local: [String]
  private let remote: [String]

  static func rules(of host: PlannedHost) -> [AzureRule] {
    host.rules.flatMap { rule -> [AzureRule] in
      guard !rule.isPlaceless else { return [] }
      let isEgress = rule.direction == .egress
      let plain = rule.matches.map { match in
        let source = match.source.map(\.description)
        let destination = match.destination.map(\.description)
        return AzureRule(
          rule: rule, local: isEgress ? source : destination, remote: isEgress ? destination : source)
      }
      let tags = Set(rule.namedPeers.compactMap(\.serviceTag)).sorted()
      // A service tag holds addresses of both families; the local side is one family in each rule.
      let tagged = tags.flatMap { tag in
        IPNetwork.Family.allCases.compactMap { family -> AzureRule? in
          let near = rule.local.networks(family).map(\.description)
          return near.isEmpty ? nil : AzureRule(rule: rule, local: near, remote: [tag])
        }
      }
      return plain + tagged
    }
  }

  /// Tells which of Azure's limits a host's rules pass.
  static func count(_ rules: [AzureRule], at host: PlannedHost, _ script: inout Script) {
    script.count(rules.count, against: .networkSecurityGroup, at: host)
    script.count(
      rules.reduce(0) { $0 + $1.remote.count }, against: .networkSecurityGroupAddresses, at: host)
  }

  /// The highest priority that a plan's rules can begin with: those of the largest group end at the last one that there is.
  static func lastFirstPriority(_ plan: Plan) -> Int {
    let largest = plan.hosts.map { rules(of: $0).count }.max() ?? 0
    return max(firstPriority, Quota.lastPriority - max(largest, 1) + 1)
  }

  /// Azure network security groups: priorities begin here.
  static let firstPriority = 100

  func name(_ number: Int) -> String {
    let row = rule.rows[0].rawValue.replacing("/", with: "-")
    return "bridgehead-\(rule.direction.rawValue)-\(row)-\(rule.transport.rawValue)-\(number)"
  }

  /// In the words of the resource provider; the priority is the file's affair.
  var properties: [(String, Value)] {
    let isEgress = rule.direction == .egress
    return [
      ("description", .text(String(rule.title.prefix(140)))),
      ("direction", .text(isEgress ? "Outbound" : "Inbound")), ("access", .text("Allow")),
      ("protocol", .text(rule.transport == .tcp ? "Tcp" : "Udp")), ("sourcePortRange", .text("*")),
      ports, addresses("source", isEgress ? local : remote), addresses("destination", isEgress ? remote : local),
    ]
  }

  private var ports: (String, Value) {
    let texts = rule.ports.map(\.description)
    return texts.count == 1 ? ("destinationPortRange", .text(texts[0])) : ("destinationPortRanges", .list(texts))
  }

  private func addresses(_ side: String, _ items: [String]) -> (String, Value) {
    items.count == 1 ? ("\(side)AddressPrefix", .text(items[0])) : ("\(side)AddressPrefixes", .list(items))
  }
}
