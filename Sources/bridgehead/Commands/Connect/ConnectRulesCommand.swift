// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import FoundationEssentials
import IdentityModel
import SynchronisationRules

struct ConnectRules: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rules", abstract: "Show the synchronisation rules, and try them on an object.",
    discussion: "Rules are kept in the file that connect.rules names; docs/rules.md describes the language.",
    subcommands: [List.self, Show.self, Test.self, Functions.self])

  /// Where the rules come from.
  struct Source: ParsableArguments {
    @OptionGroup var configurationFile: ConfigurationOption

    @Option(help: ArgumentHelp("Take the rules of this file instead of those in force.", valueName: "file"))
    var rules: String?

    /// A file of rules stands for itself; otherwise the configuration says which are in force.
    func load() throws -> RuleSet {
      if let rules { return try ConfigurationLoader.rules(rules) }
      return try ConfigurationLoader.rules(of: try ConfigurationLoader.load(configurationFile.config))
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the rules in force, by precedence.",
      discussion: """
        EXAMPLES
          bridgehead connect rules list
          bridgehead connect rules list --rules new-rules.yaml --json
        """)

    @OptionGroup var source: Source

    @Flag(help: "Write JSON.")
    var json = false

    func run() throws {
      let rules = try source.load().rules
      if json { return try printJSON(rules.map(Row.init)) }
      print(
        Table(
          header: ["PRECEDENCE", "NAME", "FROM", "TO", "LINK", "FOREST", "FLOWS", "DESCRIPTION"],
          rows: rules.map(Row.init).map { row in
            [
              "\(row.precedence)", row.name, row.from, row.to, row.link, row.forest ?? "every", "\(row.flows)",
              row.description ?? "",
            ]
          }
        ).text(Terminal(environment: Environment.current)))
    }

    private struct Row: Encodable {
      var precedence: Int
      var name: String
      var from: String
      var to: String
      var link: String
      var forest: String?
      var flows: Int
      var description: String?

      init(_ rule: SynchronisationRule) {
        precedence = rule.precedence
        name = rule.name
        from = rule.from.rawValue
        to = rule.to.rawValue
        link = rule.link.rawValue
        forest = rule.forest
        flows = rule.flows.count
        description = rule.summary
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show rules as the YAML that gives them.",
      discussion: """
        EXAMPLES
          bridgehead connect rules show 'User account'
          bridgehead connect rules show > rules.yaml
        """)

    @Argument(help: "The rule's name; all when absent.")
    var name: String?

    @OptionGroup var source: Source

    func run() throws {
      let rules = try source.load()
      guard let name else { return print(RuleFile.text(of: rules.rules), terminator: "") }
      guard let rule = rules.rule(named: name) else {
        throw CommandError(
          "rules.unknown", "No rule has the name \(name).",
          remedy: "see the names with 'bridgehead connect rules list'.")
      }
      print(RuleFile.text(of: [rule]), terminator: "")
    }
  }

  struct Test: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Explain for one object which rule gives which value, and why others do not.",
      discussion: """
        The object is taken as the last run read it; nothing is changed. An attribute that only new rules ask for is read by
        the first run with them.

        EXAMPLES
          bridgehead connect rules test --object 'CN=Anna Müller,OU=People,DC=corp,DC=example'
          bridgehead connect rules test --object anna.mueller@corp.example --rules new-rules.yaml --json
        """)

    @Option(
      help: "Its distinguished name, user principal name, sAMAccountName, objectGUID or source anchor.")
    var object: String

    @OptionGroup var source: Source

    @Flag(help: "Write JSON.")
    var json = false

    func run() async throws {
      let connect = try ConnectAccess(source.configurationFile)
      let explanations = try await connect.finder(rules: source.load()).explain(object, in: connect.store())
      if json { return try printJSON(explanations) }
      let terminal = Terminal(environment: Environment.current)
      print(explanations.map { $0.text(terminal) }.joined(separator: "\n\n"))
    }
  }

  struct Functions: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the functions of expressions, as a table in Markdown.",
      discussion: """
        As JSON also the operators of expressions and those of scopes, for editors and tests of rules.

        EXAMPLES
          bridgehead connect rules functions
          bridgehead connect rules functions --json
        """)

    @Flag(help: "Write JSON.")
    var json = false

    func run() throws {
      if json { return try printJSON(LanguageListing()) }
      print(RuleFunction.markdown, terminator: "")
    }
  }
}

extension RuleExplanation {
  fileprivate func text(_ terminal: Terminal) -> String {
    var lines: [String] = []
    for entry in entries {
      lines.append(terminal.styled("\(entry.kind.rawValue) in \(entry.source): \(entry.name)", .bold))
      if let failure = entry.failure { lines.append("  held as it is: \(failure)") }
      if let reason = entry.excluded { lines.append("  not synchronised: \(reason)") }
      if !entry.applied.isEmpty { lines.append("  rules that hold: \(entry.applied.joined(separator: ", "))") }
      lines += entry.rejected.map { "  \($0.rule) does not hold: \($0.reason)" }
      lines += entry.offers.filter { !$0.wins }.map {
        "  \($0.attribute): \($0.values.joined(separator: ", ")) of \($0.rule) (\($0.precedence)) is outdone"
      }
      lines += entry.joins.map { join in
        "  joins by \(join.conditions.joined(separator: " and ")) of \(join.rule): "
          + (join.found.isEmpty ? "nobody" : join.found.joined(separator: "; "))
          + (!join.decides ? "" : join.found.count == 1 ? ", and this decides" : ", and none of several is joined")
      }
    }
    lines.append(terminal.styled("Result", .bold))
    lines += result.map { value in
      let reason = value.rule.map { terminal.styled("   (\($0))", .dim) } ?? ""
      return "  \(value.name): \(value.values.joined(separator: ", "))\(reason)"
    }
    for form in forms ?? [] {
      lines.append(terminal.styled("Instead at \(form.target)", .bold))
      lines += form.attributes.map { "  \($0.name): \($0.values.joined(separator: ", "))" }
    }
    if let nextChange {
      lines.append("  looked at again: \(Date(timeIntervalSince1970: nextChange).formatted(.iso8601))")
    }
    return lines.joined(separator: "\n")
  }
}
