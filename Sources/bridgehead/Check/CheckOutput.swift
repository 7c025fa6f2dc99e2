// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PortReference
import Readiness

/// The forms in which findings are written.
enum CheckOutput: String, ExpressibleByArgument, CaseIterable {
  case table, json, junit, nagios, prometheus

  func print(_ report: CheckReport, explain: Bool) throws {
    let text =
      switch self {
      case .table: Self.table(report, explain: explain)
      case .json: try jsonText(report) + "\n"
      case .junit: JUnitReport.text(report)
      case .nagios: NagiosReport.text(report)
      case .prometheus: PrometheusReport.text(report)
      }
    try Output.write(text, to: nil)
  }

  /// One line a flow, then what is to be done.
  private static func table(_ report: CheckReport, explain: Bool) -> String {
    let terminal = Terminal(environment: Environment.current)
    var table = Table(header: ["VERDICT", "ROW", "SERVICE", "TARGET", "DIAGNOSIS", "DEPTH", "MS"])
    table.rows = report.findings.map { finding in
      [
        finding.verdict.rawValue, finding.row.rawValue, finding.service,
        finding.target.host
          + (finding.target.address.map { $0 == finding.target.host ? "" : " (\($0))" } ?? ""),
        finding.diagnosis == .none ? "" : finding.diagnosis.rawValue,
        "\(finding.depth.reached.rawValue)/\(finding.depth.required.rawValue)", "\(Int(finding.seconds * 1000))",
      ]
    }
    var lines = [table.text(terminal), ""]
    if explain {
      lines += report.findings.flatMap { [Explanation.text($0), ""] }
    } else {
      for finding in report.findings where finding.verdict != .works {
        let style: Terminal.Style = finding.verdict.isFailure ? .red : .yellow
        lines.append("\(terminal.styled(finding.verdict.rawValue, style)) \(finding.row): \(finding.summary)")
        lines += Explanation.remedy(finding).map { "  \($0)" }
      }
      if report.findings.contains(where: { $0.verdict != .works }) { lines.append("") }
    }
    let works = report.count(.works) + report.count(.worksWithRemark)
    let failed = report.findings.count { $0.verdict.isFailure }
    lines.append(
      "\(works) of \(report.findings.count) flows work, \(failed) do not, \(report.count(.inconclusive)) are not decided; "
        + "\((report.seconds * 10).rounded() / 10) s from \(report.source.host)")
    return lines.joined(separator: "\n") + "\n"
  }
}
