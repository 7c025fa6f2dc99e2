// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials

struct ConnectImportConfig: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import-config",
    abstract: "Make a configuration from the one of Entra Connect or of AzureADConnect_Samba4.",
    discussion: """
      Reads the JSON that the Entra Connect wizard exports (View or export current configuration), a folder with
      Connectors/*.json, GlobalSettings/*.json and SynchronizationRules/*.json, or an azure.conf. What has no counterpart is
      told in notes, on standard error and at the top of the result. No secret is copied.

      EXAMPLES
        bridgehead connect import-config Exported-SynchronizationPolicy-1.JSON
        bridgehead connect import-config /etc/azureconf/azure.conf --output bridgehead.yaml

      EXIT CODES
        0 done, 1 the result cannot be written, 78 the source cannot be used
      """)

  @Argument(help: "The exported file, the exported folder, or an azure.conf.")
  var source: String

  @Option(name: .shortAndLong, help: "The file to write; - for standard output.")
  var output = "-"

  @Flag(help: "Replace the file if it exists.")
  var force = false

  func run() throws {
    let migration = try MigrationSource.read(source)
    let text = try migration.yaml(source: source)
    try Output.write(configuration: text, to: output, force: force, wayOut: "add --force")
    for note in migration.notes { printError("note: \(note.place): \(note.text)") }
  }
}
