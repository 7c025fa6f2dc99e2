// SPDX-License-Identifier: Apache-2.0

import PortReference
import Readiness
import Testing

@Suite struct PlannerTests {
  private func networks(_ texts: String...) -> [IPNetwork] { texts.compactMap { IPNetwork(parsing: $0) } }

  /// Users, two proxies behind a virtual address, and a farm.
  private func balanced(_ forwarding: VirtualAddress.Forwarding) -> Topology {
    var topology = Topology(
      name: "t", features: [.federatedSignIn], connect: [Host("sync1", networks("192.0.2.10"))],
      forests: [Forest("corp.example", [.init("corp.example", [.init("dc1.corp.example", networks("192.0.2.1"))])])])
    topology.federation = FederationFarm("fs.corp.example", [Host("fs1", networks("192.0.2.21"))])
    topology.proxies = [Host("wap1", networks("192.0.2.31")), Host("wap2", networks("192.0.2.32"))]
    topology.users = [Host("office", networks("198.51.100.0/24"))]
    topology.virtualAddresses = [
      VirtualAddress(
        "vip", networks("192.0.2.30"), nodes: ["wap1", "wap2"], forwarding: forwarding,
        sourceAddresses: networks("192.0.2.29"))
    ]
    return topology
  }

  /// `source addresses > destination addresses` of the rules of row users-proxy/https at a host.
  private func ways(_ plan: Plan, at host: String, _ direction: Direction) -> [String] {
    plan.rules.filter { $0.host == host && $0.direction == direction && $0.rows.contains(.usersProxyHTTPS) }
      .flatMap(\.matches).map { match in
        match.source.map(\.description).joined(separator: " ") + " > "
          + match.destination.map(\.description).joined(separator: " ")
      }
  }

  @Test func aFullProxyHidesTheClient() {
    let plan = Planner.plan(balanced(.full))
    #expect(ways(plan, at: "office", .egress) == ["198.51.100.0/24 > 192.0.2.30"])
    #expect(ways(plan, at: "vip", .ingress) == ["198.51.100.0/24 > 192.0.2.30"])
    #expect(ways(plan, at: "vip", .egress) == ["192.0.2.29 > 192.0.2.31 192.0.2.32"])
    #expect(ways(plan, at: "wap1", .ingress) == ["192.0.2.29 > 192.0.2.31"])
  }

  @Test func destinationTranslationShowsTheClient() {
    let plan = Planner.plan(balanced(.destination))
    #expect(ways(plan, at: "vip", .egress) == [])
    #expect(ways(plan, at: "wap2", .ingress) == ["198.51.100.0/24 > 192.0.2.32"])
  }

  @Test func directReturnShowsTheVirtualAddress() {
    let plan = Planner.plan(balanced(.direct))
    #expect(ways(plan, at: "wap2", .ingress) == ["198.51.100.0/24 > 192.0.2.30"])
  }

  @Test func translationsAreSeenFromTheOtherEndOnly() {
    var topology = balanced(.destination)
    topology.translations = [
      Translation(hosts: ["office"], seenBy: ["proxy"], seenAs: networks("203.0.113.9")),
      Translation(hosts: ["vip"], seenBy: ["users"], seenAs: networks("203.0.113.30")),
    ]
    let plan = Planner.plan(topology)
    #expect(ways(plan, at: "office", .egress) == ["198.51.100.0/24 > 203.0.113.30"])
    #expect(ways(plan, at: "vip", .ingress) == ["203.0.113.9 > 192.0.2.30"])
    #expect(ways(plan, at: "wap1", .ingress) == ["203.0.113.9 > 192.0.2.31"])
  }

  @Test func aViewLeadsSomeUsersElsewhere() {
    var topology = balanced(.destination)
    topology.users?.append(Host("inside", networks("10.0.0.0/16")))
    topology.federation?.views = [
      .init(seenFrom: ["inside"], targets: ["fs1"]), .init(seenFrom: ["users"], targets: ["vip"]),
    ]
    let plan = Planner.plan(topology)
    #expect(plan.usersAtFarm == ["inside"])
    #expect(!plan.rules.contains { $0.host == "inside" || $0.peers.contains { $0.name == "inside" } })
    #expect(ways(plan, at: "office", .egress) == ["198.51.100.0/24 > 192.0.2.30"])
  }

