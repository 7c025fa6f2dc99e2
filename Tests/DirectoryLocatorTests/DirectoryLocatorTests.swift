// SPDX-License-Identifier: Apache-2.0

import Foundation
import LDAP
import Logging
import Testing
import TestSupport
import Wire

@testable import DirectoryLocator

/// A domain made of a fake DNS server and fake controllers, and a locator that asks them.
private final class Scene: Sendable {
  let flows = RecordedFlows()
  let clock = TestClock()
  private let controllers: [FakeDomainController]
  private let services: [String: [ServiceRecord]]

  /// - Parameter services: by the SRV name, without the domain `corp.example`.
  init(_ controllers: [FakeDomainController], _ services: [String: [ServiceRecord]]) {
    self.controllers = controllers
    self.services = Dictionary(uniqueKeysWithValues: services.map { ($0.key + ".corp.example", $0.value) })
  }

  static func record(_ controller: FakeDomainController, priority: UInt16 = 0) -> ServiceRecord {
    ServiceRecord(priority: priority, weight: 100, port: UInt16(controller.port), target: controller.name)
  }

  /// For scenes in which somebody is silent, so that the last pause has to be waited for.
  static let silence: @Sendable (inout DirectoryLocator.Configuration) -> Void = {
    $0.pingPauses = [.milliseconds(40), .milliseconds(80), .seconds(1)]
    $0.settlingTime = .milliseconds(300)
  }

  func run<R: Sendable>(
    _ change: (inout DirectoryLocator.Configuration) -> Void = { _ in },
    _ body: (DirectoryLocator, FakeDNS) async throws -> R
  ) async throws -> R {
    var configuration = DirectoryLocator.Configuration()
    // Whoever answers may take its time on a busy machine.
    configuration.pingPauses = [.milliseconds(40), .milliseconds(80), .seconds(60)]
    configuration.settlingTime = .seconds(60)
    change(&configuration)
    let (services, clock) = (services, clock)
    let hosts = Set(services.values.joined().map(\.target))
    let result = try await FakeDNS.run({ question in
      switch question.type {
      case 33: services[question.name].map { .services($0) } ?? .nameError
      case 1 where hosts.contains(question.name) && !question.name.hasPrefix("lost"): .addresses(["127.0.0.1"])
      case 6 where question.name == "corp.example": .noData
      case 28 where hosts.contains(question.name): .noData
      default: .nameError
      }
    }) { server in
      var dns = DNSResolver.Configuration(servers: [server.endpoint])
      dns.attemptTimeout = .seconds(60)
      let locator = DirectoryLocator(
        configuration, resolver: DNSResolver(dns, flow: nil), group: testGroup,
        pingFlow: Flow(row: "connect-ad/ldap", recorder: flows), now: { clock.now },
        randomNumbers: SeededGenerator(seed: 1), logger: Logger(label: "test"))
      return try await body(locator, server)
    }
    for controller in controllers { await controller.stop() }
    return result
  }
}

@Suite("Directory locator")
struct DirectoryLocatorTests {
  private static let all = "_ldap._tcp.dc._msdcs"

