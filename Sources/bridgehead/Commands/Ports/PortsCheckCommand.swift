// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import PortReference
import Readiness
import Wire

struct PortsCheck: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Prove each flow by a real conversation, and say what stands in its way.",
    discussion: """
      Every flow that the topology's features need is tried from this machine, all at once: by the first messages of its
      protocol, and with credentials down to the operation that it exists for. A finding names verdict, cause, evidence,
      and who must do what. Nothing is written anywhere; NTLM and passwords in clear are never used; after a refused
      sign-in no other one is tried.

      Verdicts: works, works-with-remark, blocked, refused, wrong-service, broken, inconclusive.

      EXAMPLES
        bridgehead ports check -f topology.yaml
        bridgehead ports check -f topology.yaml --config bridgehead.yaml --sign-in --explain
        bridgehead ports check --to dc1.corp.example
        bridgehead ports check -f topology.yaml --row connect-ad/rpc-dynamic --output json
        bridgehead ports check -f topology.yaml --output nagios

      EXIT CODES
        0 every required flow works
        1 a required flow does not work
        2 there is nothing to check: the selection names no flow of the topology
        3 no required flow fails, and of some the evidence does not tell
        64 the command line is wrong, 78 the topology or the configuration is wrong
        with --nagios or --output nagios: 0 works, 1 with remarks, 2 a required flow fails, 3 not known
      """)

  @OptionGroup var global: GlobalOptions

  @Option(
    name: [.customShort("f"), .long],
    help: ArgumentHelp(
      "The topology file; without one, --to names a domain controller to check.", valueName: "file"))
  var file: String?

  @Option(help: "The role that this machine plays.")
  var from = Role.connect

  @Option(help: ArgumentHelp("Only flows to this host.", valueName: "host"))
  var to: String?

  @Option(help: ArgumentHelp("Only this row, whether a feature needs it or not.", valueName: "id"))
  var row: RowID?

  @Option(help: ArgumentHelp("Without -f: the domain of the host; default: its name's parent.", valueName: "name"))
  var domain: String?

  @Option(help: ArgumentHelp("Without -f: the root domain of its forest; default: the domain.", valueName: "name"))
  var forest: String?

  @OptionGroup var options: CheckOptions

  @Option(help: ArgumentHelp("Seconds after which the whole check ends, 1 to 300.", valueName: "seconds"))
  var deadline = 10.0

  @Option(help: ArgumentHelp("How the findings are written.", valueName: "table|json|junit|nagios|prometheus"))
  var output = CheckOutput.table

  @Flag(help: "Show each conversation.")
  var explain = false

  @Option(
    help: ArgumentHelp(
      "Write the result, signed, to this file too; 'ports report merge' joins those of several hosts.",
      valueName: "file"))
  var report: String?

  @Option(help: ArgumentHelp("The private key that 'ports report key' made.", valueName: "file"))
  var reportKey: String?

  @Flag(help: "End with the exit codes of a monitoring plugin, whatever the output.")
  var nagios = false

  func validate() throws {
    if file == nil && to == nil { throw ValidationError("Name a topology with -f, or a domain controller with --to.") }
    if file != nil && (domain != nil || forest != nil) {
      throw ValidationError("--domain and --forest are for a check without a topology.")
    }
    if (report == nil) != (reportKey == nil) {
      throw ValidationError("--report and --report-key belong together.")
    }
    if !(1...300).contains(deadline) { throw ValidationError("--deadline takes 1 to 300 seconds.") }
  }

  func run() async throws {
    Observability.bootstrap(global)
    CheckEnvironment.raiseDescriptorLimit()
    let topology =
      try file.map { try TopologyFile.load($0).topology }
      ?? AdHocTopology.make(host: to ?? "", domain: domain, forest: forest)
    let flows = FlowList(topology).flows(.init(source: from, target: file == nil ? nil : to, row: row))
    // Before the work: a key that cannot be read shall not cost a check.
    let key = try reportKey.map { try ReportKey(jwk: SecretFile.read($0)) }
    guard let first = flows.first else {
      printError("error: the topology has no such flow from the role \(from.rawValue).")
      printError("remedy: see 'bridgehead ports plan' for its flows, and choose --from, --to or --row from them.")
      throw ExitCode(2)
    }
    let environment = try CheckEnvironment(options, topology, environment: Environment.current)
    let started = Date.now
    let start = ContinuousClock.now
    let progress = ProgressLine(Terminal(environment: Environment.current), quiet: global.quiet || output != .table)
    let runner = environment.runner(deadline: start + .seconds(deadline))
    let findings = await runner.run(flows) { progress.update("checking", $0, of: flows.count) }
    progress.finish()
    await environment.shutdown()
    let report = CheckReport(
      tool: "bridgehead \(Bridgehead.configuration.version)", topology: topology.name,
      source: .init(role: from, host: first.sourceHost), started: started,
      seconds: (ContinuousClock.now - start) / .seconds(1), findings: findings)
    if let path = self.report, let key {
      try Output.write(try jsonText(SignedReport(report, key: key)) + "\n", to: path, keeping: reportKey)
    }
    try output.print(report, explain: explain)
    let status = nagios || output == .nagios ? NagiosReport.status(report).rawValue : report.outcome.rawValue
    if status != 0 { throw ExitCode(status) }
  }
}

extension RowID: ExpressibleByArgument {}
