// SPDX-License-Identifier: Apache-2.0

/// The form of a monitoring plugin: one line with performance data, then details; and the exit codes that belong to it.
package enum NagiosReport {
  package enum Status: Int32, Sendable {
    case ok = 0
    case warning = 1
    case critical = 2
    case unknown = 3

    var word: String {
      switch self {
      case .ok: "OK"
      case .warning: "WARNING"
      case .critical: "CRITICAL"
      case .unknown: "UNKNOWN"
      }
    }
  }

  package static func status(_ report: CheckReport) -> Status {
    switch report.outcome {
    case .failed: .critical
    case .inconclusive: .unknown
    case .works:
      report.findings.contains { $0.verdict == .worksWithRemark || $0.verdict.isFailure } ? .warning : .ok
    }
  }

  package static func text(_ report: CheckReport) -> String {
    let failed = report.findings.filter(\.verdict.isFailure)
    let works = report.count(.works) + report.count(.worksWithRemark)
    let numbers =
      "flows=\(report.findings.count) works=\(works) failed=\(failed.count) "
      + "inconclusive=\(report.count(.inconclusive)) time=\((report.seconds * 1000).rounded() / 1000)s"
    let head =
      "PORTS \(status(report).word) - \(works) of \(report.findings.count) flows work from \(clean(report.source.host))"
    let details = report.findings.filter { $0.verdict != .works }.map { finding in
      clean(
        "\(finding.row) \(finding.service) \(finding.target.host): \(finding.diagnosis.rawValue): \(finding.summary)")
    }
    return ([head + " | " + numbers] + details).joined(separator: "\n") + "\n"
  }

  /// A bar would begin performance data.
  private static func clean(_ text: String) -> String {
    String(text.map { $0 == "|" ? "/" : $0.isNewline ? " " : $0 })
  }
}