  @Test func describesTheControllerAndRecordsTheFlow() async throws {
    let dc = try await FakeDomainController(
      "dc1.corp.example", flags: [.ldap, .writable, .globalCatalog, .webServices])
    let scene = Scene([dc], [Self.all: [Scene.record(dc)]])
    try await scene.run { locator, _ in
      let found = try await locator.controller(of: "Corp.Example.")
      #expect(found.hostName == "dc1.corp.example" && found.address == "127.0.0.1" && found.port == dc.port)
      #expect(found.domain == "corp.example" && found.forest == "corp.example")
      #expect(found.site == "Berlin" && found.clientSite == "Berlin")
      #expect(found.isGlobalCatalog && found.flags.contains(.webServices) && found.latency > .zero)
    }
    #expect(
      scene.flows.uses == [
        FlowUse(
          row: "connect-ad/ldap", transport: .udp, host: "dc1.corp.example", address: "127.0.0.1", port: dc.port,
          protection: "none")
      ])
  }

  @Test func refusesReadOnlyControllers() async throws {
    let rodc = try await FakeDomainController("ro.corp.example", flags: [.ldap, .readOnly])
    let dc = try await FakeDomainController("dc1.corp.example")
    let scene = Scene([rodc, dc], [Self.all: [Scene.record(rodc), Scene.record(dc, priority: 10)]])
    try await scene.run { locator, _ in
      let found = try await locator.controllers(of: "corp.example")
      #expect(found.map(\.hostName) == ["dc1.corp.example"])
    }
    let lonely = try await FakeDomainController("ro.corp.example", flags: [.ldap, .readOnly])
    try await Scene([lonely], [Self.all: [Scene.record(lonely)]]).run { locator, _ in
      let error = try await locatorError { try await locator.controller(of: "corp.example") }
      #expect(error.code == .onlyReadOnlyControllers)
      #expect(error.message.contains("ro.corp.example") && error.message.contains("read-only"))
    }
  }

  @Test func aServerOfAnotherDomainIsTheWrongTarget() async throws {
    let other = try await FakeDomainController("dc1.other.example", domain: "other.example")
    let scene = Scene([other], [Self.all: [Scene.record(other)]])
    try await scene.run { locator, _ in
      let error = try await locatorError { try await locator.controller(of: "corp.example") }
      #expect(error.code == .wrongDomain)
      #expect(error.message.contains("dc1.other.example"))
    }
    #expect(scene.flows.uses.isEmpty)
  }

  @Test func deadSilentPausedAndGarbledOnesAreNamedWithTheirVerdict() async throws {
    let silent = try await FakeDomainController("silent.corp.example", .silent)
    let garbled = try await FakeDomainController("garbled.corp.example", .garbage)
    let stray = try await FakeDomainController("stray.corp.example", .otherMessage)
    let paused = try await FakeDomainController("paused.corp.example", opcode: .samPauseResponse)
    let dead = ServiceRecord(priority: 0, weight: 0, port: UInt16(try await deadPort()), target: "dead.corp.example")
    let lost = ServiceRecord(priority: 0, weight: 0, port: 389, target: "lost.corp.example")
    let records = [silent, garbled, stray, paused].map { Scene.record($0) } + [dead, lost]
    try await Scene([silent, garbled, stray, paused], [Self.all: records]).run(Scene.silence) { locator, _ in
      let error = try await locatorError { try await locator.controller(of: "corp.example") }
      #expect(error.code == .noLiveController)
      for part in [
        "silent.corp.example:\(silent.port) is silent",
        "garbled.corp.example:\(garbled.port) gives an unreadable answer",
        "stray.corp.example:\(stray.port) gives an unreadable answer", "paused.corp.example:\(paused.port) is paused",
        "dead.corp.example:\(dead.port) refuses UDP", "lost.corp.example:389 has no address (hostNotFound)",
      ] { #expect(error.message.contains(part), "\(part) in \(error.message)") }
    }
  }

  @Test func aLostDatagramIsSentAgain() async throws {
    let dc = try await FakeDomainController("dc1.corp.example", .deafUntil(copy: 3))
    try await Scene([dc], [Self.all: [Scene.record(dc)]]).run { locator, _ in
      let chosen = try await locator.controller(of: "corp.example")
      #expect(chosen.hostName == "dc1.corp.example")
    }
    #expect(dc.pings == 3)
  }

  @Test func learnsTheSiteAndPrefersItsControllers() async throws {
    let far = try await FakeDomainController("far.corp.example", site: "Tokyo", clientSite: "Berlin")
    let near = try await FakeDomainController("near.corp.example", site: "Berlin", clientSite: "Berlin")
    let services = [
      Self.all: [Scene.record(far)], "_ldap._tcp.Berlin._sites.dc._msdcs".lowercased(): [Scene.record(near)],
    ]
    try await Scene([far, near], services).run { locator, server in
      let found = try await locator.controllers(of: "corp.example")
      #expect(found.map(\.hostName) == ["near.corp.example", "far.corp.example"])
      // From now on the site's records are asked for first.
      let before = server.questions.count
      let chosen = try await locator.controller(of: "corp.example")
      #expect(chosen.hostName == "near.corp.example")
      #expect(server.questions[before].name == "_ldap._tcp.berlin._sites.dc._msdcs.corp.example")
    }
  }

  @Test func findsTheLiveOneAmongManySilentOnes() async throws {
    let silent = try await FakeDomainController("silent.corp.example", .silent)
    let live = try await FakeDomainController("live.corp.example")
    let many = (0..<20).map {
      ServiceRecord(priority: 0, weight: 100, port: UInt16(silent.port), target: "s\($0).corp.example")
    }
    let scene = Scene([silent, live], [Self.all: many + [Scene.record(live, priority: 1)]])
    try await scene.run(Scene.silence) { locator, _ in
      let chosen = try await locator.controller(of: "corp.example")
      #expect(chosen.hostName == "live.corp.example")
    }
  }

  @Test func aNearControllerBeyondTheFirstHundredIsFound() async throws {
    let far = try await FakeDomainController("far.corp.example", site: "Tokyo", clientSite: "Berlin")
    let near = try await FakeDomainController("near.corp.example")
    let dead = UInt16(try await deadPort())
    let many = (0..<100).map { ServiceRecord(priority: 1, weight: 1, port: dead, target: "d\($0).corp.example") }
    let services = [
      Self.all: [Scene.record(far)] + many + [Scene.record(near, priority: 2)],
      "_ldap._tcp.berlin._sites.dc._msdcs": [Scene.record(near)],
    ]
    try await Scene([far, near], services).run { locator, _ in
      let chosen = try await locator.controller(of: "corp.example")
      #expect(chosen.hostName == "near.corp.example")
    }
  }

  @Test func aGivenSiteWinsOverPriorities() async throws {
    let hub = try await FakeDomainController("hub.corp.example", site: "Hub", clientSite: "Berlin")
    let local = try await FakeDomainController("local.corp.example", site: "Berlin", clientSite: "Berlin")
    let services = [
      Self.all: [Scene.record(local), Scene.record(hub, priority: 50)],
      "_ldap._tcp.hub._sites.dc._msdcs": [Scene.record(hub, priority: 50)],
    ]
    try await Scene([hub, local], services).run({ $0.site = "Hub" }) { locator, _ in
      let found = try await locator.controllers(of: "corp.example")
      #expect(found.map(\.hostName) == ["hub.corp.example", "local.corp.example"])
    }
  }

  @Test func onlyAllowedControllersAreUsedInTheirOrder() async throws {
    let first = try await FakeDomainController("dc1.corp.example", .deafUntil(copy: 2))
    let second = try await FakeDomainController("dc2.corp.example")
    let forbidden = try await FakeDomainController("dc3.corp.example")
    let scene = Scene(
      [first, second, forbidden], [Self.all: [Scene.record(forbidden), Scene.record(first), Scene.record(second)]])
    try await scene.run({
      $0.allowedControllers = [
        "CORP.EXAMPLE": [
          Endpoint(host: "127.0.0.1", port: first.port), Endpoint(host: "dc2.corp.example", port: second.port),
        ]
      ]
    }) { locator, _ in
      let found = try await locator.controllers(of: "corp.example")
      #expect(found.map(\.hostName) == ["dc1.corp.example", "dc2.corp.example"])
    }
    #expect(forbidden.pings == 0)
  }

  @Test func noAllowedControllerAliveIsAClearError() async throws {
    let live = try await FakeDomainController("dc1.corp.example")
    let port = try await deadPort()
    try await Scene([live], [Self.all: [Scene.record(live)]]).run({
      $0.allowedControllers = ["corp.example": [Endpoint(host: "127.0.0.1", port: port)]]
    }) { locator, _ in
      let error = try await locatorError { try await locator.controller(of: "corp.example") }
      #expect(error.code == .noAllowedController)
      #expect(error.message.contains("127.0.0.1:\(port) refuses UDP"))
    }
    #expect(live.pings == 0)
  }

  @Test func aCandidateThatCannotBeSentToDoesNotEndTheSearch() async throws {
    let live = try await FakeDomainController("dc1.corp.example")
    let broadcast = Endpoint(host: "255.255.255.255", port: 389)
    let name = "corp.example"
    try await Scene([], [:]).run({ $0.allowedControllers = [name: [broadcast]] }) { locator, _ in
      let error = try await locatorError { try await locator.controller(of: name) }
      #expect(error.code == .noAllowedController)
      #expect(error.message.contains("255.255.255.255:389 cannot be asked"))
    }
    let both = [broadcast, Endpoint(host: "127.0.0.1", port: live.port)]
    try await Scene([live], [:]).run({ $0.allowedControllers = [name: both] }) { locator, _ in
      let chosen = try await locator.controller(of: name)
      #expect(chosen.hostName == "dc1.corp.example")
    }
  }

  @Test func aLostControllerIsAvoidedForAWhile() async throws {
    let first = try await FakeDomainController("dc1.corp.example")
    let second = try await FakeDomainController("dc2.corp.example")
    let scene = Scene([first, second], [Self.all: [Scene.record(first), Scene.record(second, priority: 10)]])
    try await scene.run({ $0.exclusionPeriod = 60 }) { locator, _ in
      let lost = try await locator.controller(of: "corp.example")
      #expect(lost.hostName == "dc1.corp.example")
      let next = try await locator.controller(after: lost)
      #expect(next.hostName == "dc2.corp.example")
      scene.clock.advance(by: 59)
      let found = try await locator.controllers(of: "corp.example")
      #expect(found.map(\.hostName) == ["dc2.corp.example"])
      let error = try await locatorError { try await locator.controller(after: next) }
      #expect(error.code == .noLiveController)
      #expect(error.message.contains("dc1.corp.example was lost and is avoided for another 1 s"))
      #expect(error.message.contains("dc2.corp.example was lost and is avoided for another 60 s"))
      scene.clock.advance(by: 2)
      let chosen = try await locator.controller(of: "corp.example")
      #expect(chosen.hostName == "dc1.corp.example")
    }
  }

  @Test func anAllowedAddressIsAvoidedUnderItsName() async throws {
    let first = try await FakeDomainController("dc1.corp.example")
    let second = try await FakeDomainController("dc2.corp.example")
    try await Scene([first, second], [Self.all: [Scene.record(second)]]).run({
      $0.allowedControllers = [
        "corp.example": [
          Endpoint(host: "localhost", port: first.port), Endpoint(host: "dc2.corp.example", port: second.port),
        ]
      ]
    }) { locator, _ in
      let lost = try await locator.controller(of: "corp.example")
      #expect(lost.hostName == "dc1.corp.example")
      let chosen = try await locator.controller(after: lost)
      #expect(chosen.hostName == "dc2.corp.example")
    }
  }

  @Test func missingForwarderAndMissingRecordsAreToldApart() async throws {
    try await Scene([], [:]).run { locator, server in
      let records = try await locatorError { try await locator.controller(of: "corp.example") }
      #expect(records.code == .noServiceRecords)
      #expect(records.remedy.contains("Netlogon"))
      let zone = try await locatorError { try await locator.controller(of: "unknown.example") }
      #expect(zone.code == .domainNotFound)
      #expect(zone.remedy.contains("conditional forwarder"))
      #expect(zone.message.contains(server.endpoint.description))
    }
  }

  @Test func globalCatalogsOfTheForestMayLiveInAnyDomain() async throws {
    let flags: DomainControllerFlags = [.ldap, .writable, .globalCatalog]
    let child = try await FakeDomainController("dc1.child.corp.example", domain: "child.corp.example", flags: flags)
    let record = ServiceRecord(priority: 0, weight: 0, port: 3268, target: child.name)
    try await Scene([child], ["_gc._tcp": [record]]).run({ $0.catalogPingPort = child.port }) { locator, _ in
      let found = try await locator.globalCatalogs(of: "corp.example")
      #expect(found.map(\.hostName) == ["dc1.child.corp.example"])
      #expect(found.map(\.port) == [3268])
      #expect(found.map(\.domain) == ["child.corp.example"])
    }
  }

  @Test func aControllerWithoutTheCatalogIsNone() async throws {
    let dc = try await FakeDomainController("dc1.corp.example")
    let record = ServiceRecord(priority: 0, weight: 0, port: 3268, target: dc.name)
    try await Scene([dc], ["_gc._tcp": [record]]).run({ $0.catalogPingPort = dc.port }) { locator, _ in
      let error = try await locatorError { try await locator.globalCatalogs(of: "corp.example") }
      #expect(error.code == .noGlobalCatalog)
    }
  }

  @Test func keyDistributionCentersAreNumericAndThePreferredComesFirst() async throws {
    let first = try await FakeDomainController("dc1.corp.example")
    let second = try await FakeDomainController("dc2.corp.example")
    let kdcs = [
      ServiceRecord(priority: 0, weight: 0, port: 88, target: "dc1.corp.example"),
      ServiceRecord(priority: 5, weight: 0, port: 8888, target: "dc2.corp.example"),
    ]
    let scene = Scene(
      [first, second], [Self.all: [Scene.record(first), Scene.record(second, priority: 1)], "_kerberos._tcp": kdcs])
    try await scene.run { locator, _ in
      let here = { Endpoint(host: "127.0.0.1", port: $0) }
      #expect(try await locator.keyDistributionCenters(of: "corp.example") == [here(88), here(8888)])
      let dc2 = try await locator.controllers(of: "corp.example")[1]
      #expect(try await locator.keyDistributionCenters(of: "corp.example", preferring: dc2) == [here(8888), here(88)])
      await locator.exclude(dc2)
    }
  }

  @Test func cancellationEndsASearch() async throws {
    let silent = try await FakeDomainController("silent.corp.example", .silent)
    try await Scene([silent], [Self.all: [Scene.record(silent)]]).run({ $0.pingPauses = [.seconds(3600)] }) {
      locator, _ in
      let search = Task { try await locator.controller(of: "corp.example") }
      try await eventually { silent.pings > 0 }
      search.cancel()
      await #expect(throws: CancellationError.self) { try await search.value }
    }
  }

  @Test func errorsHaveStableIdentifiers() {
    #expect(LocatorError(.domainNotFound, "m", remedy: "r").identifier == "locator.domainNotFound")
    #expect(LocatorError(.domainNotFound, "m", remedy: "r").description == "m Remedy: r")
  }
}
