// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import IdentityModel
import Synchronization

struct ConnectPreview: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preview", abstract: "Show what a synchronisation would change, object by object; export nothing.",
    discussion: """
      It reads the directories as a run does, asks the Global Catalog for what references name outside of them, and computes
      the difference in a transaction that is undone. What the cloud directory holds is taken from the last run that read
      it.

      EXAMPLES
        bridgehead connect preview
        bridgehead connect preview --full
        bridgehead connect preview --json

      EXIT CODES
        0 nothing would change, 1 failed, 2 something would change
      """)

  @OptionGroup var configurationFile: ConfigurationOption
  @OptionGroup var global: GlobalOptions

  @Flag(help: "Read the forests from the start.")
  var full = false

  @Flag(help: "Write the differences as JSON.")
  var json = false

  func run() async throws {
    try await ConnectPass.run(configurationFile, global, purpose: "connect preview") { [full, json] pass in
      let differences = Mutex<[ObjectDifference]>([])
      let report = try await pass.service.preview(.init(full: full), progress: pass.progress) { difference in
        if json {
          differences.withLock { $0.append(difference) }
        } else {
          pass.line.finish()
          print(difference.text(pass.terminal))
        }
      }
      pass.line.finish()
      guard let summary = report.preview else {
        throw CommandError(
          "connect.preview", "The preview ended without a result.", remedy: "look at the log; run it again.")
      }
      if json {
        try printJSON(
          Output(
            isStaging: report.isStaging ?? false, summary: summary, differences: differences.withLock { $0 },
            errors: report.errors))
      } else {
        print(summary.text)
        for error in report.errors { print(error) }
        if report.isStaging == true { print("Staging mode: a run would not export this.") }
      }
      return summary.isEmpty ? .success : .differences
    }
  }

  private struct Output: Encodable {
    let isStaging: Bool
    let summary: PreviewSummary
    let differences: [ObjectDifference]
    let errors: [String]
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
    var lines = [
      terminal.styled("\(sign) \(kind.rawValue) \(name)", style) + terminal.styled("  \(target)", .dim)
        + (isHeld ? " (held back)" : "")
    ]
    for attribute in attributes {
      let before = attribute.before.joined(separator: ", ")
      let after = attribute.after.joined(separator: ", ")
      lines.append(
        "    \(attribute.name): " + (before.isEmpty ? after : "\(before) → \(after.isEmpty ? "nothing" : after)"))
    }
    if let replacedName { lines.append("    its sign-in name is replaced: \(replacedName.reason)") }
    for link in links {
      lines += link.added.map { "    \(link.name): + \($0)" } + link.removed.map { "    \(link.name): - \($0)" }
    }
    return lines.joined(separator: "\n")
  }
}

extension PreviewSummary {
  fileprivate var text: String {
    guard !isEmpty else { return "Nothing to export." }
    let counts =
      "\(creates) to create, \(updates) to update, \(deletes) to delete; "
      + "\(linksAdded) references to add, \(linksRemoved) to remove."
    return stopped.map {
      "\(counts)\nThe guard would stop this before the first request. \($0) 'bridgehead connect approve' lets it "
        + "through once a run has stopped there."
    } ?? counts
  }
}
