// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Testing
import TestSupport
import Wire

@testable import DirectoryLocator

@Suite("DNS resolver")
struct DNSResolverTests {
  private let flows = RecordedFlows()
  private static let row = "connect-ad/dns"

  /// Patient with answers that a busy machine is slow to give; a test of silence brings a time-out of its own.
  private func resolver(
    _ servers: Endpoint..., onlyTCP: Bool = false, timeout: Duration = .seconds(60), attempts: Int = 2
  ) -> DNSResolver {
    var configuration = DNSResolver.Configuration(servers: servers)
    configuration.usesOnlyTCP = onlyTCP
    configuration.attemptTimeout = timeout
    configuration.attempts = attempts
    return DNSResolver(configuration, flow: Flow(row: Self.row, recorder: flows))
  }

  private func use(_ transport: TransportProtocol, _ server: Endpoint) -> FlowUse {
    FlowUse(
      row: Self.row, transport: transport, host: "", address: server.host, port: server.port, protection: "none")
  }

  @Test func answerOverUDPNamesServerAndTransport() async throws {
    try await FakeDNS.run({ _ in .addresses(["192.0.2.7", "192.0.2.8"]) }) { server in
      let answer = try await resolver(server.endpoint).addressRecords(of: "dc1.corp.example.")
      #expect(answer.records == ["192.0.2.7", "192.0.2.8"])
      #expect(answer.source == DNSSource(transport: .udp, server: server.endpoint))
      #expect(flows.uses == [use(.udp, server.endpoint)])
      #expect(server.questions.map(\.name) == ["dc1.corp.example"])
    }
  }

  @Test func truncatedAnswerIsAskedForAgainOverTCP() async throws {
    let records = (0..<120).map { ServiceRecord(priority: 0, weight: 100, port: 389, target: "dc\($0).corp.example") }
    try await FakeDNS.run({ $0.transport == .udp ? .truncated : .services(records) }) { server in
      let answer = try await resolver(server.endpoint).services("_ldap._tcp.dc._msdcs.corp.example")
      #expect(Set(answer.records) == Set(records))
      #expect(answer.source == DNSSource(transport: .tcp, server: server.endpoint))
      #expect(server.questions.map(\.transport) == [.udp, .tcp])
      #expect(flows.uses == [use(.tcp, server.endpoint)])
    }
  }

  @Test func onlyTCPSendsNoDatagram() async throws {
    try await FakeDNS.run({ _ in .addresses(["192.0.2.7"]) }) { server in
      let answer = try await resolver(server.endpoint, onlyTCP: true).addressRecords(of: "dc1.corp.example")
      #expect(answer.source.transport == .tcp)
      #expect(server.questions.map(\.transport) == [.tcp])
      #expect(flows.uses == [use(.tcp, server.endpoint)])
    }
  }

  @Test func truncationWithTCPBlockedIsSaid() async throws {
    try await FakeDNS.run(tcp: false, { _ in .truncated }) { server in
      let error = try await locatorError { try await resolver(server.endpoint).services("_gc._tcp.corp.example") }
      #expect(error.code == .tcpBlocked)
      #expect(error.message.contains(server.endpoint.description))
      #expect(flows.uses.isEmpty)
    }
  }

  @Test(arguments: [FakeAnswer.garbage, .wrongIdentifier(["192.0.2.66"]), .wrongQuestion(["192.0.2.66"]), .silence])
  func whatIsNoAnswerIsIgnored(_ noise: FakeAnswer) async throws {
    // The second copy of the question gets the true answer.
    try await FakeDNS.run({ $0.attempt == 1 ? noise : .addresses(["192.0.2.7"]) }) { server in
      // Each attempt waits longer than the one before.
      let resolver = resolver(server.endpoint, timeout: .milliseconds(250), attempts: 8)
      let answer = try await resolver.addressRecords(of: "dc1.corp.example")
      #expect(answer.records == ["192.0.2.7"])
      #expect(flows.uses.count == 1)
    }
    let noisy = RecordedFlows()
    try await FakeDNS.run({ _ in noise }) { server in
      var resolver = resolver(server.endpoint, timeout: .milliseconds(250))
      resolver = DNSResolver(resolver.configuration, flow: Flow(row: Self.row, recorder: noisy))
      let error = try await locatorError { try await resolver.addressRecords(of: "dc1.corp.example") }
      #expect([.serverNotAnswering, .malformedAnswer].contains(error.code), "\(error)")
      #expect(error.message.contains(server.endpoint.description))
      #expect(noisy.uses.isEmpty)
    }
  }

