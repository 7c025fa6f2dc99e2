// SPDX-License-Identifier: Apache-2.0

package import PortReference

/// One flow with all that was seen of it: what a diagnosis is made from.
package struct FlowEvidence: Sendable {
  package var row: RowID
  package var transport: Transport
  package var source: FlowSource
  package var target: FlowTarget
  /// How deep the conversation had to go.
  package var required: Depth
  package var conversation: Conversation
  /// The wildcard or the networks that the target is a sample of; nil for a host.
  package var sample: String?
  /// Chance chose the target's address: whether a host should be there is not known.
  package var isDrawn: Bool
  /// The rule of `ports plan` that opens the flow, in words.
  package var rule: String?

  package init(
    row: RowID, transport: Transport, source: FlowSource, target: FlowTarget, required: Depth,
    conversation: Conversation, sample: String? = nil, isDrawn: Bool = false, rule: String? = nil
  ) {
    self.row = row
    self.transport = transport
    self.source = source
    self.target = target
    self.required = required
    self.conversation = conversation
    self.sample = sample
    self.isDrawn = isDrawn
    self.rule = rule
  }

  var depth: Depth { conversation.depth }
  var isDeepEnough: Bool { depth >= required }
  /// `tcp 389 of dc1.corp.example (192.0.2.10)`.
  var name: String {
    let port = conversation.port ?? target.port
    return "\(transport.rawValue) \(port) of \(target.host)" + (target.address.map { " (\($0))" } ?? "")
  }

  /// Something of the target itself came back.
  var hostAnswered: Bool { depth >= .path }

  func saw(_ isWanted: (Observation) -> Bool) -> Bool { conversation.observations.contains(where: isWanted) }
}

/// What the evidence of a flow means.
package struct Judgement: Sendable, Hashable {
  package var verdict: Verdict
  package var diagnosis: Diagnosis
  /// One sentence.
  package var summary: String
  package var remedy: Remedy?

  package init(_ verdict: Verdict, _ diagnosis: Diagnosis, _ summary: String, _ remedy: Remedy? = nil) {
    self.verdict = verdict
    self.diagnosis = diagnosis
    self.summary = summary
    self.remedy = remedy
  }
}
