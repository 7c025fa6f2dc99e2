// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PortReference
import Readiness

struct PortsPlan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Make firewall rules for a topology, or say what to watch in it.",
    discussion: """
      The rules are the least that the features in use need, at both ends: what leaves a source, what arrives at a
      destination. Each names its row, its features and its reason. No output clears or weakens what it does not own.

      FORMATS
      \(Format.all.map { "  \($0.name.padding(to: 16)) \($0.summary)" }.joined(separator: "\n"))

      EXAMPLES
        bridgehead ports plan -f topology.yaml --to markdown
        bridgehead ports plan -f topology.yaml --at sync1 --to nftables --output sync1.nft
        bridgehead ports plan -f topology.yaml --role ad --to windows
        bridgehead ports plan -f topology.yaml --at wap1 --to nftables --refuse-others
        bridgehead ports plan -f topology.yaml --lint
        bridgehead ports plan -f topology.yaml --lint --to aws-terraform --format sarif --output plan.sarif

      EXIT CODES
        0 written, or the lint found nothing worse than notes
        2 the lint found warnings or errors
        64 the command line is wrong, 78 the topology is wrong
      """)

  @Option(name: [.customShort("f"), .long], help: ArgumentHelp("The topology file.", valueName: "file"))
  var file = "topology.yaml"

  @Option(help: ArgumentHelp("Only the rules at this host.", valueName: "host"))
  var at: String?

  @Option(help: "Only the rules at hosts of this role.")
  var role: Role?

  @Option(help: ArgumentHelp("The format of the rules; with --lint, what is said of it too.", valueName: "format"))
  var to: String?

  @Option(name: [.short, .long], help: ArgumentHelp("The file to write, replaced if it exists.", valueName: "file"))
  var output: String?

  @Flag(
    help: ArgumentHelp(
      "Refuse what is not planned, within the output's own table, chains or anchor (nftables, iptables, pf)."))
  var refuseOthers = false

  @Flag(help: "Write no rules, but what the topology and the reference leave open or contradict.")
  var lint = false

  @Option(help: ArgumentHelp("How --lint writes.", valueName: "text|json|sarif"))
  var format: LintFormat?

  enum LintFormat: String, ExpressibleByArgument, CaseIterable { case text, json, sarif }

  func validate() throws {
    if let to, Format.named(to) == nil {
      throw ValidationError(
        "There is no format '\(to)'. The formats are \(Format.all.map(\.name).joined(separator: ", ")).")
    }
    if to == nil && !lint { throw ValidationError("Name a format with --to, or ask for --lint.") }
    if format != nil && !lint { throw ValidationError("--format says how --lint writes; rules are chosen with --to.") }
    if at != nil && role != nil { throw ValidationError("Choose one of --at and --role.") }
    if refuseOthers, !lint, let to, Format.named(to)?.refusesOthers == false {
      throw ValidationError(
        "--refuse-others is for nftables, iptables and pf: \(to) has nothing of its own to refuse in.")
    }
  }

  func run() throws {
    let source = try TopologyFile.load(file)
    let plan = try select(Planner.plan(source.topology), in: source.topology)
    let rendering = to.flatMap(Format.named)?.render(plan, RenderOptions(refusesOthers: refuseOthers))
    guard lint else {
      for gap in rendering?.gaps ?? [] { printError("warning: at \(gap.host): \(gap.message). Remedy: \(gap.remedy).") }
      for excess in rendering?.excesses ?? [] {
        printError("warning: at \(excess.host): \(excess.message). Remedy: \(excess.remedy).")
      }
      return try Output.write(rendering?.text ?? "", to: output, keeping: file)
    }
    let findings = Lint.findings(source.topology, plan, rendering: rendering).map { finding in
      var finding = finding
      finding.line = finding.path.flatMap(source.line)
      return finding
    }
    let text =
      switch format ?? .text {
      case .text: LintReport.text(findings, file: file) + "\n"
      case .json: try jsonText(findings) + "\n"
      case .sarif: try jsonText(SARIF(findings, file: file, toolVersion: Bridgehead.configuration.version)) + "\n"
      }
    try Output.write(text, to: output, keeping: file)
    if findings.contains(where: { $0.level > .note }) { throw ExitCode(ExitStatus.differences.rawValue) }
  }

  private func select(_ plan: Plan, in topology: Topology) throws -> Plan {
    if let role { return plan.selecting { $0.role == role } }
    guard let at else { return plan }
    guard let host = topology.namedHosts.first(where: { $0.host.name.lowercased() == at.lowercased() })?.host else {
      let names = plan.hosts.map(\.name).joined(separator: ", ")
      throw CommandError(
        "plan.host", "\(file) names no host \(at).", remedy: "name one of \(names).", status: .usage)
    }
    return plan.selecting { $0.name == host.name }
  }
}
