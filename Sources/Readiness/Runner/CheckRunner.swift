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
  private let credentials: @Sendable (ProbeTarget) -> (any SecurityContextProvider)?

  /// - Parameters:
  ///   - context: without credentials.
  ///   - credentials: those that the target's forest accepts.
  package init(
    table: ProberTable = .standard, context: ProbeContext, resolver: any NameResolver,
    credentials: @escaping @Sendable (ProbeTarget) -> (any SecurityContextProvider)?
  ) {
    self.table = table
    self.context = context
    self.resolver = resolver
    self.credentials = credentials
  }

  /// - Parameter progress: called with the number of flows that are done.
  /// - Returns: a finding for each flow, in their order.
  package func run(_ flows: [CheckedFlow], progress: @escaping @Sendable (Int) -> Void = { _ in }) async -> [Finding] {
    let names = NameCache(resolver)
    let gates = TargetGates(limit: Self.maximumAtOnce)
    var evidence: [Int: FlowEvidence] = [:]
    await withTaskGroup(of: (Int, FlowEvidence).self) { group in
      for (index, flow) in flows.enumerated() {
        group.addTask { (index, await self.evidence(flow, names, gates)) }
      }
      for await (index, found) in group {
        evidence[index] = found
        progress(evidence.count)
      }
    }
    let all = flows.indices.compactMap { evidence[$0] }
    let byHost = Dictionary(grouping: all) { $0.target.host }
    return zip(flows, all).map { flow, evidence in
      finding(flow, evidence, among: byHost[evidence.target.host] ?? [])
    }
  }

  // MARK: - One flow

  private func evidence(_ flow: CheckedFlow, _ names: NameCache, _ gates: TargetGates) async -> FlowEvidence {
    let log = ConversationLog()
    var target = flow.target
    let prober = table.prober(flow.row, flow.transport)
    var context = context
    context.credentials = credentials(target)
    if prober == nil { log.observe(.unsupported) }
    let named = target
    let address = await Deadline.race(until: context.deadline + Self.grace) {
      await self.resolve(named, names, log)
    }
    if let prober, let address = address ?? nil {
      target.address = address
      for index in target.certificateSources.indices where target.certificateSources[index].endpoint.host.isEmpty {
        let source = target.certificateSources[index].serverName
        let addresses = await Deadline.race(until: context.deadline) { await names.addresses(of: source) }
        if case .success(let found)? = addresses {
          target.certificateSources[index].endpoint.host = found.first ?? ""
        }
      }
      let found = target
      let given = context
      log.reached(.name)
      await gates.enter(address)
      await Deadline.race(until: context.deadline + Self.grace) {
        await prober.converse(recognisingStandInsAt: found, given, log)
      }
      await gates.leave(address)
    }
    var conversation = log.snapshot
    if conversation.phases.contains(where: { $0.seconds == nil }),
      let open = conversation.phases.last(where: { $0.seconds == nil })
    {
      let observed = Observation.deadline(open.name)
      if !conversation.observations.contains(observed) { conversation.observations.append(observed) }
    }
    return FlowEvidence(
      row: flow.row, transport: flow.transport,
      source: FlowSource(
        role: flow.sourceRole, host: flow.sourceHost, address: conversation.localAddress,
        interface: conversation.interface),
      target: FlowTarget(
        role: target.role, host: target.host, address: target.address.isEmpty ? nil : target.address,
        port: conversation.port ?? target.port),
      required: prober?.requiredDepth(withCredentials: context.credentials != nil) ?? .service,
      conversation: conversation,
      rule: flow.rule)
  }

  /// - Returns: nil when there is no address; the log says why.
  private func resolve(_ target: ProbeTarget, _ names: NameCache, _ log: ConversationLog) async -> String? {
    guard target.address.isEmpty else { return target.address }
    let name = target.relay?.host ?? target.host
    let index = log.begin(.resolve, sent: "the addresses of \(name)")
    switch await names.addresses(of: name) {
    case .success(let addresses):
      log.end(index, received: addresses.joined(separator: ", "))
      return addresses.first
    case .failure(let failure):
      log.end(index, received: failure.words)
      log.observe(failure.observation)
      return nil
    }
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
