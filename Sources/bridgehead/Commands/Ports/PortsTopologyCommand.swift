// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Readiness
import Yams

struct PortsTopology: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "topology", abstract: "Write and describe the topology file that plans are made from.",
    subcommands: [Init.self, PrintSchema.self])

  struct Init: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a topology: a documented sample, or what DNS and the domain controllers say of your forests.",
      discussion: """
        From a configuration: every live domain controller and global catalog of every domain, found as Connect finds
        them (DNS, CLDAP ping; no credentials), this machine as the Connect server, and the cloud directory.

        EXAMPLES
          bridgehead ports topology init --example > topology.yaml
          bridgehead ports topology init --from-config bridgehead.yaml --output topology.yaml
        """)

    @OptionGroup var global: GlobalOptions

    @Flag(help: "A documented sample with every section.")
    var example = false

    @Option(help: ArgumentHelp("Ask the forests of this configuration.", valueName: "file"))
    var fromConfig: String?

    @Option(name: [.short, .long], help: ArgumentHelp("The file to write; it must not exist yet.", valueName: "file"))
    var output: String?

    func validate() throws {
      if example == (fromConfig != nil) { throw ValidationError("Choose one of --example and --from-config FILE.") }
    }

    func run() async throws {
      Observability.bootstrap(global)
      if let output, output != "-", FileManager.default.fileExists(atPath: output) {
        throw CommandError(
          "topology.exists", "\(output) is there already.", remedy: "name another file with --output, or move it away.")
      }
      guard let fromConfig else { return try Output.write(TopologyExample.text, to: output) }
      let survey = try ForestSurvey(ConfigurationLoader.load(fromConfig))
      let topology = try await survey.topology()
      let yaml = try YAMLEncoder().encode(topology)
      try Output.write(Self.heading + yaml, to: output)
    }

    private static let heading = """
      # What DNS and the domain controllers said. Complete it: other Connect servers, federation, proxies, users, the hosts
      # of the revocation lists. 'bridgehead ports topology init --example' shows every section, 'ports plan --lint' checks.

      """
  }

  struct PrintSchema: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "schema", abstract: "Write the JSON Schema of the topology file.",
      discussion: "EXAMPLE\n  bridgehead ports topology schema > topology.schema.json")

    func run() throws { try printJSON(JSONSchema(Schema.topology, title: "topology.yaml")) }
  }
}
