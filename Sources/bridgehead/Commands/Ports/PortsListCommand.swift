// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PortReference
import Readiness

struct PortsList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the rows of the reference: who talks to whom, on which port, and what for.",
    discussion: """
      EXAMPLES
        bridgehead ports list --table 1
        bridgehead ports list --role proxy --markdown
        bridgehead ports list --feature password-hash-sync --json
        bridgehead ports list --reference
      """)

  @Option(help: ArgumentHelp("Only this table of the reference, 1 to 5.", valueName: "n"))
  var table: Int?

  @Option(help: "Only rows with this role at either end.")
  var role: Role?

  @Option(help: "Only rows that this feature needs.")
  var feature: Feature?

  @Flag(help: "Write JSON.")
  var json = false

  @Flag(help: "Write a Markdown table.")
  var markdown = false

  @Flag(help: "Write the documentation page: every row, how it is checked, every diagnosis and remedy (Markdown).")
  var reference = false

  func validate() throws {
    if let table, !(1...5).contains(table) { throw ValidationError("--table takes a number from 1 to 5.") }
    if json && markdown { throw ValidationError("Choose one of --json and --markdown.") }
  }

  func run() throws {
    if reference { return print(ReferencePage.markdown(), terminator: "") }
    let rows = ReferenceRow.all.filter { row in
      (table.map { row.table == $0 } ?? true)
        && (role.map { row.source == $0 || row.destination == $0 } ?? true)
        && (feature.map { row.features.contains($0) } ?? true)
    }
    if json { return try printJSON(rows.map(RowReport.init)) }
    var output = Table(header: ["ROW", "TABLE", "FROM", "TO", "PROTOCOL", "PORTS", "TRANSPORT", "NOTES", "PURPOSE"])
    output.rows = rows.map { row in
      [
        row.id.rawValue, "\(row.table)", row.source.title, row.destination.title, row.name, row.ports.description,
        row.transports.map(\.rawValue).joined(separator: "/"),
        row.annotations.map { "\($0.number)" }.joined(separator: ","), row.purpose,
      ]
    }
    print(markdown ? output.markdown : output.text())
    let notes = Annotation.all.filter { note in rows.contains { note.rows.contains($0.id) } }
    guard !notes.isEmpty else { return }
    print("\nNotes: what the reference leaves open or contradicts")
    for note in notes { print("\(markdown ? "- " : "")\(note.number) (\(note.kind.rawValue)): \(note.text)") }
  }
}

/// A row with its annotations, as `--json` writes it.
private struct RowReport: Encodable {
  let row: ReferenceRow

  private enum Keys: CodingKey { case annotations }

  func encode(to encoder: any Encoder) throws {
    try row.encode(to: encoder)
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(row.annotations, forKey: .annotations)
  }
}

extension Role: ExpressibleByArgument {}
extension Feature: ExpressibleByArgument {}
