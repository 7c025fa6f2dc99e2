// SPDX-License-Identifier: Apache-2.0

import PortReference

/// From the evidence of one flow, and that of the other flows of the same target, to verdict, diagnosis and remedy.
///
/// A pure function: no clock, no network, no state. The families are asked in order and the first that knows wins: what a
/// peer said of itself comes before what a silent path may mean. Less than the required depth is never `works`.
///
/// - Parameter siblings: flows from the same source to the same target; the flow itself may be among them.
package func diagnose(_ flow: FlowEvidence, among siblings: [FlowEvidence]) -> Judgement {
  let others = siblings.filter { $0.row != flow.row || $0.transport != flow.transport || $0.target != flow.target }
  let matter = Matter(flow: flow, siblings: others.filter { $0.target.host == flow.target.host })
  var judgement = judge(matter)
  if flow.isDrawn { return DrawnDiagnosis.weigh(judgement, matter) }
  judgement.summary += matter.addressWords
  return judgement
}

private func judge(_ matter: Matter) -> Judgement {
  let flow = matter.flow
  for family in families {
    if let judgement = family(matter) { return judgement }
  }
  guard flow.isDeepEnough else {
    if flow.conversation.observations.contains(.unsupported) {
      return Judgement(
        .inconclusive, .unknown, "\(flow.name) was not tried: this version has no conversation for the row.")
    }
    let notes = flow.conversation.observations.compactMap { if case .note(let text) = $0 { text } else { nil } }
    return Judgement(
      .inconclusive, .unknown,
      "The conversation with \(flow.name) reached \(flow.depth.rawValue), where \(flow.required.rawValue) is needed"
        + (notes.isEmpty ? "." : ": \(notes.joined(separator: "; "))."))
  }
  return Judgement(
    .works, .none,
    "\(flow.name) works, as deep as \(flow.depth.rawValue)"
      + (flow.sample.map { "; it is a sample of \($0), the rest was not tried." } ?? "."))
}

/// In the order in which they are asked.
private let families: [@Sendable (Matter) -> Judgement?] = [
  NameDiagnosis.judge,
  StandInDiagnosis.judge,
  HTTPDiagnosis.judge,
  CertificateDiagnosis.judge,
  IdentityDiagnosis.judge,
  DirectoryDiagnosis.judge,
  RPCDiagnosis.judge,
  SMBDiagnosis.judge,
  AnswerDiagnosis.judge,
  PathDiagnosis.judge,
  RemarkDiagnosis.judge,
]

/// A flow under diagnosis, with the other flows of its target.
struct Matter {
  let flow: FlowEvidence
  let siblings: [FlowEvidence]

  /// The first value that the body finds in the flow's observations.
  func first<Value>(_ body: (Observation) -> Value?) -> Value? {
    for observation in flow.conversation.observations {
      if let value = body(observation) { return value }
    }
    return nil
  }

  /// The same row over the other transport.
  var twin: FlowEvidence? {
    siblings.first {
      $0.row == flow.row && $0.transport != flow.transport && $0.target.address == flow.target.address
    }
  }

  /// The same flow to other addresses of the name.
  private var otherAddresses: [FlowEvidence] {
    siblings.filter {
      $0.row == flow.row && $0.transport == flow.transport && $0.target.address != flow.target.address
        && $0.target.address != nil
    }
  }

  /// Which of a name's addresses fail, where there are several and this one does: a sentence, or nothing.
  var addressWords: String {
    let others = otherAddresses
    guard !flow.isDeepEnough, !others.isEmpty, let address = flow.target.address else { return "" }
    let working = others.filter(\.isDeepEnough).compactMap(\.target.address).sorted()
    return working.isEmpty
      ? " None of the \(others.count + 1) addresses of the name works."
      : " Of the \(others.count + 1) addresses of the name, \(address) fails; \(working.joined(separator: ", ")) "
        + "work\(working.count == 1 ? "s" : "")."
  }

  /// Other flows to the same address.
  var neighbours: [FlowEvidence] { siblings.filter { $0.target.address == flow.target.address } }

  /// A remedy for whoever runs the target.
  func target(_ action: String) -> Remedy { Remedy(.target, action) }

  /// A remedy that is the rule of the plan.
  func open(_ action: String) -> Remedy { Remedy(.firewall, action, rule: flow.rule) }
}
