// SPDX-License-Identifier: Apache-2.0

import PortReference

/// The JUnit form that continuous integration reads: a suite for the source host, a case for each flow.
package enum JUnitReport {
  package static func text(_ report: CheckReport) -> String {
    let failures = report.findings.count { $0.isRequired && $0.verdict.isFailure }
    let skipped = report.findings.count { isSkipped($0) }
    let counts = "tests=\"\(report.findings.count)\" failures=\"\(failures)\" errors=\"0\" skipped=\"\(skipped)\""
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
      "<testsuites \(counts) time=\"\(report.seconds)\">",
      "  <testsuite name=\"\(escape(report.source.host))\" \(counts) time=\"\(report.seconds)\">",
    ]
    for finding in report.findings {
      let name = "\(finding.service) \(finding.target.host)" + (finding.target.address.map { " (\($0))" } ?? "")
      lines.append(
        "    <testcase classname=\"\(escape(finding.row.rawValue))\" name=\"\(escape(name))\" time=\"\(finding.seconds)\">"
      )
      let message = "message=\"\(escape(finding.summary))\""
      if isSkipped(finding) {
        lines.append("      <skipped \(message)/>")
      } else if finding.isRequired, finding.verdict.isFailure {
        lines.append(
          "      <failure type=\"\(finding.diagnosis.rawValue)\" \(message)>\(escape(Explanation.text(finding)))</failure>"
        )
      } else {
        lines.append("      <system-out>\(escape(Explanation.text(finding)))</system-out>")
      }
      lines.append("    </testcase>")
    }
    return (lines + ["  </testsuite>", "</testsuites>", ""]).joined(separator: "\n")
  }

  private static func isSkipped(_ finding: Finding) -> Bool {
    finding.verdict == .inconclusive || (!finding.isRequired && finding.verdict.isFailure)
  }

  /// XML 1.0 2.2: most control characters cannot be written at all.
  private static func escape(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { result, scalar in
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      case _ where scalar.value < 0x20 || scalar.value == 0xfffe || scalar.value == 0xffff: result += "\u{fffd}"
      default: result.unicodeScalars.append(scalar)
      }
    }
  }
}
