// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect

struct ConnectSync: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync", abstract: "Synchronise once: import, synchronise, guard, export, confirm.",
    discussion: """
      The first run reads everything; later ones read what changed since. A run that was stopped, by whatever, is taken up
      by the next one. 'bridgehead connect run' does the same on a schedule, as a service.

      EXAMPLES
        bridgehead connect sync
        bridgehead connect sync --full --json
        bridgehead connect sync --staging

      EXIT CODES
        0 done, 1 failed, 3 stopped by the guard, 4 done with objects in quarantine or left for the next run
      """)

  @OptionGroup var configurationFile: ConfigurationOption
  @OptionGroup var global: GlobalOptions
  @OptionGroup var staging: StagingOption

  @Flag(help: "Read the forests and the cloud directory from the start.")
  var full = false

  @Flag(help: "Write the report as JSON.")
  var json = false

  func run() async throws {
    try await ConnectPass.run(configurationFile, global, purpose: "connect sync", staging: staging.staging) {
      [full, json] pass in
      let report = try await pass.service.run(.init(full: full), progress: pass.progress)
      pass.line.finish()
      if json { try printJSON(report) } else { print(report.summary) }
      return report.quarantined > 0 || !report.errors.isEmpty ? .partial : .success
    }
  }
}

/// For the commands that may export.
struct StagingOption: ParsableArguments {
  @Flag(help: "Import and synchronise, but export nothing, as with connect.mode: staging.")
  var staging = false
}

extension CycleReport {
  /// What a run did, for people.
  var summary: String {
    var lines: [String] = []
    for reading in imports {
      lines.append(
        "read \(reading.partition) from \(reading.server) (\(reading.mode.rawValue)): \(reading.read) changes, "
          + "\(reading.links) references" + (reading.note.map { "; \($0)" } ?? ""))
    }
    for asked in references ?? [] {
      lines.append(
        "asked the global catalog of \(asked.source): \(asked.resolved) resolved, \(asked.unknown) unknown, "
          + "\(asked.waiting) waiting" + (asked.failure.map { "; \($0)" } ?? ""))
    }
    for (source, count) in (placeless ?? [:]).sorted(by: { $0.key < $1.key }) {
      lines.append(
        "\(count) entries of \(source) wait: what stands above them was not read, so their scope is not known")
    }
    for (kind, counts) in exported.sorted(by: { $0.key > $1.key }) where counts.total > 0 {
      lines.append("\(kind)s: \(counts.summary)")
    }
    if isStaging == true {
      lines.append("staging mode: nothing was exported; \(pending) operations are pending")
    } else {
      if requests == 0 { lines.append("nothing to export") }
      if pending > 0 { lines.append("\(pending) operations left for the next run") }
    }
    if let replacedNames {
      lines.append("\(replacedNames) sign-in names are replaced; 'bridgehead connect status' says which, and why")
    }
    if quarantined > 0 { lines.append("\(quarantined) in quarantine; 'bridgehead connect errors' names them") }
    if !phases.isEmpty { lines.append("took \(durations)") }
    return lines.joined(separator: "\n")
  }

  /// How long each phase took.
  var durations: String {
    Phase.allCases.compactMap { phase in elapsed(phase).map { "\(phase.rawValue) \(Self.seconds($0))" } }
      .joined(separator: ", ")
  }

  static func seconds(_ value: Double) -> String { "\((value * 100).rounded() / 100) s" }
}

extension CycleReport.Exported {
  /// What is not zero, in words.
  var summary: String {
    [
      (created, "created"), (adopted, "adopted"), (updated, "updated"), (deleted, "deleted"),
      (linksAdded, "references added"), (linksRemoved, "references removed"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
  }
}
