// SPDX-License-Identifier: Apache-2.0

import PortReference

/// RFC 4180, for spreadsheets and scripts.
enum CSVRenderer {
  private static let columns = [
    "host", "role", "direction", "transport", "ports", "source", "source addresses", "destination",
    "destination addresses", "rows", "features", "reason",
  ]

  static func render(_ plan: Plan, _ options: RenderOptions) -> Rendering {
    let lines = plan.hosts.flatMap { host in
      host.rules.map { rule -> [String] in
        let (source, destination) = rule.direction == .egress ? ([rule.local], rule.peers) : (rule.peers, [rule.local])
        return [
          rule.host, rule.role.rawValue, rule.direction.rawValue, rule.transport.rawValue,
          rule.ports.map(\.description).joined(separator: " "), names(source), addresses(source), names(destination),
          addresses(destination), rule.rows.map(\.rawValue).joined(separator: " "),
          rule.features.map(\.rawValue).joined(separator: " "), rule.reason,
        ]
      }
    }
    let text = ([columns] + lines).map { $0.map(field).joined(separator: ",") + "\r\n" }.joined()
    return Rendering(text: text, gaps: [])
  }

  private static func names(_ ends: [End]) -> String { ends.map(\.name).joined(separator: " ") }

  static func addresses(_ ends: [End]) -> String {
    ends.flatMap { end in
      end.networks.isEmpty
        ? end.names.map(\.text) + (end.serviceTag.map { ["tag:\($0)"] } ?? []) : end.networks.map(\.description)
    }.joined(separator: " ")
  }

  /// A field that a spreadsheet would take for a formula begins with an apostrophe.
  static func field(_ text: String) -> String {
    let line = Script.oneLine(text)
    let safe = line.first.map { "=+-@".contains($0) } ?? false ? "'" + line : line
    return safe.contains { ",\"".contains($0) } ? "\"" + safe.replacing("\"", with: "\"\"") + "\"" : safe
  }
}
