// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Tenant

struct TenantDomains: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "domains", abstract: "The domains that users' names may end in.",
    subcommands: [List.self, Add.self, Remove.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the domains.", discussion: "EXAMPLE\n  bridgehead tenant domains list")
    @OptionGroup var configurationFile: ConfigurationOption
    @Flag(help: "Write JSON.")
    var json = false

    private struct Report: Encodable {
      let name: String
      let initial, verified: Bool
    }

    func run() async throws {
      let domains = try await TenantAccess(configurationFile).directory().domains().map {
        Report(name: $0.name, initial: $0.isInitial, verified: $0.verified != nil)
      }
      if json { return try printJSON(domains) }
      print(
        Table(
          header: ["NAME", "INITIAL", "VERIFIED"],
          rows: domains.map { [$0.name, $0.initial ? "yes" : "no", $0.verified ? "yes" : "no"] }
        ).text())
    }
  }

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Add a domain that you vouch for.", discussion: "EXAMPLE\n  bridgehead tenant domains add corp.example")
    @OptionGroup var configurationFile: ConfigurationOption
    @Argument(help: "The domain's name.")
    var name: String

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      let directory = try await access.directory()
      _ = try await directory.addDomain(name, by: access.actor)
      _ = try await directory.verifyDomain(name, proof: .administrator, by: access.actor)
      print("added \(name)")
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Remove a domain that no user's name ends in.",
      discussion: "EXAMPLE\n  bridgehead tenant domains remove old.example")
    @OptionGroup var configurationFile: ConfigurationOption
    @Argument(help: "The domain's name.")
    var name: String

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      try await access.directory().removeDomain(name, by: access.actor)
      print("removed \(name)")
    }
  }
}

struct TenantAudit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "The log of every write, the latest first.",
    discussion: """
      EXAMPLES
        bridgehead tenant audit --limit 20
        bridgehead tenant audit --target 2819c223-7f76-453a-919d-413861904646 --json
      """)

  @OptionGroup var configurationFile: ConfigurationOption

  @Option(help: ArgumentHelp("Only entries about this resource, domain or token.", valueName: "id"))
  var target: String?

  @Option(help: ArgumentHelp("At most so many entries.", valueName: "n"))
  var limit = 100

  @Flag(help: "Write JSON.")
  var json = false

  private struct Report: Encodable {
    let at: Date
    let who, request, action, kind, target: String
    let before, after: String?
  }

  func run() async throws {
    let entries = try await TenantAccess(configurationFile).directory().audit(target: target, limit: limit).map {
      Report(
        at: $0.at, who: $0.actor.who, request: $0.actor.request, action: $0.action.rawValue, kind: $0.kind,
        target: $0.target, before: $0.before, after: $0.after)
    }
    if json { return try printJSON(entries) }
    print(
      Table(
        header: ["AT", "WHO", "ACTION", "KIND", "TARGET", "NOW"],
        rows: entries.map { [$0.at.formatted(.iso8601), $0.who, $0.action, $0.kind, $0.target, $0.after ?? "-"] }
      ).text())
  }
}
