// SPDX-License-Identifier: Apache-2.0

import PortReference

/// The documentation page of `ports`: every row, its conversation, every diagnosis and its usual remedy, made from the same
/// data that plans and checks use, so that it cannot say anything else.
package enum ReferencePage {
  package static func markdown(_ table: ProberTable = .standard) -> String {
    var lines = [
      "# The ports, how each is proved, and what can be wrong", "",
      "Made by `bridgehead ports list --reference`; `make verify` compares. The rows are those of Microsoft's reference "
        + "\"Hybrid Identity Required Ports and Protocols\".", "", "## Rows", "",
    ]
    for row in ReferenceRow.all { lines += section(row, table) }
    lines += ["## Diagnoses", "", "The closed vocabulary of reports, metrics and tests.", ""]
    lines += ["| diagnosis | what it says | usual remedy |", "|---|---|---|"]
    lines += Diagnosis.allCases.filter { $0 != .none }.map {
      "| `\($0.rawValue)` | \($0.meaning) | \($0.usualRemedy) |"
    }
    lines += ["", "## Verdicts", "", "| verdict | fails the check |", "|---|---|"]
    lines += Verdict.allCases.map { "| `\($0.rawValue)` | \($0.isFailure ? "yes" : "no") |" }
    lines += ["", "## Depths", "", Depth.allCases.map { "`\($0.rawValue)`" }.joined(separator: " < "), ""]
    return lines.joined(separator: "\n")
  }

  private static func section(_ row: ReferenceRow, _ table: ProberTable) -> [String] {
    let transports = Planner.transports(row)
    var lines = [
      "### `\(row.id)`", "",
      "\(row.name), \(transports.map { $0.rawValue.uppercased() }.joined(separator: " and ")) \(row.ports), from "
        + "\(row.source.title) to \(row.destination.title). \(row.purpose)", "",
      "- **Features**: \(row.features.map { "`\($0.rawValue)`" }.joined(separator: ", "))",
      "- **Conversation**: \(row.id.conversation)",
    ]
    for transport in transports {
      guard let prober = table.prober(row.id, transport) else {
        lines.append("- **\(transport.rawValue)**: not checked yet")
        continue
      }
      let (without, with) = (prober.requiredDepth(withCredentials: false), prober.requiredDepth(withCredentials: true))
      lines.append(
        "- **\(transport.rawValue)**: works at `\(without.rawValue)`"
          + (with == without ? "" : ", with credentials at `\(with.rawValue)`") + " (\(prober.specification))")
    }
    lines += row.annotations.map { "- **Note \($0.number)**: \($0.text)" }
    return lines + [""]
  }
}