  @Test func anOutboundProxyStandsBetweenConnectAndTheCloud() {
    var topology = balanced(.full)
    topology.features = [.cloudExport, .revocationChecking]
    topology.cloud = [
      CloudService("sign-in", dnsNames: ["login.example.com", "*.example.com"].compactMap { DNSPattern(parsing: $0) })
    ]
    topology.outboundProxy = OutboundProxy("web", networks("192.0.2.80"), port: 8080)
    let plan = Planner.plan(topology)
    let atConnect = plan.rules.filter { $0.host == "sync1" && $0.rows.contains(.connectCloudHTTPS) }
    #expect(atConnect.map(\.service) == ["tcp 8080"])
    #expect(atConnect.flatMap(\.peers).map(\.name) == ["web"])
    let atProxy = plan.rules.filter { $0.host == "web" && $0.direction == .egress }
    #expect(atProxy.map(\.service) == ["tcp 443"])
    #expect(atProxy.flatMap(\.namedPeers).flatMap(\.names).map(\.text) == ["*.example.com", "login.example.com"])
  }

  /// Rows that share ends and a port are one rule with both names.
  @Test func rowsThatShareAPortShareARule() {
    var topology = balanced(.full)
    topology.virtualAddresses = nil
    topology.features = [.federatedSignIn, .certificateAuthentication]
    topology.policy = Policy()
    topology.policy?.certificateAuthentication = .name
    let rules = Planner.plan(topology).rules.filter { $0.host == "wap1" && $0.direction == .ingress }
    #expect(rules.map(\.service) == ["tcp 443"])
    #expect(rules.map(\.rows) == [[.usersProxyHTTPS, .usersProxyCertificateAuthentication]])
  }

  @Test func endsWithoutACommonFamilyGetNoRule() {
    var topology = balanced(.full)
    topology.users = [Host("six", networks("2001:db8::/64"))]
    let plan = Planner.plan(topology)
    #expect(plan.unreachable == [UnreachableFlow(row: .usersProxyHTTPS, source: "six", destination: "vip")])
    #expect(!plan.rules.contains { $0.host == "six" })
  }

  /// A domain controller has a DNS name, but its address is known and of a family that nobody plans.
  @Test func addressesOfAFamilyThatIsNotPlannedGetNoRule() {
    var topology = balanced(.full)
    topology.features = [.directoryImport]
    topology.forests[0].domains[0].controllers[0].addresses = networks("2001:db8::1")
    topology.policy = Policy()
    topology.policy?.addressFamilies = [.ipv4]
    let plan = Planner.plan(topology)
    #expect(plan.rules.isEmpty)
    #expect(plan.unreachable.map(\.row) == [.connectADDNS, .connectADKerberos, .connectADLDAP])
  }

  @Test func namesAreNeverOpenedAsAddresses() throws {
    var topology = balanced(.full)
    topology.features = [.cloudExport]
    topology.cloud = [CloudService("cloud", dnsNames: [try #require(DNSPattern(parsing: "*.example.com"))])]
    let plan = Planner.plan(topology)
    for format in Format.all where !["csv", "markdown"].contains(format.name) {
      let rendering = format.render(plan)
      #expect(rendering.gaps.map(\.rows) == [[.connectCloudHTTPS]], "\(format.name)")
      #expect(rendering.text.contains("NOT EXPRESSED"), "\(format.name)")
      let rules = rendering.text.split(separator: "\n").filter { line in
        !["#", "!", "//"].contains { line.trimmingPrefix(while: \.isWhitespace).hasPrefix($0) }
      }
      #expect(!rules.contains { $0.contains("443") }, "\(format.name)")
    }
  }
}
