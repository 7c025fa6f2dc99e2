// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct PortsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ports", abstract: "The ports and protocols of a hybrid identity.",
    subcommands: [
      PortsList.self, PortsPlan.self, PortsCheck.self, PortsReport.self, PortsListen.self, PortsTopology.self,
    ])
}
