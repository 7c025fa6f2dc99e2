// SPDX-License-Identifier: Apache-2.0

import PortReference

/// Tables for a change request: what each host needs, and why.
enum MarkdownRenderer {
  static func render(_ plan: Plan, _ options: RenderOptions) -> Rendering {
    var lines = ["# Rules for \(escaped(plan.name))", ""]
    if !plan.isStateful {
      lines += ["Firewalls here keep no state: answers from these ports need rules of their own.", ""]
    }
    for host in plan.hosts {
      lines += ["## \(escaped(host.name)), \(host.role.title)", ""]
      if let note = host.note { lines += [escaped(note), ""] }
      for direction in Direction.allCases where !host.rules(direction).isEmpty {
        let peer = direction == .egress ? "To" : "From"
        lines += [
          "\(direction == .egress ? "Leaves" : "Arrives"):", "",
          "| \(peer) | Addresses | Transport | Ports | Row | Features | Reason |",
          "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        for rule in host.rules(direction) {
          let cells = [
            rule.peersText, CSVRenderer.addresses(rule.peers).replacing(" ", with: ", "), rule.transport.rawValue,
            rule.ports.map(\.description).joined(separator: ", "), rule.label,
            rule.features.map(\.rawValue).joined(separator: ", "), rule.reason,
          ]
          lines.append("| " + cells.map(escaped).joined(separator: " | ") + " |")
        }
        lines.append("")
      }
    }
    return Rendering(text: lines.dropLast().joined(separator: "\n") + "\n", gaps: [])
  }

  /// Text that stays text: Markdown's and HTML's own characters are escaped (CommonMark 2.4).
  static func escaped(_ text: String) -> String {
    Script.oneLine(text).map { "\\`*_{}[]<>#|&!".contains($0) ? "\\\($0)" : String($0) }.joined()
  }
}
