// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect

struct ConnectForest: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forest", abstract: "Take a forest into the configuration, and check what its accounts may do there.",
    subcommands: [ConnectForestAdd.self, ConnectForestCheck.self])
}

struct ConnectForestCheck: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check that the forests are reached and that every account has the rights it needs.",
    discussion: """
      Finds the domain controllers, signs in with each account, asks the domain who it is over LDAP, SMB (LSARPC) and
      MS-RPC (DRSUAPI, through port 135 and the mapped port), and reads from the access lists whether each right is there.
      Nothing is tried out and nothing is changed. Every missing right is named with the command that grants it.

      EXAMPLES
        bridgehead connect forest check
        bridgehead connect forest check corp.example --json

      EXIT CODES
        0 everything is there, 1 something does not work or could not be checked, 2 a right is missing
      """)

  @Argument(help: "A forest of the configuration; all when absent.")
  var name: String?

  @OptionGroup var configurationFile: ConfigurationOption
  @OptionGroup var global: GlobalOptions

  @Flag(help: "Write the findings as JSON.")
  var json = false

  func run() async throws {
    Observability.bootstrap(global)
    let file = configurationFile.config
    let configuration = try ConfigurationLoader.load(file)
    let sections = (configuration.connect?.forests ?? []).filter { section in
      name.map { $0.lowercased() == section.name.lowercased() } ?? true
    }
    guard !sections.isEmpty else {
      throw CommandError(
        "configuration.forest", "\(file) has no forest\(name.map { " \($0)" } ?? "").",
        remedy: "add it with 'bridgehead connect forest add'.", status: .configuration)
    }
    let terminal = Terminal(environment: Environment.current)
    let line = ProgressLine(terminal, quiet: global.quiet)
    let examiner = ForestExaminer(configuration: configuration, file: file)
    let reports = try await Interruption.stopping {
      var reports: [ForestReport] = []
      for section in sections {
        reports.append(try await examiner.examine(section) { line.update($0, $1, of: $2) })
      }
      return reports
    }
    line.finish()
    let flows = try await examiner.flows()
    if json {
      try printJSON(ForestCheckOutput(forests: reports, flows: flows))
    } else {
      for report in reports { print(report.text(terminal)) }
    }
    if let status = ForestReport.status(of: reports) { throw ExitCode(status.rawValue) }
  }
}

private struct ForestCheckOutput: Encodable {
  let forests: [ForestReport]
  let flows: [ForestFlow]
}

extension ForestReport {
  /// Nil when everything is there.
  static func status(of reports: [ForestReport]) -> ExitStatus? {
    if reports.contains(where: { !$0.failed.isEmpty }) { return .failure }
    return reports.contains { !$0.missing.isEmpty } ? .differences : nil
  }

  func text(_ terminal: Terminal) -> String {
    var lines = [terminal.styled(forest, .bold)]
    for domain in domains {
      let controllers = domain.controllers.map { controller in
        let marks = (controller.isPDC ? ["PDC"] : []) + (controller.isGlobalCatalog ? ["global catalog"] : [])
        return controller.host + (marks.isEmpty ? "" : " (\(marks.joined(separator: ", ")))")
      }
      lines.append(
        "  domain \(domain.name)\(domain.netBIOSName.isEmpty ? "" : " (\(domain.netBIOSName))"), \(domain.identifier): "
          + controllers.joined(separator: ", "))
    }
    for trust in trusts {
      lines.append("  trust of \(trust.domain) with \(trust.name): \(trust.words)")
    }
    for finding in findings {
      let style: Terminal.Style =
        switch finding.verdict {
        case .passed: .green
        case .missing: .yellow
        case .failed: .red
        }
      let word = finding.verdict == .passed ? "ok" : finding.verdict.rawValue
      lines.append(
        "  \(terminal.styled(word, style))\(String(repeating: " ", count: 9 - word.count))\(finding.message)")
      if let remedy = finding.remedy { lines.append("           remedy: \(remedy)") }
      if let grant = finding.grant {
        // Commands stand at the margin, so that they can be copied.
        lines.append(isSamba ? grant.samba : grant.windows)
      }
    }
    lines.append(summary)
    return lines.joined(separator: "\n")
  }

  private var summary: String {
    guard !missing.isEmpty || !failed.isEmpty else { return "  Everything that is needed is there." }
    return "  \(missing.count) \(missing.count == 1 ? "right is" : "rights are") missing, \(failed.count) "
      + "\(failed.count == 1 ? "check" : "checks") failed."
  }
}

extension ForestReport.Trust {
  fileprivate var words: String {
    let way =
      switch direction {
      case .none: "disabled"
      case .inbound: "they trust this domain"
      case .outbound: "this domain trusts them"
      case .both: "both ways"
      }
    return way + (isForestTrust ? ", for whole forests" : "")
  }
}
