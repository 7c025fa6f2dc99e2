// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import Wire
import Yams

struct ConnectForestAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Look at a forest, check the accounts' rights, and write its section of the configuration.",
    discussion: """
      Does what 'connect forest check' does, for a forest that the configuration may not have yet, and writes what it
      learnt: the domains, the accounts, the units, how the source anchor is kept, which controllers may be used. All other
      lines of the file stay, comments included. A section that is there is only changed with --replace, and of it only
      the keys that differ. With a right missing nothing is written, unless --accept-missing says so.

      Reading, password hashes and writing passwords back have accounts of their own, each with no more rights than that.

      EXAMPLES
        bridgehead connect forest add corp.example --principal svc-sync@CORP.EXAMPLE \\
          --keytab /etc/bridgehead/svc-sync.keytab --unit "OU=People,DC=corp,DC=example" --dry-run
        bridgehead connect forest add corp.example --replace --passwords-principal svc-passwords@CORP.EXAMPLE \\
          --passwords-keytab /etc/bridgehead/svc-passwords.keytab

      EXIT CODES
        0 written, or nothing to change; 1 something does not work, nothing was written; 2 a right is missing and nothing
        was written, or --dry-run found something to write
      """)

  @Argument(help: "The forest's DNS name.")
  var name: String

  @OptionGroup var configurationFile: ConfigurationOption
  @OptionGroup var global: GlobalOptions
  @OptionGroup var accounts: ForestAccountOptions

  @Option(help: ArgumentHelp("A unit that is synchronised; may be repeated.", valueName: "DN"))
  var unit: [String] = []

  @Option(
    help: ArgumentHelp("A unit whose users' passwords may be changed from the cloud; may be repeated.", valueName: "DN")
  )
  var writebackUnit: [String] = []

  @Option(help: ArgumentHelp("A domain to read; may be repeated. All of the forest when absent.", valueName: "name"))
  var domain: [String] = []

  @Option(
    help: ArgumentHelp("A domain controller that may be used, and no other; may be repeated.", valueName: "host"))
  var domainController: [String] = []

  @Flag(help: "Allow the controllers that there are now, and no later ones.")
  var pinControllers = false

  @Option(help: ArgumentHelp("ldap or ldaps.", valueName: "transport"))
  var transport: String?

  @Flag(
    inversion: .prefixedNo,
    help: "Keep each new user's source anchor in mS-DS-ConsistencyGuid; the account needs the right to write it.")
  var writeAnchors: Bool?

  @Flag(help: "Write nothing; show what would change.")
  var dryRun = false

  @Flag(help: "Change a section that is there.")
  var replace = false

  @Flag(help: "Write the section though a right is missing or a check failed.")
  var acceptMissing = false

  @Flag(help: "Write the findings and the difference as JSON.")
  var json = false

  func validate() throws {
    if let transport, !["ldap", "ldaps"].contains(transport) {
      throw ValidationError("--transport is ldap or ldaps.")
    }
    if pinControllers, !domainController.isEmpty {
      throw ValidationError("give --pin-controllers or --domain-controller, not both.")
    }
  }

  func run() async throws {
    Observability.bootstrap(global)
    let file = configurationFile.config
    let old = try ConfigurationLoader.read(
      file, hint: "name the file with --config, or make one with 'bridgehead config init'")
    let editor = try ForestSectionEditor(old, file: file)
    var section = try proposal(besides: editor.section(name))
    let terminal = Terminal(environment: Environment.current)
    let line = ProgressLine(terminal, quiet: global.quiet)
    let provisional = try editor.text(with: section.entries, for: name)
    let (examiner, report) = try await Interruption.stopping { [provisional] in
      try await examine(provisional, line)
    }
    line.finish()
    let flows = try await examiner.flows()

    learn(report, &section, keeping: editor.section(name))
    let new = try editor.text(with: section.entries, for: name)
    _ = try ConfigurationLoader.parse(new, file: file)
    let difference = LineDifference(from: old, to: new)
    let status = ForestReport.status(of: [report])
    let isRefused = status != nil && !acceptMissing
    if !json {
      print(report.text(terminal))
      print(difference.isEmpty ? "\(file) says all this already." : "\n\(file):\n" + difference.text(terminal))
    }
    let writes = !dryRun && !difference.isEmpty && !isRefused
    if writes {
      guard replace || editor.section(name) == nil else {
        throw CommandError(
          "forest.exists", "\(file) has a section for \(name) already.",
          remedy: "add --replace to change the keys shown; the others stay.")
      }
      try write(new, over: old, file)
    }
    if json {
      try printJSON(Output(report: report, difference: difference.lines, isWritten: writes, flows: flows))
    } else if writes {
      printError("wrote \(file); look with 'bridgehead connect preview' before the first run")
    } else if isRefused {
      printError("nothing was written; grant what is missing and run this again, or add --accept-missing")
    }
    if isRefused, let status { throw ExitCode(status.rawValue) }
    if dryRun, !difference.isEmpty { throw ExitCode(ExitStatus.differences.rawValue) }
  }

  private func examine(_ text: String, _ line: ProgressLine) async throws -> (ForestExaminer, ForestReport) {
    let configuration = try ConfigurationLoader.parse(text, file: configurationFile.config)
    guard let section = configuration.connect?.forests.first(where: { $0.name.lowercased() == name.lowercased() })
    else {
      throw CommandError("forest.section", "The section of \(name) was not made.", remedy: "report this as a defect.")
    }
    let examiner = ForestExaminer(configuration: configuration, file: configurationFile.config)
    let report = try await examiner.examine(section, discovers: section.domains == nil) { line.update($0, $1, of: $2) }
    return (examiner, report)
  }

  /// What is known before anybody was asked.
  private func proposal(besides existing: Node?) throws -> ForestSection {
    var section = ForestSection(name: existing?["name"]?.string ?? name)
    section.credentials = try accounts.importing(isRequired: existing?["credentials"] == nil)
    section.passwordCredentials = try accounts.passwords
    section.writebackCredentials = try accounts.writeback
    section.transport = transport
    section.units = unit
    section.writebackUnits = writebackUnit
    section.domains = domain
    section.controllers = domainController
    section.writesAnchors = writeAnchors ?? (existing == nil ? false : nil)
    return section
  }

  /// What the forest says.
  private func learn(_ report: ForestReport, _ section: inout ForestSection, keeping existing: Node?) {
    if domain.isEmpty, existing?["domains"] == nil { section.domains = report.domains.map(\.name) }
    let controllers = report.domains.flatMap(\.controllers).filter(\.answers).map(\.host)
    if pinControllers {
      section.controllers = controllers
    } else if existing == nil {
      section.knownControllers = controllers
    }
  }

  /// Only over what was read: somebody may have edited the file meanwhile.
  private func write(_ new: String, over old: String, _ file: String) throws {
    guard try ConfigurationLoader.read(file, hint: "run the command again") == old else {
      throw CommandError(
        "forest.changed", "\(file) was changed while the forest was looked at.", remedy: "run the command again.")
    }
    try AtomicFile.replace(file, with: new)
  }

  private struct Output: Encodable {
    let report: ForestReport
    let difference: [String]
    let isWritten: Bool
    let flows: [ForestFlow]
  }
}