  @Test func silentServerIsFollowedByTheNext() async throws {
    try await FakeDNS.run({ _ in .silence }) { silent in
      try await FakeDNS.run({ _ in .addresses(["192.0.2.7"]) }) { server in
        let resolver = resolver(silent.endpoint, server.endpoint, timeout: .milliseconds(250), attempts: 8)
        let answer = try await resolver.addressRecords(of: "dc1.corp.example")
        #expect(answer.source.server == server.endpoint)
        while silent.questions.isEmpty { await Task.yield() }
        #expect(flows.uses == [use(.udp, server.endpoint)])
      }
    }
  }

  @Test func nobodyListeningIsSaid() async throws {
    let nobody = Endpoint(host: "127.0.0.1", port: try await deadPort())
    for onlyTCP in [false, true] {
      let error = try await locatorError {
        try await resolver(nobody, onlyTCP: onlyTCP).addressRecords(of: "dc1.corp.example")
      }
      #expect(error.code == .serverNotAnswering)
      #expect(error.message.contains(nobody.description) && error.message.contains(onlyTCP ? "TCP" : "UDP"))
    }
    #expect(flows.uses.isEmpty)
  }

  @Test(
    arguments: [
      (FakeAnswer.nameError, LocatorErrorCode.hostNotFound), (.noData, .noAddress), (.rcode(2), .serverFailure),
      (.rcode(5), .serverFailure),
    ])
  func refusalsAreToldApart(_ answer: FakeAnswer, _ code: LocatorErrorCode) async throws {
    try await FakeDNS.run({ _ in answer }) { server in
      let error = try await locatorError { try await resolver(server.endpoint).addresses(of: "dc1.corp.example") }
      #expect(error.code == code)
      #expect(error.message.contains(server.endpoint.description), "\(error)")
      #expect(error.message.contains("dc1.corp.example"))
      #expect(!error.remedy.isEmpty)
    }
  }

  @Test(arguments: [UInt8(2), 4, 5])
  func aRefusingServerIsFollowedByTheOthers(_ rcode: UInt8) async throws {
    try await FakeDNS.run({ _ in .rcode(rcode) }) { refusing in
      try await FakeDNS.run({ _ in .addresses(["192.0.2.7"]) }) { server in
        let answer = try await resolver(refusing.endpoint, server.endpoint).addressRecords(of: "dc1.corp.example")
        #expect(answer.source.server == server.endpoint)
        #expect(flows.uses == [use(.udp, server.endpoint)])
      }
      try await FakeDNS.run({ _ in .silence }) { silent in
        let servers = [refusing.endpoint, silent.endpoint]
        let error = try await locatorError {
          try await resolver(servers[0], servers[1], timeout: .seconds(1)).addressRecords(of: "dc1.corp.example")
        }
        #expect(error.code == .serverFailure)
        #expect(servers.allSatisfy { error.message.contains($0.description) })
      }
    }
  }

  @Test func anEmptyAnswerProvesTheFlowButAFailureDoesNot() async throws {
    try await FakeDNS.run({ $0.name == "gone.example" ? .nameError : .rcode(2) }) { server in
      let resolver = resolver(server.endpoint)
      _ = try await locatorError { try await resolver.addressRecords(of: "broken.example") }
      #expect(flows.uses.isEmpty)
      _ = try await locatorError { try await resolver.addressRecords(of: "gone.example") }
      #expect(flows.uses == [use(.udp, server.endpoint)])
    }
  }

