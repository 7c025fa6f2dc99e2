// SPDX-License-Identifier: Apache-2.0

import PortReference
import Readiness
import Testing

@Suite struct LintTests {
  private static func networks(_ texts: String...) -> [IPNetwork] { texts.compactMap { IPNetwork(parsing: $0) } }

  private static func hosts(_ count: Int) -> [IPNetwork] {
    (1...count).compactMap { IPNetwork(parsing: "10.0.0.\($0)") }
  }

  private static func findings(
    _ topology: String, format: String? = nil, _ change: (inout Topology) -> Void = { _ in }
  ) throws -> [LintFinding] {
    var topology = try Goldens.topology(topology)
    change(&topology)
    let plan = Planner.plan(topology)
    return Lint.findings(topology, plan, rendering: format.flatMap(Format.named)?.render(plan))
  }

  /// For each rule of the lint a topology that breaks it.
  private static func breaking(_ rule: LintRule) throws -> [LintFinding] {
    switch rule {
    case .reference, .forestResilience: return try findings("small")
    case .referenceUsersInside, .referenceFarmDirectory, .referenceFarmRevocation, .wideRPC, .translationRPC,
      .virtualCertificate:
      return try findings("sites")
    case .wideAnswers: return try findings("stateless-ipv6")
    case .quota:
      return try findings("small", format: "aws-terraform") { $0.connect[0].addresses = hosts(61) }
    case .notExpressed: return try findings("pinned-certauth", format: "nftables")
    case .wideNetwork: return try findings("small") { $0.connect[0].addresses = networks("10.0.0.0/8") }
    case .overlap: return try findings("small") { $0.connect[0].addresses = networks("192.0.2.0/24") }
    case .unreachableFamily: return try findings("small") { $0.connect[0].addresses = networks("2001:db8::1") }
    case .unreachableFeature:
      return try findings("small") {
        $0.features.append(.seamlessSSO)
        $0.forests[0].domains[0].controllers[0].globalCatalog = nil
      }
    case .unreachableAllowed:
      return try findings("sites") { $0.forests[0].domainControllers = ["dc1.corp.example"] }
    case .unusedHost: return try findings("small") { $0.users = [Host("office", networks("198.51.100.0/24"))] }
    case .forestRoot: return try findings("sites") { $0.forests[0].domains.removeFirst() }
    case .forestDomain: return try findings("sites") { $0.forests[0].domains[1].controllers.removeFirst() }
    }
  }

  @Test(arguments: LintRule.allCases) func eachRuleFindsWhatItIsFor(_ rule: LintRule) throws {
    let found = try Self.breaking(rule).filter { $0.rule == rule }
    #expect(!found.isEmpty)
    #expect(found.allSatisfy { !$0.message.isEmpty && $0.remedy.hasSuffix(".") && $0.level == rule.level })
  }

  /// A security group takes 60 rules of a direction and a family, and not one more; a file of other formats is not counted.
  @Test func quotasAreCountedWhereThePlatformCounts() throws {
    func quotas(_ format: String, _ count: Int) throws -> [LintFinding] {
      try Self.findings("small", format: format) {
        $0.forests[0].domains[0].controllers[0].addresses = Self.hosts(count)
        $0.features = [.revocationChecking]
        $0.cloud?[0].addresses = Self.hosts(count)
        $0.cloud?[0].protocols = [.http]
      }.filter { $0.rule == .quota }
    }
    #expect(try quotas("aws-terraform", 60).isEmpty)
    let found = try quotas("aws-terraform", 61)
    #expect(found.map(\.message) == ["At sync1: 61 outbound IPv4 rules of a security group, where 60 are the limit."])
    #expect(try quotas("azure-terraform", 61).isEmpty && quotas("nftables", 61).isEmpty)
  }

  @Test func aSoundTopologyGetsNotesOnly() throws {
    #expect(try Self.findings("small").allSatisfy { $0.level == .note })
  }

  @Test func theMostSevereComeFirst() throws {
    let levels = try Self.findings("sites") { $0.forests[0].domains.removeFirst() }.map(\.level)
    #expect(levels == levels.sorted(by: >) && levels.first == .error)
  }

  /// Annotations are told where a row that they concern has a rule, and no more where the topology answers them.
  @Test func annotationsFollowTheRows() throws {
    func numbers(_ findings: [LintFinding]) -> Set<Int> {
      Set(
        findings.filter { $0.rule == .reference }.compactMap {
          Int($0.message.dropFirst("Annotation ".count).prefix { $0.isNumber })
        })
    }
    #expect(numbers(try Self.findings("small")) == [3, 4, 7, 12, 13, 14])
    #expect(numbers(try Self.findings("sites") { $0.resolvers = nil }) == Set(1...14))
    let pinned = numbers(try Self.findings("pinned-certauth"))
    #expect(!pinned.contains(6) && !pinned.contains(11))
  }

  @Test func problemsNameTheirPlace() throws {
    func problems(_ change: (inout Topology) -> Void) throws -> [String] {
      var topology = try Goldens.topology("sites")
      change(&topology)
      return topology.problems.map { "\($0.path) \($0.message)" }
    }
    #expect(try problems { _ in } == [])
    #expect(try problems { $0.connect[1].name = "SYNC1" }.first == "connect[1].name names SYNC1 a second time")
    #expect(
      try problems { $0.proxies?[0].addresses = nil } == ["proxies[0] has neither addresses nor a DNS name: wap1"])
    #expect(
      try problems { $0.virtualAddresses?[0].nodes[1] = "wap1" } == [
        "virtualAddresses[0].nodes[1] mixes federation servers and proxies behind fs-vip"
      ])
    #expect(
      try problems { $0.virtualAddresses?[0].nodes[0] = "nobody" }.first
        == "virtualAddresses[0].nodes[0] names nobody, which is nowhere in this file")
    #expect(
      try problems { $0.translations?[0].seenBy = ["nobody"] } == [
        "translations[0].seenBy[0] names nobody, which is nowhere in this file"
      ])
    #expect(
      try problems { $0.forests[1].domainControllers = ["dc1.corp.example"] } == [
        "forests[1].domainControllers[0] names dc1.corp.example, which is no controller of lab.example"
      ])
    #expect(
      try problems {
        $0.policy?.rpcPorts = [PortRange(Ports(5000...6000)), PortRange(Ports(6000...6001))]
      } == [
        "policy.rpcPorts[0] overlaps port 5985 of connect-ad/winrm", "policy.rpcPorts[1] overlaps an earlier range",
      ])
    #expect(try problems { $0.features.append(.directoryImport) } == ["features[13] names import a second time"])
    #expect(try problems { $0.policy?.addressFamilies = [] } == ["policy.addressFamilies is empty"])
    #expect(
      try problems {
        $0.users = nil
        $0.federation?.views = nil
        $0.translations = nil
      }.contains("features[11] uses device-authentication, and the file names nobody for the users"))
    #expect(try problems { $0.cloud?[0] = CloudService("sign-in") } == ["cloud[0] says nowhere where sign-in is"])
  }
}
