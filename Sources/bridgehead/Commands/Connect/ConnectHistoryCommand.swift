// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import FoundationEssentials

struct ConnectHistory: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Show the runs that were made: counts, durations and errors.",
    discussion: """
      Passes of the service that changed nothing are not listed one by one: each run tells how many there were before it.
      Passes that failed in a row for the same reason are one line.

      EXAMPLES
        bridgehead connect history
        bridgehead connect history --last 100 --failed
        bridgehead connect history 4711 --json
      """)

  @Argument(help: "The number of one run, to see it in full.")
  var number: Int64?

  @OptionGroup var configurationFile: ConfigurationOption

  @Option(help: ArgumentHelp("How many runs are listed.", valueName: "count"))
  var last = 20

  @Flag(help: "Only runs that failed, were stopped or had errors.")
  var failed = false

  @Flag(help: "Write JSON.")
  var json = false

  func validate() throws {
    guard (1...100_000).contains(last) else { throw ValidationError("--last takes a number from 1 to 100000.") }
  }

  func run() async throws {
    let history = RunHistory(store: try await ConnectAccess(configurationFile).store())
    let terminal = Terminal(environment: Environment.current)
    if let number {
      guard let run = try await history.run(number) else {
        throw CommandError(
          "connect.noRun", "There is no run \(number).", remedy: "'bridgehead connect history' lists the runs.")
      }
      return json ? try printJSON(run) : print(run.text(terminal))
    }
    let runs = try await history.last(last, failedOnly: failed)
    if json { return try printJSON(runs) }
    print(RunRecord.table(runs).text(terminal))
  }
}

extension RunRecord {
  static func table(_ runs: [RunRecord]) -> Table {
    Table(
      header: ["RUN", "STARTED", "MODE", "OUTCOME", "TOOK", "READ", "EXPORTED", "HELD", "NOTES"],
      rows: runs.map { run in
        let report = run.report
        return [
          "\(run.id)", Date(timeIntervalSince1970: run.started).formatted(.iso8601), run.mode.rawValue,
          run.outcome.rawValue,
          run.ended.map { CycleReport.seconds($0 - run.started) } ?? "-",
          "\(report?.imports.reduce(0) { $0 + $1.read } ?? 0)",
          "\(report?.exported.values.reduce(0) { $0 + $1.total } ?? 0)", "\(report?.quarantined ?? 0)", run.notes,
        ]
      })
  }

  private var notes: String {
    guard let report else { return "" }
    var notes: [String] = []
    if report.isStaging == true { notes.append("staging") }
    if let quiet = report.quietBefore { notes.append("\(quiet) quiet before") }
    if let repetitions = report.repetitions { notes.append("\(repetitions) times in a row") }
    notes += report.errors.prefix(1)
    let more = report.errors.count - 1 + (report.furtherErrors ?? 0)
    if more > 0 { notes.append("and \(more) more errors") }
    return notes.joined(separator: "; ")
  }

  fileprivate func text(_ terminal: Terminal) -> String {
    var lines = [
      terminal.styled("Run \(id): \(mode.rawValue), \(outcome.rawValue)", .bold),
      "started \(Date(timeIntervalSince1970: started).formatted(.iso8601))"
        + (ended.map { ", took \(CycleReport.seconds($0 - started))" } ?? ""),
    ]
    if let report {
      if let quiet = report.quietBefore { lines.append("\(quiet) passes before it changed nothing") }
      if let repetitions = report.repetitions { lines.append("failed \(repetitions) times in a row like this") }
      lines.append(report.summary)
      lines += (report.leftOut ?? []) + report.errors.map { terminal.styled("error: \($0)", .red) }
      if let further = report.furtherErrors {
        lines.append("and \(further) further errors; 'bridgehead connect errors' names every object that is held")
      }
    }
    return lines.joined(separator: "\n")
  }
}
