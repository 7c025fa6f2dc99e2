// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
package import PortReference

/// The reports of several source hosts as one: a line for each flow's target, a column for each source.
package struct ReportMatrix: Sendable, Codable, Hashable {
  package var version = 1
  /// In the order of their names.
  package var sources: [Source]
  package var lines: [Line]

  package struct Source: Sendable, Codable, Hashable {
    package var host: String
    package var role: Role
    /// When its check began.
    package var started: Date
    /// The thumbprint (RFC 7638) of the key that signed its report.
    package var key: String
  }

  package struct Line: Sendable, Codable, Hashable {
    package var row: RowID
    package var transport: Transport
    package var target: FlowTarget
    /// By source host; a source that does not have the flow is missing.
    package var cells: [String: Cell]
  }

  package struct Cell: Sendable, Codable, Hashable {
    package var verdict: Verdict
    package var diagnosis: Diagnosis
    package var isRequired: Bool
    package var summary: String
    package var remedy: Remedy?
  }

  /// Of several reports of one source, the newest counts.
  package init(_ reports: [(report: CheckReport, key: ReportKey.Public)]) {
    var newest: [String: (report: CheckReport, key: ReportKey.Public)] = [:]
    for entry in reports {
      let key = "\(entry.report.source.role.rawValue) \(entry.report.source.host)"
      if newest[key].map({ $0.report.started < entry.report.started }) ?? true { newest[key] = entry }
    }
    let chosen = newest.sorted { $0.key < $1.key }.map(\.value)
    sources = chosen.map { entry in
      Source(
        host: entry.report.source.host, role: entry.report.source.role, started: entry.report.started,
        key: entry.key.thumbprint)
    }
    lines = []
    var places: [FlowKey: Int] = [:]
    for (report, _) in chosen {
      for finding in report.findings {
        let key = FlowKey(finding)
        let cell = Cell(
          verdict: finding.verdict, diagnosis: finding.diagnosis, isRequired: finding.isRequired,
          summary: finding.summary, remedy: finding.remedy)
        if let place = places[key] {
          lines[place].cells[report.source.host] = cell
        } else {
          places[key] = lines.count
          lines.append(
            Line(
              row: finding.row, transport: finding.transport, target: key.target,
              cells: [report.source.host: cell]))
        }
      }
    }
    let order = Dictionary(uniqueKeysWithValues: RowID.allCases.enumerated().map { ($1, $0) })
    lines.sort { left, right in
      (order[left.row] ?? 0, left.target.host, left.target.address ?? "", left.transport.rawValue)
        < (order[right.row] ?? 0, right.target.host, right.target.address ?? "", right.transport.rawValue)
    }
  }

  /// The port is the row's: a conversation may have ended on another one, which differs between sources.
  private struct FlowKey: Hashable {
    let row: RowID
    let transport: Transport
    let target: FlowTarget

    init(_ finding: Finding) {
      row = finding.row
      transport = finding.transport
      var target = finding.target
      if let ports = ReferenceRow.row(finding.row)?.ports, ports.first != ports.last { target.port = Int(ports.first) }
      self.target = target
    }
  }

  /// The worst of all sources, as for one check.
  package var outcome: CheckReport.Outcome {
    let cells = lines.flatMap(\.cells.values).filter(\.isRequired)
    if cells.contains(where: \.verdict.isFailure) { return .failed }
    return cells.contains { $0.verdict == .inconclusive } ? .inconclusive : .works
  }
}
