// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging

/// Options of every command that does work.
struct GlobalOptions: ParsableArguments {
  @Option(help: ArgumentHelp("How log records are written.", valueName: "text|json"))
  var logFormat = LogFormat.text

  @Option(
    help: ArgumentHelp(
      "The least severe level that is logged: trace, debug, info, notice, warning, error or critical.",
      valueName: "level"),
    transform: { text in
      guard let level = Logger.Level(rawValue: text) else { throw ValidationError("there is no log level '\(text)'.") }
      return level
    })
  var logLevel = Logger.Level.warning

  @Flag(name: .shortAndLong, help: "No progress on standard error.")
  var quiet = false
}

/// Where the configuration is.
struct ConfigurationOption: ParsableArguments {
  @Option(name: [.customShort("c"), .long], help: ArgumentHelp("The configuration file.", valueName: "file"))
  var config = "bridgehead.yaml"
}
