// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Write, check and describe the configuration file.",
    subcommands: [Init.self, Validate.self, PrintSchema.self])

  struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a commented example configuration.",
      discussion: """
        EXAMPLES
          bridgehead config init
          bridgehead config init --output /etc/bridgehead/bridgehead.yaml
        """)

    @Option(name: .shortAndLong, help: "The file to write; - for standard output.")
    var output = "bridgehead.yaml"

    func run() throws {
      try Output.write(configuration: Schema.template(), to: output, wayOut: "move it away")
    }
  }

  struct Validate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check a configuration file and its rules, and name every fault with its line.",
      discussion: """
        EXAMPLES
          bridgehead config validate
          bridgehead config validate --config /etc/bridgehead/bridgehead.yaml --json

        EXIT CODES
          0 the file is fine, 78 it is not
        """)

    @OptionGroup var configurationFile: ConfigurationOption

    @Flag(help: "Write the faults as JSON.")
    var json = false

    func run() throws {
      do {
        _ = try ConfigurationLoader.rules(of: try ConfigurationLoader.load(configurationFile.config))
        if json { try printJSON([ConfigurationIssue]()) } else { print("\(configurationFile.config) is fine") }
      } catch let error as ConfigurationError {
        guard json else { throw error }
        try printJSON(error.issues)
        throw ExitCode(ExitStatus.configuration.rawValue)
      }
    }
  }

  struct PrintSchema: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "schema", abstract: "Write the JSON Schema of the configuration file.",
      discussion: "EXAMPLE\n  bridgehead config schema > bridgehead.schema.json")

    func run() throws {
      try printJSON(JSONSchema(Schema.configuration, title: "bridgehead.yaml"))
    }
  }
}
