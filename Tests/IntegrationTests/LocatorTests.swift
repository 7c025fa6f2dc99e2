// SPDX-License-Identifier: Apache-2.0

import Foundation
import LDAP
import Logging
import NIOCore
import NIOPosix
import Testing
import TestSupport
import Wire

@testable import DirectoryLocator

/// The resolver and the locator against the DNS, CLDAP and KDC services of a real domain controller.
@Suite("Locator against a real domain", .enabled(if: Lab.current != nil, "needs BRIDGEHEAD_LAB"))
struct LocatorIntegrationTests {
  private let flows = RecordedFlows()
  private let forest: LabDescription.Forest
  private let controller: LabDescription.Controller
  private let dns: Endpoint

  init() throws {
    forest = try #require(Lab.current?.forests.first)
    controller = try #require(forest.controllers.first)
    let port = controller.ports["dns"] ?? 53
    dns = Endpoint(host: try #require(forest.dnsServers.first), port: port)
  }

  private func resolver(onlyTCP: Bool = false) -> DNSResolver {
    var configuration = DNSResolver.Configuration(servers: [dns])
    configuration.usesOnlyTCP = onlyTCP
    return DNSResolver(configuration, flow: Flow(row: "connect-ad/dns", recorder: flows))
  }

  private func locator(_ change: (inout DirectoryLocator.Configuration) -> Void = { _ in }) -> DirectoryLocator {
    var configuration = DirectoryLocator.Configuration()
    change(&configuration)
    return DirectoryLocator(
      configuration, resolver: resolver(), group: MultiThreadedEventLoopGroup.singleton,
      pingFlow: Flow(row: "connect-ad/ldap", recorder: flows), now: { Date() }, logger: Logger(label: "test"))
  }

  /// The lines of `dig +short`, without the trailing dots of names.
  private func dig(_ type: String, _ name: String, tcp: Bool) throws -> Set<String> {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/dig")
    process.arguments = ["+short", tcp ? "+tcp" : "+notcp", "@\(dns.host)", "-p", "\(dns.port)", type, name]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
    return Set(lines.map { $0.hasSuffix(".") ? String($0.dropLast()) : String($0) })
  }

  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/dig"), "needs dig"), arguments: [false, true])
  func digAgreesOnServices(tcp: Bool) async throws {
    let resolver = resolver(onlyTCP: tcp)
    let names = ["_ldap._tcp.dc._msdcs", "_kerberos._tcp", "_kerberos._udp", "_gc._tcp"].map { "\($0).\(forest.name)" }
    for name in names {
      let answer = try await resolver.services(name)
      let ours = Set(answer.records.map { "\($0.priority) \($0.weight) \($0.port) \($0.target)" })
      #expect(try ours == dig("SRV", name, tcp: tcp))
      #expect(!ours.isEmpty)
      #expect(answer.source == DNSSource(transport: tcp ? .tcp : .udp, server: dns))
    }
    #expect(flows.uses.count == names.count)
    #expect(flows.uses.allSatisfy { $0.transport == (tcp ? .tcp : .udp) && $0.row == "connect-ad/dns" })
  }

  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/dig"), "needs dig"), arguments: [false, true])
  func digAgreesOnAddresses(tcp: Bool) async throws {
    for controller in forest.controllers {
      let answer = try await resolver(onlyTCP: tcp).answer(controller.host, .a)
      #expect(try Set(answer.records) == dig("A", controller.host, tcp: tcp))
      #expect(answer.records.contains(controller.address))
      #expect(answer.source.transport == (tcp ? .tcp : .udp))
    }
  }

  @Test(.enabled(if: Lab.current?.forests.first?.controllers.first?.ports["dns"] ?? 53 == 53, "needs port 53"))
  func serversOfAResolverFileAreUsed() async throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("resolv-\(UUID().uuidString).conf")
    try Data("# test\nnameserver \(dns.host)\n".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    var configuration = DNSResolver.Configuration()
    configuration.systemConfiguration = file.path
    let resolver = DNSResolver(configuration, flow: Flow(row: "connect-ad/dns", recorder: flows))
    #expect(try await resolver.addresses(of: controller.host) == [controller.address])
    #expect(flows.uses.contains { $0.address == dns.host && $0.port == 53 && $0.transport == .udp })
  }

  @Test func choosesALiveWritableController() async throws {
    let found = try await locator().controllers(of: forest.name)
    let hosts = Set(found.map(\.hostName))
    #expect(hosts.isSubset(of: Set(forest.controllers.map { $0.host.lowercased() })))
    let first = try #require(found.first)
    let expected = try #require(forest.controllers.first { $0.host.lowercased() == first.hostName })
    #expect(first.address == expected.address && first.port == 389)
    #expect(first.domain == forest.name && first.forest == forest.name)
    #expect(first.site == expected.site)
    #expect(first.flags.isSuperset(of: [.writable, .ldap, .kdc]))
    #expect(first.isGlobalCatalog)
    let pings = flows.uses.filter { $0.row == "connect-ad/ldap" }
    #expect(pings.contains { $0.transport == .udp && $0.address == first.address && $0.port == 389 })
    #expect(flows.uses.contains { $0.row == "connect-ad/dns" })
  }

  @Test func findsCatalogsAndKeyDistributionCenters() async throws {
    let locator = locator()
    let catalogs = try await locator.globalCatalogs(of: forest.name)
    #expect(catalogs.allSatisfy { $0.port == 3268 && $0.isGlobalCatalog })
    #expect(!catalogs.isEmpty)
    let preferred = try await locator.controller(of: forest.name)
    let kdcs = try await locator.keyDistributionCenters(of: forest.name, preferring: preferred)
    #expect(kdcs.first == Endpoint(host: preferred.address, port: 88))
    #expect(Set(kdcs.map(\.host)) == Set(forest.controllers.map(\.address)))
  }

  @Test func aDomainThatIsNotThereIsMissingAForwarder() async throws {
    let error = await #expect(throws: LocatorError.self) {
      try await locator().controller(of: "nosuch.\(forest.name)")
    }
    #expect(error?.code == .domainNotFound)
    #expect(error?.message.contains(dns.description) ?? false)
  }

  @Test func aControllerOfThisDomainIsTheWrongTargetForAnother() async throws {
    let locator = locator {
      $0.allowedControllers = ["elsewhere.example": [Endpoint(host: controller.address, port: 389)]]
    }
    let error = await #expect(throws: LocatorError.self) { try await locator.controller(of: "elsewhere.example") }
    #expect(error?.code == .wrongDomain)
    #expect(!flows.uses.contains { $0.row == "connect-ad/ldap" })
  }

  @Test func losingTheOnlyControllersIsAnErrorAndLosingOneIsNot() async throws {
    let locator = locator()
    var lost = try await locator.controller(of: forest.name)
    for _ in 1..<forest.controllers.count {
      let next = try await locator.controller(after: lost)
      #expect(next.hostName != lost.hostName)
      lost = next
    }
    let error = await #expect(throws: LocatorError.self) { try await locator.controller(after: lost) }
    #expect(error?.code == .noLiveController)
    #expect(error?.message.contains(lost.hostName) ?? false)
  }
}
