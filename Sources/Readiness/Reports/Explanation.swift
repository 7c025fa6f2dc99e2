// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// A finding in words, with its conversation: what `--explain` shows.
package enum Explanation {
  package static func text(_ finding: Finding) -> String {
    var lines = [
      "\(finding.row) \(finding.service) \(finding.target.host): \(finding.verdict.rawValue)"
        + (finding.diagnosis == .none ? "" : ", \(finding.diagnosis.rawValue)")
    ]
    lines.append("  \(finding.summary)")
    lines.append(
      "  from \(finding.source.host)"
        + (finding.source.address.map { " (\($0)\(finding.source.interface.map { ", \($0)" } ?? ""))" } ?? "")
        + ", depth \(finding.depth.reached.rawValue) of \(finding.depth.required.rawValue); \(finding.specification)")
    for phase in finding.evidence {
      let time = phase.seconds.map { "\(milliseconds($0)) ms" } ?? "not ended"
      lines.append("  \(phase.name.rawValue) at \(milliseconds(phase.start)) ms, \(time)")
      if let sent = phase.sent { lines.append("    > \(sent)") }
      if let received = phase.received { lines.append("    < \(received)") }
    }
    lines += remedy(finding).map { "  \($0)" }
    return lines.joined(separator: "\n")
  }

  package static func remedy(_ finding: Finding) -> [String] {
    guard let remedy = finding.remedy else { return [] }
    return ["remedy (\(remedy.owner.rawValue)): \(remedy.action)"] + (remedy.rule.map { ["rule: \($0)"] } ?? [])
  }

  static func milliseconds(_ seconds: Double) -> String {
    let value = (seconds * 10_000).rounded() / 10
    return value == value.rounded() ? "\(Int(value))" : "\(value)"
  }
}
