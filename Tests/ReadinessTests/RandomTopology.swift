// SPDX-License-Identifier: Apache-2.0

import PortReference
import Readiness
import TestSupport
import Wire

/// Topologies without balancers, proxies on the way and translations, whose flows a test can list by itself.
struct RandomTopology {
  private var numbers: SeededGenerator
  private var count = 0

  static func make(seed: UInt64) -> Topology {
    var maker = RandomTopology(numbers: SeededGenerator(seed: seed))
    return maker.topology()
  }

  private mutating func topology() -> Topology {
    let features = Feature.allCases.filter { _ in Bool.random(using: &numbers) }
    var topology = Topology(
      name: "random", features: features, connect: hosts("sync", 1...3),
      forests: (1...Int.random(in: 1...2, using: &numbers)).map { forest("f\($0).example") })
    topology.resolvers = Bool.random(using: &numbers) ? hosts("ns", 1...2) : nil
    var service = CloudService("cloud", addresses: addresses())
    service.external = false
    service.protocols = Bool.random(using: &numbers) ? [.https, .http] : [.https]
    topology.cloud = [service]
    topology.federation = FederationFarm("fs.f1.example", hosts("fs", 1...3))
    topology.proxies = hosts("wap", 1...3)
    topology.users = hosts("office", 1...2)
    var policy = Policy()
    policy.stateful = Bool.random(using: &numbers)
    if Bool.random(using: &numbers) { policy.rpcPorts = [PortRange(Ports(50000)), PortRange(Ports(50010...50019))] }
    policy.certificateAuthentication = Bool.random(using: &numbers) ? .name : .port
    topology.policy = policy
    return topology
  }

  private mutating func forest(_ name: String) -> Forest {
    let domains = (0..<Int.random(in: 1...2, using: &numbers)).map { index in
      let domain = index == 0 ? name : "child\(index).\(name)"
      return Forest.Domain(
        domain,
        hosts("dc", 1...3).map { host in
          Forest.Controller(
            "\(host.name).\(domain)", host.addresses, globalCatalog: Bool.random(using: &numbers),
            readOnly: Int.random(in: 0...4, using: &numbers) == 0)
        })
    }
    let all = domains.flatMap(\.controllers).map(\.name)
    return Forest(
      name, domains, domainControllers: Int.random(in: 0...3, using: &numbers) == 0 ? Array(all.prefix(2)) : nil)
  }

  private mutating func hosts(_ name: String, _ range: ClosedRange<Int>) -> [Host] {
    (1...Int.random(in: range, using: &numbers)).map { _ in
      let addresses = addresses()
      return Host("\(name)\(count)", addresses)
    }
  }

  /// Never used twice; IPv4 always, so that all can meet.
  private mutating func addresses() -> [IPNetwork] {
    count += 1
    let texts = ["10.0.\(count).1"] + (Bool.random(using: &numbers) ? ["2001:db8:\(count)::1"] : [])
    return texts.compactMap { IPNetwork(parsing: $0) }
  }
}