  @Test func bothFamiliesAreAskedAndReachableAddressesComeFirst() async throws {
    try await FakeDNS.run({ $0.type == 28 ? .addresses(["::1"]) : .addresses(["127.0.0.9"]) }) { server in
      let addresses = try await resolver(server.endpoint).addresses(of: "both.example")
      #expect(addresses == ["127.0.0.9", "::1"])
    }
    try await FakeDNS.run({ $0.type == 28 ? .addresses(["::1"]) : .noData }) { server in
      let addresses = try await resolver(server.endpoint).addresses(of: "six.example")
      #expect(addresses == ["::1"])
    }
    try await FakeDNS.run({ $0.type == 28 ? .rcode(2) : .addresses(["127.0.0.9"]) }) { server in
      let addresses = try await resolver(server.endpoint).addresses(of: "four.example")
      #expect(addresses == ["127.0.0.9"])
    }
  }

  @Test func numericHostsAndLocalhostNeedNoServer() async throws {
    try await FakeDNS.run({ _ in .silence }) { server in
      let resolver = resolver(server.endpoint)
      for host in ["192.0.2.1", "2001:db8::1", "fe80::1%lo"] {
        let addresses = try await resolver.addresses(of: host)
        #expect(addresses == [host])
      }
      #expect(try await resolver.addresses(of: "localhost") == ["127.0.0.1", "::1"])
      #expect(server.questions.isEmpty && flows.uses.isEmpty)
    }
  }

  @Test(arguments: [
    "", ".", "a..b", "bad name.example", "ümlaut.example", String(repeating: "x", count: 64) + ".example",
  ])
  func impossibleNamesAreRefused(_ name: String) async throws {
    let error = try await locatorError { try await resolver().addresses(of: name) }
    #expect(error.code == .invalidName)
  }

  @Test func serversMustBeNumeric() async throws {
    let error = try await locatorError {
      try await resolver(Endpoint(host: "dns.example", port: 53)).addresses(of: "dc1.corp.example")
    }
    #expect(error.code == .invalidName && error.message.contains("dns.example:53"))
  }

  @Test func rootTargetMeansThatTheServiceIsNotOffered() async throws {
    let root = ServiceRecord(priority: 0, weight: 0, port: 0, target: "")
    try await FakeDNS.run({ _ in .services([root]) }) { server in
      let error = try await locatorError { try await resolver(server.endpoint).services("_gc._tcp.corp.example") }
      #expect(error.code == .noServiceRecords)
    }
  }

  @Test func cancellationEndsALookupAtOnceAndSparesOthers() async throws {
    try await FakeDNS.run({ $0.name == "slow.example" ? .silence : .addresses(["192.0.2.7"]) }) { server in
      var configuration = DNSResolver.Configuration(servers: [server.endpoint])
      configuration.attemptTimeout = .seconds(3600)
      let resolver = DNSResolver(configuration, flow: nil)
      let lookup = Task { try await resolver.addressRecords(of: "slow.example") }
      // Once the question is out, the lookup is under way.
      while server.questions.isEmpty { await Task.yield() }
      async let other = resolver.addressRecords(of: "fast.example")
      let quick = try await other
      #expect(quick.records == ["192.0.2.7"])
      lookup.cancel()
      await #expect(throws: CancellationError.self) { try await lookup.value }
      let late = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await resolver.addressRecords(of: "slow.example")
      }
      await #expect(throws: CancellationError.self) { try await late.value }
      let again = try await resolver.addressRecords(of: "fast.example")
      #expect(again.records == ["192.0.2.7"])
    }
  }

  @Test func manyLookupsAtATime() async throws {
    try await FakeDNS.run({ .addresses(["192.0.2.\($0.name.utf8.count)"]) }) { server in
      let resolver = resolver(server.endpoint)
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for index in 1...60 {
          let name = String(repeating: "h", count: index) + ".x"
          group.addTask { try await resolver.addressRecords(of: name).records == ["192.0.2.\(index + 2)"] }
        }
        for try await isRight in group { #expect(isRight) }
      }
    }
  }
}
