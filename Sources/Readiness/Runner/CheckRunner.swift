// SPDX-License-Identifier: Apache-2.0

import PortReference
package import Wire

/// Has all conversations at once and makes findings of them.
///
/// One deadline holds for the whole. No flow waits for another: of one target at most ``maximumAtOnce`` are under way, which
/// is more than there are rows, so that a dropped port delays nobody.
package struct CheckRunner: Sendable {
  /// Conversations with one target at a time.
  package static let maximumAtOnce = 24
  /// How long after the deadline a probe may still take to say its last word.
  private static let grace = Duration.milliseconds(200)

  private let table: ProberTable
  private let context: ProbeContext
  private let resolver: any NameResolver
  private let draw: AddressDraw?
  private let credentials: @Sendable (ProbeTarget) -> (any SecurityContextProvider)?
  private let sleep: @Sendable (ContinuousClock.Instant) async throws -> Void

  /// - Parameters:
  ///   - context: without credentials.
  ///   - draw: what is tried of networks that no name leads into; nil for nothing.
  ///   - sleep: waits for the deadline.
  ///   - credentials: those that the target's forest accepts.
  package init(
    table: ProberTable = .standard, context: ProbeContext, resolver: any NameResolver, draw: AddressDraw? = nil,
    sleep: @escaping @Sendable (ContinuousClock.Instant) async throws -> Void = {
      try await Task.sleep(until: $0, clock: .continuous)
    },
    credentials: @escaping @Sendable (ProbeTarget) -> (any SecurityContextProvider)?
  ) {
    self.table = table
    self.context = context
    self.resolver = resolver
    self.draw = draw
    self.sleep = sleep
    self.credentials = credentials
  }

  /// - Parameter progress: called with the number of flows that have come to their end.
  /// - Returns: a finding for each flow and each address of its target, in the order of the flows.
  package func run(_ flows: [CheckedFlow], progress: @escaping @Sendable (Int) -> Void = { _ in }) async -> [Finding] {
    let locator = TargetLocator(names: NameCache(resolver), draw: draw)
    let gates = TargetGates(limit: Self.maximumAtOnce)
    let running = flows.map { RunningFlow($0) }
    await Deadline.run(
      running.count, until: context.deadline + Self.grace, sleep: sleep, progress: progress
    ) { index in
      await converse(running[index], locator, gates)
    }
    let all = running.map { flow in flow.probes.map { evidence(flow.flow, $0) } }
    let byHost = Dictionary(grouping: all.joined()) { $0.target.host }
    return zip(flows, all).flatMap { flow, evidence in
      evidence.map { finding(flow, $0, among: byHost[$0.target.host] ?? []) }
    }
  }

  // MARK: - One flow

  private func converse(_ running: RunningFlow, _ locator: TargetLocator, _ gates: TargetGates) async {
    let flow = running.flow
    guard let prober = table.prober(flow.row, flow.transport) else { return running.opening.observe(.unsupported) }
    var target = flow.target
    for index in target.certificateSources.indices where target.certificateSources[index].endpoint.host.isEmpty {
      let addresses = await locator.names.addresses(of: target.certificateSources[index].serverName)
      if case .success(let found) = addresses { target.certificateSources[index].endpoint.host = found.first ?? "" }
    }
    let probes = running.begin(await locator.locate(target, running.opening))
    var context = context
    context.credentials = credentials(target)
    let given = context
    // Most names have one address: no task is spent on it.
    if probes.count == 1 { return await converse(prober, probes[0], given, gates) }
    await withTaskGroup { group in
      for probe in probes {
        group.addTask { await converse(prober, probe, given, gates) }
      }
    }
  }

  private func converse(
    _ prober: any Prober, _ probe: RunningFlow.Probe, _ context: ProbeContext, _ gates: TargetGates
  ) async {
    probe.log.reached(.name)
    await gates.enter(probe.target.address)
    await prober.converse(recognisingStandInsAt: probe.target, context, probe.log)
    await gates.leave(probe.target.address)
  }

  private func evidence(_ flow: CheckedFlow, _ probe: RunningFlow.Probe) -> FlowEvidence {
    var conversation = probe.log.snapshot
    if let open = conversation.phases.last(where: { $0.seconds == nil }) {
      let observed = Observation.deadline(open.name)
      if !conversation.observations.contains(observed) { conversation.observations.append(observed) }
    }
    let target = probe.target
    let prober = table.prober(flow.row, flow.transport)
    return FlowEvidence(
      row: flow.row, transport: flow.transport,
      source: FlowSource(
        role: flow.sourceRole, host: flow.sourceHost, address: conversation.localAddress,
        interface: conversation.interface),
      target: FlowTarget(
        role: target.role, host: target.host, address: target.address.isEmpty ? nil : target.address,
        port: conversation.port ?? target.port),
      required: prober?.requiredDepth(withCredentials: credentials(target) != nil) ?? .service,
      conversation: conversation, sample: target.sample?.words, isDrawn: target.sample?.isDrawn ?? false,
      rule: flow.rule)
  }

  private func finding(_ flow: CheckedFlow, _ evidence: FlowEvidence, among siblings: [FlowEvidence]) -> Finding {
    let judgement = diagnose(evidence, among: siblings)
    return Finding(
      row: flow.row, transport: flow.transport, source: evidence.source, target: evidence.target,
      isRequired: flow.isRequired, verdict: judgement.verdict, diagnosis: judgement.diagnosis,
      summary: judgement.summary, remedy: judgement.remedy,
      depth: Finding.Reach(reached: evidence.depth, required: evidence.required),
      evidence: evidence.conversation.phases, observations: evidence.conversation.observations,
      specification: table.prober(flow.row, flow.transport)?.specification ?? "")
  }
}
