// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A flow while it is checked. Its target may have several addresses: with each there is a conversation of its own.
final class RunningFlow: Sendable {
  /// One address of the target and what was said with it.
  struct Probe: Sendable {
    let target: ProbeTarget
    let log: ConversationLog
  }

  let flow: CheckedFlow
  /// Until there is an address.
  let opening = ConversationLog()
  private let begun = Mutex<[Probe]>([])

  init(_ flow: CheckedFlow) { self.flow = flow }

  /// Begins a conversation with each of the targets, in each of which the opening is told.
  func begin(_ targets: [ProbeTarget]) -> [Probe] {
    let probes = targets.map { Probe(target: $0, log: ConversationLog(after: opening)) }
    begun.withLock { $0 = probes }
    return probes
  }

  /// What there is at this moment, never empty.
  var probes: [Probe] {
    let all = begun.withLock { $0 }
    return all.isEmpty ? [Probe(target: flow.target, log: opening)] : all
  }
}
