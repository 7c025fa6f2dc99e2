// SPDX-License-Identifier: Apache-2.0

import PortReference
import Synchronization
import Testing
import Wire

@testable import Readiness

/// One deadline, no waiting for one another, one sign-in.
@Suite struct RunnerTests {
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
    let runner = CheckRunner(
      table: table, context: CheckSupport.context(seconds: 0.5), resolver: NoNames()
    ) { _ in nil }
    // The stuck ones come first.
    let order = Mutex<[Int]>([])
    let findings = await runner.run([stuck] + Array(repeating: fine, count: 8)) { done in
      order.withLock { $0.append(done) }
    }
    #expect(findings.map(\.verdict) == [.inconclusive] + Array(repeating: .works, count: 8))
    #expect(quick.withLock { $0 } == 8)
    #expect(findings[0].evidence.first?.seconds == nil, "the phase under way is shown as not ended")
    #expect(order.withLock { $0 } == Array(1...9))
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
      table: ProberTable([prober]), context: CheckSupport.context(seconds: 60), resolver: NoNames()
    ) { _ in nil }
    let findings = await runner.run(flows)
    #expect(findings.allSatisfy { $0.verdict == .works })
    #expect(state.withLock { $0.most } <= CheckRunner.maximumAtOnce)
  }

  // MARK: - Sign-ins

  private final class RefusingProvider: SecurityContextProvider {
    let attempts = Mutex(0)
    let code: SecurityError.Code
    init(_ code: SecurityError.Code) { self.code = code }
    func initiate(_ to: ServicePrincipal, _ parameters: SecurityParameters) async throws -> any SecurityContext {
      attempts.withLock { $0 += 1 }
      await Task.yield()
      throw SecurityError(code, "no", remedy: "none")
    }
  }

  /// A hundred probes with a wrong password cost the account one attempt.
  @Test(arguments: [SecurityError.Code.wrongPassword, .accountLocked, .noKDC, .badCredentialSource])
  func oneRefusalStopsAllSignIns(_ code: SecurityError.Code) async {
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
