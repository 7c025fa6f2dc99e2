// SPDX-License-Identifier: Apache-2.0

import PortReference

/// Findings for people: `file:line: level: message`, as compilers write them.
package enum LintReport {
  package static func text(_ findings: [LintFinding], file: String) -> String {
    guard !findings.isEmpty else { return "\(file): nothing to remark" }
    return findings.map { finding in
      let place = finding.line.map { "\(file):\($0)" } ?? file
      return "\(place): \(finding.level.rawValue): \(Script.oneLine(finding.message)) Remedy: "
        + "\(Script.oneLine(finding.remedy)) [\(finding.rule.rawValue)]"
    }.joined(separator: "\n")
  }
}
