// SPDX-License-Identifier: Apache-2.0

import Glibc
import PortReference
import Readiness
import Testing

/// A flow that a topology needs, listed from the reference and the roles without the planner.
private struct ExpectedFlow: Hashable {
  let row: RowID
  let transport: Transport
  let ports: Ports
  let source: String
  let destination: String

  static func all(of topology: Topology) -> Set<ExpectedFlow> {
    var flows: Set<ExpectedFlow> = []
    for row in ReferenceRow.all where !Set(row.features).isDisjoint(with: topology.features) {
      for source in sources(row, topology) {
        for destination in destinations(row, topology) {
          for transport in row.transports where !(row.id == .connectADLDAPS && transport == .udp) {
            for ports in ports(row, topology) {
              flows.insert(
                ExpectedFlow(
                  row: row.id, transport: transport, ports: ports, source: source, destination: destination))
            }
          }
        }
      }
    }
    return flows
  }

  private static func sources(_ row: ReferenceRow, _ topology: Topology) -> [String] {
    switch row.table {
    case 1...3: topology.connect.map(\.name)
    case 4: (topology.proxies ?? []).map(\.name)
    default: (topology.users ?? []).map(\.name)
    }
  }

  private static func destinations(_ row: ReferenceRow, _ topology: Topology) -> [String] {
    let controllers = topology.forests.flatMap { forest in
      forest.domains.flatMap(\.controllers).filter { controller in
        controller.readOnly != true && (forest.domainControllers?.contains(controller.name) ?? true)
      }
    }
    let farm = (topology.federation?.servers ?? []).map(\.name)
    let proxies = (topology.proxies ?? []).map(\.name)
    switch (row.table, row.name) {
    case (1, "DNS"): return topology.resolvers?.map(\.name) ?? controllers.map(\.name)
    case (1, "Global Catalog"): return controllers.filter { $0.globalCatalog == true }.map(\.name)
    case (1, _): return controllers.map(\.name)
    case (2, let name):
      return (topology.cloud ?? []).filter { name == "HTTPS" || $0.schemes.contains(.http) }.map(\.name)
    case (3, _): return farm + proxies
    case (4, _): return farm
    default: return proxies
    }
  }

  private static func ports(_ row: ReferenceRow, _ topology: Topology) -> [Ports] {
    switch row.ports {
    case Ports(49152...65535): topology.policy?.rpcPorts?.map(\.ports) ?? [row.ports]
    case Ports(49443): [topology.policy?.certificateAuthentication == .name ? Ports(443) : row.ports]
    default: [row.ports]
    }
  }
}

/// One after another: hundreds of them at a time would keep the tests that talk over sockets from running.
@Suite(.serialized) struct PlanPropertyTests {
  private static let seeds = Array(UInt64(1)...60)

  @Test(arguments: seeds) func everyFlowIsCoveredAtBothEndsExactlyOnce(_ seed: UInt64) {
    let topology = RandomTopology.make(seed: seed)
    let plan = Planner.plan(topology)
    #expect(topology.problems == [])
    for flow in ExpectedFlow.all(of: topology) {
      for direction in Direction.allCases {
        let (here, there) =
          direction == .egress ? (flow.source, flow.destination) : (flow.destination, flow.source)
        let covering = plan.rules.filter { rule in
          rule.host == here && rule.direction == direction && rule.transport == flow.transport
            && rule.ports.contains(flow.ports) && rule.peers.contains { $0.name == there }
        }
        #expect(covering.count == 1, "seed \(seed): \(flow) at \(here)")
        #expect(covering.first?.rows.contains(flow.row) ?? false, "seed \(seed): \(flow) at \(here)")
      }
    }
  }

  @Test(arguments: seeds) func noRuleIsWithoutARow(_ seed: UInt64) {
    let topology = RandomTopology.make(seed: seed)
    let flows = ExpectedFlow.all(of: topology)
    for rule in Planner.plan(topology).rules {
      #expect(!rule.rows.isEmpty && !rule.features.isEmpty)
      for peer in rule.peers {
        for row in rule.rows {
          for ports in rule.ports {
            let (source, destination) = rule.direction == .egress ? (rule.host, peer.name) : (peer.name, rule.host)
            let flow = ExpectedFlow(
              row: row, transport: rule.transport, ports: ports, source: source, destination: destination)
            #expect(flows.contains(flow), "seed \(seed): nothing needs \(flow)")
          }
        }
      }
    }
  }

  @Test(arguments: seeds) func aFeatureThatIsTakenOutTakesItsRules(_ seed: UInt64) {
    let topology = RandomTopology.make(seed: seed)
    for feature in topology.features {
      var less = topology
      less.features.removeAll { $0 == feature }
      let rules = Planner.plan(less).rules
      #expect(!rules.contains { $0.features.contains(feature) })
      let before = ExpectedFlow.all(of: topology)
      let after = ExpectedFlow.all(of: less)
      let gone = before.subtracting(after).map(\.row)
      for row in Set(gone) {
        #expect(!rules.contains { $0.rows.contains(row) }, "seed \(seed): \(row) without \(feature)")
      }
    }
  }

  @Test(arguments: seeds) func everyFormatNamesEveryRuleOfTheHosts(_ seed: UInt64) {
    let plan = Planner.plan(RandomTopology.make(seed: seed))
    for format in Format.all {
      let rendering = format.render(plan)
      #expect(rendering.gaps.isEmpty, "\(format.name)")
      for row in Set(plan.rules.flatMap(\.rows)) {
        let isNamed = [row.rawValue, MarkdownText.escaped(row.rawValue)].contains { occurs($0, in: rendering.text) }
        #expect(isNamed, "\(format.name) does not name \(row)")
      }
    }
  }
}

/// String's own search takes minutes for thousands of long texts when nothing is optimised.
private func occurs(_ words: String, in text: String) -> Bool { text.withCString { strstr($0, words) != nil } }

private enum MarkdownText {
  static func escaped(_ text: String) -> String { text.replacing("_", with: "\\_") }
}
