// SPDX-License-Identifier: Apache-2.0

import PortReference
import Synchronization
import Testing
import TestSupport
import Wire

@testable import Readiness

/// One deadline, no waiting for one another, one sign-in.
@Suite struct RunnerTests {
  /// A deadline that does not come, however busy the machine is; the end of the work ends the wait for it.
  private static let never: @Sendable (ContinuousClock.Instant) async throws -> Void = { _ in
    try await Task.sleep(for: .seconds(86_400))
  }

  /// Never returns, whatever is asked of it.
  private struct StuckProber: Prober {
    let row = RowID.connectADLDAP
    let transport = Transport.tcp
    let specification = ""
    func requiredDepth(withCredentials: Bool) -> Depth { .service }
    func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
      _ = log.begin(.request, sent: "something")
      await withCheckedContinuation { (forgotten: CheckedContinuation<Void, Never>) in Self.keep(forgotten) }
    }

    /// Kept for ever, as a C library that hangs would keep its caller.
    private static let kept = Mutex<[CheckedContinuation<Void, Never>]>([])
    private static func keep(_ continuation: CheckedContinuation<Void, Never>) {
      kept.withLock { $0.append(continuation) }
    }
  }

  private struct QuickProber: Prober {
    let row = RowID.connectADLDAPS
    let transport = Transport.tcp
    let specification = ""
    let done: @Sendable () -> Void
    func requiredDepth(withCredentials: Bool) -> Depth { .service }
    func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
      log.reached(.service)
      done()
    }
  }

  @Test func aStuckProbeNeitherHangsNorDelays() async {
    let quick = Mutex(0)
    let stuck = CheckSupport.flow(.connectADLDAP, .tcp, CheckSupport.target(port: 1))
    let fine = CheckSupport.flow(.connectADLDAPS, .tcp, CheckSupport.target(port: 2))
    let table = ProberTable([StuckProber(), QuickProber { quick.withLock { $0 += 1 } }])
    let order = Mutex<[Int]>([])
    // The deadline comes when all the others are done, however busy the machine is.
    let runner = CheckRunner(
      table: table, context: CheckSupport.context(seconds: 60), resolver: NoNames(),
      sleep: { _ in try await eventually { order.withLock { $0.count } >= 8 } }
    ) { _ in nil }
    // The stuck ones come first.
    let findings = await runner.run([stuck] + Array(repeating: fine, count: 8)) { done in
      order.withLock { $0.append(done) }
    }
    #expect(findings.map(\.verdict) == [.inconclusive] + Array(repeating: .works, count: 8))
    #expect(quick.withLock { $0 } == 8)
    #expect(findings[0].evidence.first?.seconds == nil, "the phase under way is shown as not ended")
    #expect(order.withLock { $0 } == Array(1...8))
  }

  @Test func noMoreThanTheCapTalksToATarget() async {
    let state = Mutex((now: 0, most: 0))
    struct CountingProber: Prober {
      let row = RowID.connectADLDAP
      let transport = Transport.tcp
      let specification = ""
      let body: @Sendable () async -> Void
      func requiredDepth(withCredentials: Bool) -> Depth { .service }
      func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
        await body()
        log.reached(.service)
      }
    }
    let prober = CountingProber {
      state.withLock { state in
        state.now += 1
        state.most = max(state.most, state.now)
      }
      for _ in 0..<20 { await Task.yield() }
      state.withLock { $0.now -= 1 }
    }
    let flows = (0..<200).map { CheckSupport.flow(.connectADLDAP, .tcp, CheckSupport.target(port: 1000 + $0)) }
    let runner = CheckRunner(
      table: ProberTable([prober]), context: CheckSupport.context(seconds: 60), resolver: NoNames(), sleep: Self.never
    ) { _ in nil }
    let findings = await runner.run(flows)
    #expect(findings.allSatisfy { $0.verdict == .works })
    #expect(state.withLock { $0.most } <= CheckRunner.maximumAtOnce)
  }

  // MARK: - Several addresses

  private struct SomeAddresses: NameResolver {
    let known: [String]
    func addresses(of host: String) async throws -> [String] { known }
  }

  /// Works at some addresses, and is reset at the others.
  private struct ChoosyProber: Prober {
    let row = RowID.connectADLDAP
    let transport = Transport.tcp
    let specification = ""
    let working: Set<String>
    func requiredDepth(withCredentials: Bool) -> Depth { .service }
    func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
      if working.contains(target.address) { return log.reached(.service) }
      log.reached(.path)
      log.observe(.reset)
    }
  }

  @Test func everyAddressOfANameIsProbed() async {
    var target = CheckSupport.target(port: 389)
    target.address = ""
    let runner = CheckRunner(
      table: ProberTable([ChoosyProber(working: ["192.0.2.1", "192.0.2.3"])]),
      context: CheckSupport.context(seconds: 60),
      resolver: SomeAddresses(known: ["192.0.2.1", "192.0.2.2", "192.0.2.3"]), sleep: Self.never
    ) { _ in nil }
    let findings = await runner.run([CheckSupport.flow(.connectADLDAP, .tcp, target)])
    #expect(findings.map(\.target.address) == ["192.0.2.1", "192.0.2.2", "192.0.2.3"])
    #expect(findings.map(\.diagnosis) == [.none, .rejectedByReset, .none])
    #expect(
      findings[1].summary.hasSuffix("Of the 3 addresses of the name, 192.0.2.2 fails; 192.0.2.1, 192.0.2.3 work."))
    #expect(findings.allSatisfy { $0.evidence.map(\.name) == [.resolve] })
  }

  /// The addresses that are tried, and what is noted.
  private func located(
    _ sample: ProbeTarget.Sample?, _ known: [String], hasRoute: Bool = true,
    families: [IPNetwork.Family] = [.ipv4, .ipv6]
  ) async -> (addresses: [String], observations: [Observation]) {
    var target = CheckSupport.target(port: 443)
    (target.address, target.sample, target.families) = ("", sample, families)
    var locator = TargetLocator(names: NameCache(SomeAddresses(known: known)))
    locator.hasRoute = { !$0.contains(":") || hasRoute }
    let log = ConversationLog()
    let targets = await locator.locate(target, log)
    return (targets.map(\.address), log.snapshot.observations)
  }

  @Test func addressesThatNoClientUsesAreLeftOut() async {
    let both = ["192.0.2.1", "2001:db8::1"]
    #expect(await located(nil, both).addresses == both)
    let withoutRoute = await located(nil, both, hasRoute: false)
    #expect(withoutRoute.addresses == ["192.0.2.1"])
    #expect(withoutRoute.observations.count == 1)
    // Alone, its lack of a route is the finding.
    #expect(await located(nil, ["2001:db8::1"], hasRoute: false).addresses == ["2001:db8::1"])
    #expect(await located(nil, both, families: [.ipv4]).addresses == ["192.0.2.1"])
    #expect(
      await located(nil, ["192.0.2.1"], families: [.ipv6]).observations
        == [.recordMissing(name: "dc1.corp.example", type: "AAAA")])
  }

  @Test func thereIsALimit() async {
    let many = (1...40).map { "192.0.2.\($0)" }
    let outcome = await located(nil, many)
    #expect(outcome.addresses == many.prefix(TargetLocator.maximumAddresses).sorted())
    #expect(outcome.observations.count == 1)
  }

  @Test func ofANetworkOnlyWhatTheNameLeadsToIsTried() async {
    let sample = ProbeTarget.Sample.networks(["192.0.2.0/28"])
    #expect(await located(sample, ["192.0.2.1", "192.0.2.77"]).addresses == ["192.0.2.1"])
    for untried in [await located(sample, ["192.0.2.77"]), await located(.names("*.cloud.example"), ["192.0.2.1"])] {
      #expect(untried.addresses.isEmpty)
      #expect(untried.observations.count == 1)
      #expect(untried.observations.allSatisfy { if case .notProbed = $0 { true } else { false } })
    }
  }

  // MARK: - Sign-ins

  private final class RefusingProvider: SecurityContextProvider {
    let attempts = Mutex(0)
    let code: SecurityErrorCode
    init(_ code: SecurityErrorCode) { self.code = code }
    func initiate(_ to: ServicePrincipal, _ parameters: SecurityParameters) async throws -> any SecurityContext {
      attempts.withLock { $0 += 1 }
      await Task.yield()
      throw SecurityError(code, "no", remedy: "none")
    }
  }

  /// A hundred probes with a wrong password cost the account one attempt.
  @Test(arguments: [SecurityErrorCode.wrongPassword, .accountLocked, .noKDC, .badCredentialSource])
  func oneRefusalStopsAllSignIns(_ code: SecurityErrorCode) async {
    let provider = RefusingProvider(code)
    let gate = CredentialGate(provider)
    let outcomes = await withTaskGroup(of: String.self) { group in
      for _ in 0..<100 {
        group.addTask {
          do {
            _ = try await gate.initiate(ServicePrincipal(service: "ldap", host: "dc1"), SecurityParameters())
            return "context"
          } catch is CredentialError { return "stopped" } catch { return "refused" }
        }
      }
      return await group.reduce(into: [String]()) { $0.append($1) }
    }
    #expect(provider.attempts.withLock { $0 } == 1)
    #expect(outcomes.count { $0 == "refused" } == 1)
    #expect(outcomes.count { $0 == "stopped" } == 99)
  }

  /// A missing service principal is that service's trouble, not the account's.
  @Test func aMissingServiceStopsNobody() async {
    let provider = RefusingProvider(.unknownService)
    let gate = CredentialGate(provider)
    for _ in 0..<3 {
      await #expect(throws: SecurityError.self) {
        _ = try await gate.initiate(ServicePrincipal(service: "ldap", host: "dc1"), SecurityParameters())
      }
    }
    #expect(provider.attempts.withLock { $0 } == 3)
  }
}
