// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import PortReference

/// The text format of Prometheus, for its node exporter's text files. Verdicts and diagnoses are closed vocabularies, so
/// that labels do not multiply.
package enum PrometheusReport {
  package static func text(_ report: CheckReport) -> String {
    var lines: [String] = []
    metric("bridgehead_ports_flow_works", "Whether the flow works: 1, or 0.", &lines)
    for finding in report.findings where finding.verdict != .inconclusive {
      lines.append("bridgehead_ports_flow_works{\(labels(finding, report))} \(finding.verdict.isFailure ? 0 : 1)")
    }
    metric("bridgehead_ports_flow_finding", "Always 1; the labels say what was found.", &lines)
    for finding in report.findings {
      let found =
        "verdict=\"\(finding.verdict.rawValue)\",diagnosis=\"\(finding.diagnosis.rawValue)\",required=\"\(finding.isRequired)\""
      lines.append("bridgehead_ports_flow_finding{\(labels(finding, report)),\(found)} 1")
    }
    metric("bridgehead_ports_phase_duration_seconds", "Seconds that a phase of the conversation took.", &lines)
    for finding in report.findings {
      // A phase that comes more than once is summed: a series has one value.
      var sums: [(name: Phase.Name, seconds: Double)] = []
      for phase in finding.evidence {
        guard let seconds = phase.seconds else { continue }
        if let index = sums.firstIndex(where: { $0.name == phase.name }) {
          sums[index].seconds += seconds
        } else {
          sums.append((phase.name, seconds))
        }
      }
      for sum in sums {
        lines.append(
          "bridgehead_ports_phase_duration_seconds{\(labels(finding, report)),phase=\"\(sum.name.rawValue)\"} \(sum.seconds)"
        )
      }
    }
    metric("bridgehead_ports_clock_skew_seconds", "By how much the target's clock is ahead.", &lines)
    for finding in report.findings {
      for case .clockSkew(let seconds, _) in finding.observations.prefix(64) {
        lines.append("bridgehead_ports_clock_skew_seconds{\(labels(finding, report))} \(seconds)")
        break
      }
    }
    metric("bridgehead_ports_certificate_expiry_timestamp_seconds", "When the target's certificate expires.", &lines)
    for finding in report.findings {
      for case .peerCertificate(_, _, let notAfter) in finding.observations.prefix(64) {
        lines.append(
          "bridgehead_ports_certificate_expiry_timestamp_seconds{\(labels(finding, report))} "
            + "\(Int64(notAfter.timeIntervalSince1970))")
        break
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func metric(_ name: String, _ help: String, _ lines: inout [String]) {
    lines += ["# HELP \(name) \(help)", "# TYPE \(name) gauge"]
  }

  private static func labels(_ finding: Finding, _ report: CheckReport) -> String {
    [
      ("source", report.source.host), ("row", finding.row.rawValue), ("transport", finding.transport.rawValue),
      ("target", finding.target.host), ("address", finding.target.address ?? ""), ("port", "\(finding.target.port)"),
    ].map { "\($0)=\"\(escape($1))\"" }.joined(separator: ",")
  }

  private static func escape(_ value: String) -> String {
    value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }
}
