// SPDX-License-Identifier: Apache-2.0

import Foundation
import PortReference
import Testing

@testable import Readiness
import TestSupport

/// The diagnosis as a function: what was seen of a flow, what of its siblings, and what it must come to.
@Suite struct DiagnosisTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var row = RowID.connectADLDAP
    var transport = Transport.tcp
    var seen: [Observation]
    var depth = Depth.name
    var siblings: [FlowEvidence] = []
    var verdict: Verdict
    var diagnosis: Diagnosis
    var owner: Remedy.Owner?

    var testDescription: String { name }
  }

  static let rule = "egress at connect1: tcp 389 to dc1, for connect-ad/ldap (import)"

  static func flow(
    _ row: RowID, _ transport: Transport, _ depth: Depth, _ seen: [Observation] = [], required: Depth = .service
  ) -> FlowEvidence {
    var conversation = Conversation()
    conversation.depth = depth
    conversation.observations = seen
    return FlowEvidence(
      row: row, transport: transport, source: FlowSource(role: .connect, host: "connect1"),
      target: FlowTarget(
        role: .activeDirectory, host: "dc1.corp.example", address: "192.0.2.10",
        port: Int(ReferenceRow.row(row)?.ports.first ?? 0)),
      required: required, conversation: conversation, rule: rule)
  }

  private static let policy = Observation.icmp(type: 3, code: 13, ipv6: false, from: "192.0.2.1", isLocal: false)
  private static let silence = Observation.synTimeout(seconds: 3.5)
  private static let quiet = Observation.datagramTimeout(seconds: 3.5)

  static let path: [Case] = [
    Case(
      name: "silence beside an open port is a drop", seen: [silence],
      siblings: [flow(.connectADLDAPS, .tcp, .service)], verdict: .blocked, diagnosis: .dropped, owner: .firewall),
    Case(
      name: "a reset of another port proves the host, too", seen: [silence],
      siblings: [flow(.connectADSMB, .tcp, .path, [.reset])], verdict: .blocked, diagnosis: .dropped),
    Case(
      name: "silence everywhere proves nothing", seen: [silence],
      siblings: [flow(.connectADLDAPS, .tcp, .name, [silence])], verdict: .blocked, diagnosis: .noAnswer),
    Case(
      name: "silence, and ICMP that the host is down", seen: [silence],
      siblings: [
        flow(
          .connectADLDAPS, .tcp, .name,
          [.icmp(type: 3, code: 1, ipv6: false, from: "192.0.2.5", isLocal: true)])
      ], verdict: .blocked, diagnosis: .hostDown, owner: .target),
    Case(name: "reset", seen: [.reset], depth: .path, verdict: .refused, diagnosis: .rejectedByReset, owner: .target),
    Case(
      name: "reset while UDP works is a firewall", row: .connectADKerberos, seen: [.reset], depth: .path,
      siblings: [flow(.connectADKerberos, .udp, .service)], verdict: .refused, diagnosis: .rejectedByReset,
      owner: .firewall),
    Case(name: "ICMP policy", seen: [policy], verdict: .blocked, diagnosis: .rejectedByICMP, owner: .firewall),
    Case(
      name: "ICMP port unreachable to TCP is a firewall",
      seen: [.icmp(type: 3, code: 3, ipv6: false, from: "192.0.2.10", isLocal: false)], verdict: .blocked,
      diagnosis: .rejectedByICMP),
    Case(
      name: "ICMPv6 policy", seen: [.icmp(type: 1, code: 1, ipv6: true, from: "2001:db8::1", isLocal: false)],
      verdict: .blocked, diagnosis: .rejectedByICMP),
    Case(
      name: "nobody listens on UDP", transport: .udp,
      seen: [.icmp(type: 3, code: 3, ipv6: false, from: "192.0.2.10", isLocal: false)], verdict: .refused,
      diagnosis: .portUnreachable, owner: .target),
    Case(
      name: "the neighbour table", seen: [.icmp(type: 3, code: 1, ipv6: false, from: "192.0.2.5", isLocal: true)],
      verdict: .blocked, diagnosis: .hostDown),
    Case(
      name: "no route behind a router",
      seen: [.icmp(type: 3, code: 0, ipv6: false, from: "192.0.2.1", isLocal: false)], verdict: .blocked,
      diagnosis: .noRoute),
    Case(
      name: "a routing loop", seen: [.icmp(type: 11, code: 0, ipv6: false, from: "192.0.2.1", isLocal: false)],
      verdict: .blocked, diagnosis: .noRoute),
    Case(name: "no route here", seen: [.noRoute], verdict: .blocked, diagnosis: .noRoute, owner: .source),
    Case(
      name: "own firewall, by ICMP", seen: [.icmp(type: 3, code: 3, ipv6: false, from: "192.0.2.5", isLocal: true)],
      verdict: .blocked, diagnosis: .localFirewall, owner: .source),
    Case(
      name: "nobody listens on this machine's own address", transport: .udp,
      seen: [.icmp(type: 3, code: 3, ipv6: false, from: "192.0.2.10", isLocal: true)], verdict: .refused,
      diagnosis: .portUnreachable),
    Case(name: "own firewall", seen: [.localFirewall], verdict: .blocked, diagnosis: .localFirewall, owner: .source),
    Case(
      name: "UDP blocked", transport: .udp, seen: [quiet], siblings: [flow(.connectADLDAP, .tcp, .service)],
      verdict: .blocked, diagnosis: .udpBlocked),
    Case(
      name: "TCP blocked", row: .connectADDNS, seen: [silence], siblings: [flow(.connectADDNS, .udp, .operation)],
      verdict: .blocked, diagnosis: .tcpBlocked),
    Case(
      name: "fragments dropped", row: .connectADKerberos, transport: .udp, seen: [.largeDatagramTimeout(bytes: 1800)],
      depth: .service, verdict: .broken, diagnosis: .udpFragmentsDropped, owner: .firewall),
    Case(
      name: "fragments dropped, TCP helps", row: .connectADKerberos, transport: .udp,
      seen: [.largeDatagramTimeout(bytes: 1800)], depth: .service,
      siblings: [flow(.connectADKerberos, .tcp, .service)], verdict: .worksWithRemark,
      diagnosis: .udpFragmentsDropped),
    Case(
      name: "half-open", seen: [.silenceAfterData(seconds: 4)], depth: .port, verdict: .broken, diagnosis: .halfOpen),
    Case(
      name: "killed by the protocol", seen: [.resetAfterData(received: 0)], depth: .port, verdict: .broken,
      diagnosis: .connectionKilled),
    Case(
      name: "stopped behind a listener", seen: [.closedAfterData(received: 0)], depth: .port, verdict: .broken,
      diagnosis: .serviceStopped),
    Case(
      name: "killed while idle", seen: [.idleKilled(seconds: 300)], depth: .service, verdict: .worksWithRemark,
      diagnosis: .killedWhileIdle),
    Case(
      name: "the deadline decides nothing", seen: [.deadline(.connect)], verdict: .inconclusive, diagnosis: .unknown),
    Case(name: "nothing seen decides nothing", seen: [], verdict: .inconclusive, diagnosis: .unknown),
    Case(name: "no conversation", seen: [.unsupported], verdict: .inconclusive, diagnosis: .unknown),
  ]

  static let answers: [Case] = [
    Case(
      name: "another protocol", seen: [.wrongAnswer(recognised: "SSH", summary: "x")], depth: .port,
      verdict: .wrongService, diagnosis: .otherProtocol),
    Case(
      name: "a wildcard", row: .connectCloudHTTPS, seen: [.notProbed("x")], depth: .nothing, verdict: .inconclusive,
      diagnosis: .notProbed, owner: .source),
    Case(
      name: "name not found", seen: [.nameNotFound(name: "dc1", zoneExists: true)], depth: .nothing, verdict: .broken,
      diagnosis: .nameNotFound, owner: .dns),
    Case(
      name: "missing forwarder", seen: [.nameNotFound(name: "corp.example", zoneExists: false)], depth: .nothing,
      verdict: .broken, diagnosis: .missingConditionalForwarder, owner: .dns),
    Case(
      name: "records missing", seen: [.recordMissing(name: "_gc._tcp.corp.example", type: "SRV")], depth: .service,
      verdict: .broken, diagnosis: .recordsMissing, owner: .directory),
    Case(
      name: "a silent resolver blames nobody", seen: [.resolverSilent(servers: ["192.0.2.53"])], depth: .nothing,
      verdict: .inconclusive, diagnosis: .resolverNotAnswering),
    Case(
      name: "wrong domain", seen: [.wrongDomain(found: nil, expected: "corp.example")], depth: .service,
      verdict: .wrongService, diagnosis: .wrongDomain),
    Case(
      name: "wrong controller", seen: [.wrongHost(found: "dc2", expected: "dc1")], depth: .service,
      verdict: .wrongService, diagnosis: .wrongController),
    Case(
      name: "read-only controller", transport: .udp, seen: [.readOnlyController], depth: .service, verdict: .broken,
      diagnosis: .readOnlyController),
    Case(
      name: "paused", transport: .udp, seen: [.controllerPaused], depth: .service, verdict: .broken,
      diagnosis: .serviceStopped),
    Case(
      name: "catalog not ready", row: .connectADGlobalCatalog, seen: [.globalCatalogNotReady], depth: .service,
      verdict: .broken, diagnosis: .globalCatalogNotReady),
    Case(
      name: "skew breaks Kerberos", row: .connectADKerberos, seen: [.clockSkew(seconds: -400, source: "x")],
      depth: .service, verdict: .broken, diagnosis: .clockSkew, owner: .source),
    Case(
      name: "skew of another row is a remark", seen: [.clockSkew(seconds: 400, source: "x")], depth: .service,
      verdict: .worksWithRemark, diagnosis: .clockSkew),
    Case(
      name: "a small skew is none", seen: [.clockSkew(seconds: 20, source: "x")], depth: .service, verdict: .works,
      diagnosis: .none),
    Case(
      name: "wrong principal", seen: [.wrongServicePrincipal("x")], depth: .service, verdict: .broken,
      diagnosis: .wrongServicePrincipal),
    Case(
      name: "refused sign-in", seen: [.authenticationRefused(code: "x", reason: "x")], depth: .service,
      verdict: .broken, diagnosis: .authenticationRefused),
    Case(
      name: "sign-in not tried blames nobody", seen: [.authenticationNotTried("x")], depth: .service,
      verdict: .inconclusive, diagnosis: .authenticationRefused),
    Case(
      name: "web services do not run", row: .connectADWebServices, seen: [silence],
      siblings: [flow(.connectADLDAP, .udp, .operation, [.webServices(running: false)])], verdict: .refused,
      diagnosis: .serviceNotInstalled, owner: .target),
    Case(
      name: "web services run and are blocked", row: .connectADWebServices, seen: [silence],
      siblings: [flow(.connectADLDAP, .udp, .operation, [.webServices(running: true)])], verdict: .blocked,
      diagnosis: .dropped, owner: .firewall),
    Case(
      name: "stand-in", seen: [.wrongAnswer(recognised: nil, summary: "x"), .standIn(version: 1)], depth: .path,
      verdict: .worksWithRemark, diagnosis: .standIn),
    Case(
      name: "unproved stand-in", seen: [.standInUnproved("x")], depth: .path, verdict: .inconclusive,
      diagnosis: .standIn),
    Case(name: "SMB 1", row: .connectADSMB, seen: [.smb1Only], depth: .port, verdict: .broken, diagnosis: .smb1Only),
    Case(
      name: "signing", row: .connectADSMB, seen: [.signingRequired], depth: .port, verdict: .broken,
      diagnosis: .signingRequired),
  ]

  static let trust: [Case] = [
    Case(
      name: "expired", row: .connectADLDAPS, seen: [.certificate(.expired("x"))], depth: .port, verdict: .broken,
      diagnosis: .certificateExpired, owner: .certificates),
    Case(
      name: "not yet valid", row: .connectADLDAPS, seen: [.certificate(.notYetValid("x"))], depth: .port,
      verdict: .broken, diagnosis: .certificateNotYetValid),
    Case(
      name: "wrong name", row: .connectADLDAPS, seen: [.certificate(.wrongName("x"))], depth: .port, verdict: .broken,
      diagnosis: .certificateWrongName),
    Case(
      name: "unknown issuer", row: .connectADLDAPS, seen: [.certificate(.unknownIssuer("x"))], depth: .port,
      verdict: .broken, diagnosis: .certificateUnknownIssuer, owner: .source),
    Case(
      name: "interception", row: .connectCloudHTTPS, seen: [.certificate(.privateIssuer("x"))], depth: .port,
      verdict: .broken, diagnosis: .tlsInterception, owner: .proxy),
    Case(
      name: "revoked", row: .connectADLDAPS, seen: [.certificate(.revoked("x"))], depth: .port, verdict: .broken,
      diagnosis: .certificateRevoked),
    Case(
      name: "versions", row: .connectADLDAPS, seen: [.tlsMismatch("x")], depth: .port, verdict: .broken,
      diagnosis: .tlsMismatch),
    Case(
      name: "alert 70 is a version", row: .connectADLDAPS, seen: [.tlsAlert(code: 70, name: "x")], depth: .port,
      verdict: .broken, diagnosis: .tlsMismatch),
    Case(
      name: "another alert", row: .connectADLDAPS, seen: [.tlsAlert(code: 112, name: "x")], depth: .port,
      verdict: .broken, diagnosis: .tlsRefused),
    Case(
      name: "a controller without certificate", row: .connectADLDAPS, seen: [.tlsClosed], depth: .port,
      verdict: .broken, diagnosis: .certificateMissing, owner: .certificates),
    Case(
      name: "no TLS there", row: .connectADLDAPS, seen: [.tlsNotSpoken("x")], depth: .port, verdict: .wrongService,
      diagnosis: .otherProtocol),
    Case(
      name: "no certificate request", row: .usersProxyCertificateAuthentication, seen: [.noCertificateRequest],
      depth: .tls, verdict: .broken, diagnosis: .tlsEndedByBalancer),
    Case(
      name: "list unreachable", row: .connectCloudHTTP, seen: [.revocationListUnreachable("x")], depth: .port,
      verdict: .broken, diagnosis: .revocationListUnreachable, owner: .firewall),
    Case(
      name: "list stale", row: .connectCloudHTTP, seen: [.revocationListStale(location: "x", nextUpdate: .distantPast)],
      depth: .service, verdict: .broken, diagnosis: .revocationListStale),
    Case(
      name: "list of a peer's certificate stale", row: .connectADLDAPS, seen: [.revocationListOutdated("x")],
      depth: .port, verdict: .broken, diagnosis: .revocationListStale, owner: .certificates),
    Case(
      name: "reset in the middle of TLS", row: .connectADLDAPS, seen: [.resetAfterData(received: 1)], depth: .port,
      verdict: .broken, diagnosis: .connectionKilled, owner: .firewall),
    Case(
      name: "captive portal", row: .connectCloudHTTP, seen: [.captivePortal("x")], depth: .port,
      verdict: .wrongService, diagnosis: .captivePortal),
    Case(
      name: "proxy wants a sign-in", row: .connectCloudHTTPS, seen: [.proxyAuthenticationRequired(schemes: ["Basic"])],
      depth: .port, verdict: .blocked, diagnosis: .proxyAuthentication, owner: .proxy),
    Case(
      name: "proxy wants a sign-in that cannot be made", row: .connectCloudHTTPS,
      seen: [.proxyAuthenticationRequired(schemes: ["Negotiate", "NTLM"])], depth: .port, verdict: .blocked,
      diagnosis: .proxyAuthentication, owner: .proxy),
    Case(
      name: "proxy refuses the account", row: .connectCloudHTTPS,
      seen: [.proxyCredentialsRefused(status: 407, schemes: ["Basic"])], depth: .port, verdict: .blocked,
      diagnosis: .proxyCredentialsRefused, owner: .source),
    Case(
      name: "green probe", row: .connectFederationHTTPS, seen: [.probeGreenServiceDown(probe: 200, service: 503)],
      depth: .tls, verdict: .broken, diagnosis: .probeGreenServiceDown, owner: .target),
    Case(
      name: "expires soon", row: .connectADLDAPS, seen: [.certificateExpiresSoon(notAfter: .distantPast, days: 3)],
      depth: .service, verdict: .worksWithRemark, diagnosis: .certificateExpiresSoon),
  ]

  private static func dead(_ sample: PortSample, _ address: String = "192.0.2.10") -> Observation {
    .mappedEndpointUnreachable(interface: "drsuapi", address: address, port: 49664, sample)
  }

  static let ranges: [Case] = [
    Case(
      name: "range blocked", row: .connectADRPCDynamic, seen: [dead(.silent)], verdict: .blocked,
      diagnosis: .rpcRangeBlocked, owner: .firewall),
    Case(
      name: "part of the range blocked", row: .connectADRPCDynamic,
      seen: [dead(.silent), .sampled(port: 50000, .reset)],
      verdict: .blocked, diagnosis: .rpcRangePartlyBlocked),
    Case(
      name: "silent samples say nothing more", row: .connectADRPCDynamic,
      seen: [dead(.silent), .sampled(port: 50000, .silent)], verdict: .blocked, diagnosis: .rpcRangeBlocked),
    Case(
      name: "an inner address", row: .connectADRPCDynamic, seen: [dead(.silent, "10.0.0.1")], verdict: .blocked,
      diagnosis: .rpcUnreachableAddress),
    Case(
      name: "stale map", row: .connectADRPCDynamic, seen: [dead(.reset)], verdict: .refused,
      diagnosis: .rpcNotRegistered, owner: .target),
    Case(
      name: "not registered", row: .connectADRPCEndpointMapper, seen: [.interfaceNotRegistered("drsuapi")],
      depth: .service, verdict: .broken, diagnosis: .rpcNotRegistered),
    Case(
      name: "bind refused", row: .connectADRPCDynamic, seen: [.bindRefused(interface: "drsuapi", reason: "x")],
      depth: .port, verdict: .wrongService, diagnosis: .rpcBindRefused),
  ]

  @Test(arguments: path + answers + trust + ranges)
  func everyCauseIsNamed(_ expected: Case) {
    let flow = Self.flow(expected.row, expected.transport, expected.depth, expected.seen)
    let judgement = diagnose(flow, among: expected.siblings + [flow])
    #expect(judgement.verdict == expected.verdict, "\(judgement)")
    #expect(judgement.diagnosis == expected.diagnosis, "\(judgement)")
    if let owner = expected.owner { #expect(judgement.remedy?.owner == owner, "\(judgement)") }
    #expect(judgement.summary.hasSuffix(".") || judgement.summary.hasSuffix("x"), "\(judgement.summary)")
    // Who is told that something is wrong is told what to do.
    if judgement.verdict.isFailure { #expect(judgement.remedy != nil) }
  }

  @Test func everyDiagnosisIsReached() {
    let reached = Set((Self.path + Self.answers + Self.trust + Self.ranges).map(\.diagnosis))
    // Told by observations of one kind each, whose words alone differ.
    let simple: Set<Diagnosis> = [
      .signingUnavailable, .certificateInvalid, .revocationListBad, .proxyRefused, .negotiateNotOffered, .httpError,
      .permissionDenied,
    ]
    #expect(Set(Diagnosis.allCases).subtracting(reached) == simple)
  }

  /// Of a name with several addresses the finding says which one fails.
  @Test func theAddressThatFailsIsNamed() {
    func at(_ address: String, _ depth: Depth, _ seen: [Observation] = []) -> FlowEvidence {
      var flow = Self.flow(.connectADLDAP, .tcp, depth, seen)
      flow.target.address = address
      return flow
    }
    let failing = at("192.0.2.11", .path, [.reset])
    let one = diagnose(failing, among: [failing, at("192.0.2.10", .service)])
    #expect(one.summary.hasSuffix("Of the 2 addresses of the name, 192.0.2.11 fails; 192.0.2.10 works."))
    let all = diagnose(failing, among: [failing, at("192.0.2.10", .path, [.reset])])
    #expect(all.summary.hasSuffix("None of the 2 addresses of the name works."))
    #expect(!diagnose(failing, among: [failing]).summary.contains("addresses"))
  }

  /// Where nobody said that a host is, silence and refusals are no failures; what works and what names itself counts.
  @Test func anAddressDrawnByChanceIsNotBlamed() {
    func judge(_ depth: Depth, _ seen: [Observation]) -> Judgement {
      var flow = Self.flow(.connectADLDAP, .tcp, depth, seen)
      (flow.sample, flow.isDrawn) = ("192.0.2.0/24", true)
      return diagnose(flow, among: [flow])
    }
    for (seen, diagnosis) in [
      ([Self.silence], Diagnosis.noAnswer), ([.reset], .rejectedByReset),
      ([.wrongAnswer(recognised: "SSH", summary: "x")], .otherProtocol),
    ] {
      let judgement = judge(.path, seen)
      #expect(judgement.verdict == .inconclusive && judgement.diagnosis == diagnosis, "\(judgement)")
      #expect(judgement.summary.contains("drawn out of 192.0.2.0/24") && judgement.remedy?.owner == .source)
    }
    #expect(judge(.name, [Self.policy]).verdict == .blocked)
    let works = judge(.service, [])
    #expect(works.verdict == .works && works.summary.contains("a sample of 192.0.2.0/24, the rest was not tried"))
  }

  @Test func aProxyThatTakesNoBasicIsToldApart() {
    func summary(_ schemes: [String]) -> String {
      diagnose(
        Self.flow(.connectCloudHTTPS, .tcp, .port, [.proxyAuthenticationRequired(schemes: schemes)]), among: []
      ).summary
    }
    #expect(summary(["Negotiate"]).contains("Basic, which alone can be offered, is not among them"))
    for schemes in [["basic", "Negotiate"], []] { #expect(summary(schemes).contains("no account was given")) }
  }

  @Test func blockedFlowsCarryThePlansRule() {
    let judgement = diagnose(Self.flow(.connectADLDAP, .tcp, .name, [Self.silence]), among: [])
    #expect(judgement.remedy?.rule == Self.rule)
  }

  /// Whatever was seen, and in whatever combination: less than the required depth is never `works`, except where a
  /// stand-in proved itself; and the function never traps.
  @Test func lessThanTheRequiredDepthNeverWorks() {
    let all = Self.path + Self.answers + Self.trust + Self.ranges
    let observations = all.flatMap(\.seen)
    var random = SystemRandomNumberGenerator()
    for _ in 0..<3000 {
      let depth = Depth.allCases.filter { $0 < .service }.randomElement(using: &random) ?? .nothing
      let seen = (0..<Int.random(in: 0...3, using: &random)).compactMap { _ in
        observations.randomElement(using: &random)
      }
      let flow = Self.flow(
        RowID.allCases.randomElement(using: &random) ?? .connectADLDAP, Bool.random() ? .tcp : .udp, depth, seen)
      let judgement = diagnose(flow, among: all.randomElement(using: &random)?.siblings ?? [])
      let isFalse =
        judgement.verdict == .works || (judgement.verdict == .worksWithRemark && judgement.diagnosis != .standIn)
      if isFalse { Issue.record("\(seen) at \(depth): \(judgement)") }
    }
  }

  @Test func otherHostsSayNothing() {
    var other = Self.flow(.connectADLDAPS, .tcp, .service)
    other.target.host = "dc2.corp.example"
    let judgement = diagnose(Self.flow(.connectADLDAP, .tcp, .name, [Self.silence]), among: [other])
    #expect(judgement.diagnosis == .noAnswer)
  }

  /// The names are a format: reports, metrics and tests of others use them.
  @Test func findingsSurviveTheirJSON() throws {
    let all = Self.path + Self.answers + Self.trust + Self.ranges
    let encoder = JSONEncoder()
    let decoder = JSONDecoder()
    for observation in all.flatMap(\.seen) {
      let data = try encoder.encode(observation)
      #expect(try decoder.decode(Observation.self, from: data) == observation)
    }
    let data = try encoder.encode(Observation.icmp(type: 3, code: 13, ipv6: false, from: "192.0.2.1", isLocal: false))
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: [String: Any]])
    #expect(object["icmp"]?["code"] as? Int == 13)
  }
}
