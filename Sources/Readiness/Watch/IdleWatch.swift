// SPDX-License-Identifier: Apache-2.0

import LDAP
import PortReference
import Wire

/// Finds out whether connections that are left alone are cut off on the way: a quiet LDAP connection is asked again after
/// 1, 2, 4 … minutes. What is dead then without an end having been told was killed by something in between; a server that
/// ends idle connections says so (MS-ADTS 3.1.1.3.4.6 `MaxConnIdleTime`), and nothing is wrong.
package struct IdleWatch: Sendable {
  /// The pauses.
  package struct Plan: Sendable, Equatable {
    package var first = Duration.seconds(60)
    package var longest = Duration.seconds(3600)

    package init() {}
  }

  /// What became of a connection after a pause.
  enum Outcome: Sendable, Equatable {
    case lives
    /// The server ended it, and said so.
    case ended
    /// It is dead, and nobody said so.
    case killed
  }

  /// The next pause, from what became of the last one.
  struct Pauses: Sendable, Equatable {
    private let plan: Plan
    private(set) var next: Duration
    /// The longest pause to be tried: the shortest one that ended a connection, or what the plan says.
    private var limit: Duration
    /// The pause that killed a connection; nil when none did, or when it did not any more.
    private var killing: Duration?

    init(_ plan: Plan) {
      self.plan = plan
      next = plan.first
      limit = plan.longest
    }

    /// - Returns: whether it is to be told. That shorter pauses are survived is no news where a longer one was not.
    mutating func take(_ outcome: Outcome) -> Bool {
      let pause = next
      switch outcome {
      case .lives:
        let isNews = killing.map { pause >= $0 } ?? true
        if isNews { killing = nil }
        // What ended it earlier does so no more.
        if pause >= limit { limit = min(limit * 2, plan.longest) }
        next = min(pause * 2, limit)
        return isNews
      case .ended, .killed:
        killing = outcome == .killed ? pause : nil
        limit = pause
        next = min(plan.first, limit)
        return true
      }
    }
  }

  private let plan: Plan
  /// A context whose deadline begins now.
  private let context: @Sendable () -> ProbeContext
  private let sleep: @Sendable (Duration) async throws -> Void

  package init(
    plan: Plan = Plan(), context: @escaping @Sendable () -> ProbeContext,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.plan = plan
    self.context = context
    self.sleep = sleep
  }

  /// The flows of a list that are watched so: LDAP over TCP to targets whose address is known.
  package static func flows(among flows: [CheckedFlow]) -> [CheckedFlow] {
    flows.filter { $0.row == .connectADLDAP && $0.transport == .tcp && !$0.target.address.isEmpty }
  }

  /// Watches all of them until it is cancelled.
  ///
  /// - Parameter report: gets a finding for each pause that ended.
  package func run(_ flows: [CheckedFlow], report: @escaping @Sendable (Finding) async -> Void) async {
    await withTaskGroup(of: Void.self) { group in
      for flow in flows { group.addTask { await watch(flow, report) } }
    }
  }

  private func watch(_ flow: CheckedFlow, _ report: @Sendable (Finding) async -> Void) async {
    var pauses = Pauses(plan)
    while !Task.isCancelled {
      let opening = ConversationLog()
      // A flow that cannot even be opened is the check's business.
      if let stream = await open(flow, opening) {
        await keep(stream, flow, opening.snapshot, &pauses, report)
        stream.close()
      }
      do { try await sleep(plan.first) } catch { return }
    }
  }

  /// Asks again and again until there is no answer.
  private func keep(
    _ stream: ProbeStream, _ flow: CheckedFlow, _ opening: Conversation, _ pauses: inout Pauses,
    _ report: @Sendable (Finding) async -> Void
  ) async {
    while true {
      let pause = pauses.next
      let log = ConversationLog()
      let index = log.begin(.idle, sent: "nothing, for \(Self.words(pause))")
      do { try await sleep(pause) } catch { return }
      log.end(index, received: "nothing")
      let isAnswered = await ask(stream, log)
      if Task.isCancelled { return }
      var conversation = log.snapshot
      conversation.localAddress = opening.localAddress
      conversation.interface = opening.interface
      let outcome = Self.judge(&conversation, pause, isAnswered: isAnswered)
      if pauses.take(outcome) { await report(finding(flow, conversation)) }
      guard outcome == .lives else { return }
    }
  }

  /// Tells who ended a connection that gave no answer, and notes it.
  static func judge(_ conversation: inout Conversation, _ pause: Duration, isAnswered: Bool) -> Outcome {
    // It was answered before the pause: how deep a flow goes is not what is asked here.
    conversation.depth = .service
    if isAnswered {
      conversation.observations.append(.note("a connection that was quiet for \(words(pause)) still works"))
      return .lives
    }
    let wasEnded = conversation.observations.contains { if case .closedAfterData = $0 { true } else { false } }
    if wasEnded {
      conversation.observations = [
        .note("the server ended a connection that was quiet for \(words(pause)), and said so")
      ]
      return .ended
    }
    conversation.observations.insert(.idleKilled(seconds: pause / .seconds(1)), at: 0)
    return .killed
  }

  private func open(_ flow: CheckedFlow, _ log: ConversationLog) async -> ProbeStream? {
    let context = context()
    guard let socket = await context.sockets.connect(flow.target, deadline: context.deadline, log),
      let channel = try? await socket.channel(on: context.group)
    else { return nil }
    log.used(localAddress: socket.localAddress, interface: socket.interface)
    let stream = ProbeStream(channel)
    guard await ask(stream, log) else {
      stream.close()
      return nil
    }
    return stream
  }

  private func ask(_ stream: ProbeStream, _ log: ConversationLog) async -> Bool {
    let question = RootDSEQuestion(id: Int32.random(in: 1...Int32.max))
    let bytes = await stream.exchange(
      question.message, limit: RootDSEQuestion.maximumAnswer, sent: "search of the rootDSE, without a bind", context(),
      log
    ) { bytes in
      do { return try question.answer(bytes).map { _ in .complete("an answer") } ?? .incomplete } catch {
        return .wrong
      }
    }
    return bytes != nil
  }

  private func finding(_ flow: CheckedFlow, _ conversation: Conversation) -> Finding {
    let evidence = FlowEvidence(
      row: flow.row, transport: flow.transport,
      source: FlowSource(
        role: flow.sourceRole, host: flow.sourceHost, address: conversation.localAddress,
        interface: conversation.interface),
      target: FlowTarget(
        role: flow.target.role, host: flow.target.host, address: flow.target.address, port: flow.target.port),
      required: .service, conversation: conversation, rule: flow.rule)
    let judgement = diagnose(evidence, among: [])
    return Finding(
      row: flow.row, transport: flow.transport, source: evidence.source, target: evidence.target,
      isRequired: flow.isRequired, verdict: judgement.verdict, diagnosis: judgement.diagnosis,
      summary: judgement.summary, remedy: judgement.remedy,
      depth: Finding.Reach(reached: conversation.depth, required: .service), evidence: conversation.phases,
      observations: conversation.observations, specification: "MS-ADTS 3.1.1.3.4.6, RFC 5382 5")
  }

  private static func words(_ duration: Duration) -> String { Words.duration(duration / .seconds(1)) }
}