/// Who works with a forest. Secrets are named by file, never given.
struct ForestAccountOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The account that reads the directory.", valueName: "user@REALM"))
  var principal: String?
  @Option(help: ArgumentHelp("Its keytab.", valueName: "file"))
  var keytab: String?
  @Option(help: ArgumentHelp("A file with its password.", valueName: "file"))
  var passwordFile: String?

  @Option(help: ArgumentHelp("The account that reads password hashes.", valueName: "user@REALM"))
  var passwordsPrincipal: String?
  @Option(help: ArgumentHelp("Its keytab.", valueName: "file"))
  var passwordsKeytab: String?
  @Option(help: ArgumentHelp("A file with its password.", valueName: "file"))
  var passwordsPasswordFile: String?

  @Option(help: ArgumentHelp("The account that writes passwords back.", valueName: "user@REALM"))
  var writebackPrincipal: String?
  @Option(help: ArgumentHelp("Its keytab.", valueName: "file"))
  var writebackKeytab: String?
  @Option(help: ArgumentHelp("A file with its password.", valueName: "file"))
  var writebackPasswordFile: String?

  func importing(isRequired: Bool) throws -> Configuration.Credentials? {
    let found = try Self.credentials("", principal, keytab, passwordFile)
    guard found != nil || !isRequired else {
      throw ValidationError("name the account that reads the directory with --principal, and its --keytab.")
    }
    return found
  }

  var passwords: Configuration.Credentials? {
    get throws { try Self.credentials("passwords-", passwordsPrincipal, passwordsKeytab, passwordsPasswordFile) }
  }

  var writeback: Configuration.Credentials? {
    get throws { try Self.credentials("writeback-", writebackPrincipal, writebackKeytab, writebackPasswordFile) }
  }

  private static func credentials(
    _ prefix: String, _ principal: String?, _ keytab: String?, _ file: String?
  ) throws -> Configuration.Credentials? {
    guard let principal else {
      if keytab != nil || file != nil { throw ValidationError("--\(prefix)principal is missing.") }
      return nil
    }
    guard (keytab == nil) != (file == nil) else {
      throw ValidationError("give either --\(prefix)keytab or --\(prefix)password-file with --\(prefix)principal.")
    }
    return Configuration.Credentials(
      principal: principal, keytab: keytab.map(absolutePath),
      password: file.map { SecretReference(file: absolutePath($0)) })
  }
}
