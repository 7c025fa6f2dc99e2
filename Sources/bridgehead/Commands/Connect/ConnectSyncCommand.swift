// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import IdentityModel
import Synchronization

struct ConnectSync: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync", abstract: "Synchronise once: import, synchronise, guard, export, confirm.",
    discussion: """
      The first run reads everything; later ones read what changed since. A run that was stopped, by whatever, is taken up
      by the next one.

      EXAMPLES
        bridgehead connect sync --preview
        bridgehead connect sync
        bridgehead connect sync --full --json

      EXIT CODES
        0 done, 1 failed, 2 the preview found differences, 3 stopped by the guard, 4 done with objects in quarantine or left
        for the next run
      """)

  @OptionGroup var configurationFile: ConfigurationOption
  @OptionGroup var global: GlobalOptions

  @Flag(help: "Read the forests and the cloud directory from the start.")
  var full = false

  @Flag(help: "Show what would be exported, and export nothing.")
  var preview = false

  @Option(
    help: ArgumentHelp(
      "Let through the deletions that the guard stopped; it names their fingerprint.", valueName: "fingerprint"))
  var acceptDeletions: String?

  @Flag(help: "Write the report as JSON.")
  var json = false

  func run() async throws {
    Observability.bootstrap(global)
    let environment = Environment.current
    let terminal = Terminal(environment: environment)
    let line = ProgressLine(terminal, quiet: global.quiet || global.logFormat == .json)
    let runtime = try await ConnectRuntime.open(
      ConfigurationLoader.load(configurationFile.config), file: configurationFile.config, environment: environment)
    let progress = Progress { phase, done, total in line.update(phase.rawValue, done, of: total) }
    let options = ConnectService.Options(full: full, acceptedDeletions: acceptDeletions)
    do {
      let status = try await Interruption.stopping {
        preview
          ? try await showPreview(runtime.service, options, progress, terminal, line)
          : try await synchronise(runtime.service, options, progress, line)
      }
      await runtime.close()
      if status != .success { throw ExitCode(status.rawValue) }
    } catch {
      line.finish()
      await runtime.close()
      throw error
    }
  }

  private func synchronise(
    _ service: ConnectService, _ options: ConnectService.Options, _ progress: Progress, _ line: ProgressLine
  ) async throws -> ExitStatus {
    let report = try await service.run(options, progress: progress)
    line.finish()
    if json { try printJSON(report) } else { print(report.summary) }
    return report.quarantined > 0 || !report.errors.isEmpty ? .partial : .success
  }

  private func showPreview(
    _ service: ConnectService, _ options: ConnectService.Options, _ progress: Progress, _ terminal: Terminal,
    _ line: ProgressLine
  ) async throws -> ExitStatus {
    let differences = Mutex<[ObjectDifference]>([])
    let asText = !json
    let report = try await service.preview(options, progress: progress) { difference in
      if asText {
        line.finish()
        print(difference.text(terminal))
      } else {
        differences.withLock { $0.append(difference) }
      }
    }
    line.finish()
    guard let summary = report.preview else {
      throw CommandError(
        "connect.preview", "The preview ended without a result.", remedy: "look at the log; run it again.")
    }
    if json {
      try printJSON(PreviewReport(summary: summary, differences: differences.withLock { $0 }))
    } else {
      print(summary.text)
    }
    return summary.isEmpty ? .success : .differences
  }

  private struct PreviewReport: Encodable {
    let summary: PreviewSummary
    let differences: [ObjectDifference]
  }
}

extension ObjectDifference {
  /// One line for the object, one for each value that changes.
  func text(_ terminal: Terminal) -> String {
    let (sign, style): (String, Terminal.Style) =
      switch operation {
      case .create: ("+", .green)
      case .update: ("~", .yellow)
      case .delete: ("-", .red)
      }
    var lines = [terminal.styled("\(sign) \(kind.rawValue) \(name)", style) + (isHeld ? " (held back)" : "")]
    for attribute in attributes {
      let before = attribute.before.joined(separator: ", ")
      let after = attribute.after.joined(separator: ", ")
      lines.append(
        "    \(attribute.name): " + (before.isEmpty ? after : "\(before) → \(after.isEmpty ? "nothing" : after)"))
    }
    for link in links {
      lines += link.added.map { "    \(link.name): + \($0)" } + link.removed.map { "    \(link.name): - \($0)" }
    }
    return lines.joined(separator: "\n")
  }
}

extension PreviewSummary {
  var text: String {
    guard !isEmpty else { return "Nothing to export." }
    let counts =
      "\(creates) to create, \(updates) to update, \(deletes) to delete; "
      + "\(linksAdded) references to add, \(linksRemoved) to remove."
    return stopped.map { "\(counts)\nThe guard would stop this: \($0)" } ?? counts
  }
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
    for (kind, counts) in exported.sorted(by: { $0.key > $1.key }) where counts.total > 0 {
      let parts = [
        (counts.created, "created"), (counts.adopted, "adopted"), (counts.updated, "updated"),
        (counts.deleted, "deleted"), (counts.linksAdded, "references added"),
        (counts.linksRemoved, "references removed"),
      ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
      lines.append("\(kind)s: " + parts.joined(separator: ", "))
    }
    if requests == 0 { lines.append("nothing to export") }
    if quarantined > 0 { lines.append("\(quarantined) in quarantine; 'bridgehead connect status' names them") }
    if pending > 0 { lines.append("\(pending) operations left for the next run") }
    lines.append(
      "took "
        + Phase.allCases.compactMap { phase in elapsed(phase).map { "\(phase.rawValue) \(Self.seconds($0))" } }
        .joined(separator: ", "))
    return lines.joined(separator: "\n")
  }

  static func seconds(_ value: Double) -> String { "\((value * 100).rounded() / 100) s" }
}
