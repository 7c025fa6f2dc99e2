// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Tenant

struct TenantSync: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync", abstract: "Who may synchronise into the tenant by the Sync API.",
    discussion:
      "Nobody may until an application is allowed to. docs/operations/sync-api.md tells what the interface is.",
    subcommands: [Allow.self, Deny.self, List.self])

  struct Allow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let an application create, change and delete what is synchronised.",
      discussion: """
        With --user, only while this user is signed in to it (device code); otherwise the application acts for itself (client
        credentials). With --passwords it may also replace what the tenant keeps of passwords.

        EXAMPLES
          bridgehead tenant sync allow 2819c223-7f76-453a-919d-413861904646 --passwords
          bridgehead tenant sync allow 2819c223-7f76-453a-919d-413861904646 --user admin@corp.tenant.example
        """)

    @OptionGroup var configurationFile: ConfigurationOption

    @Argument(help: "The application's client id.")
    var application: String

    @Option(help: ArgumentHelp("The user who has to be signed in.", valueName: "name"))
    var user: String?

    @Flag(help: "Passwords, too.")
    var passwords = false

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      try await access.directory().allowSync(
        application: application, userName: user, passwords: passwords, by: access.actor)
      print("\(application) may synchronise\(user.map { " for \($0)" } ?? "")\(passwords ? ", passwords too" : "")")
    }
  }

  struct Deny: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take the permission away, at once.",
      discussion: "EXAMPLE\n  bridgehead tenant sync deny 2819c223-7f76-453a-919d-413861904646")

    @OptionGroup var configurationFile: ConfigurationOption

    @Argument(help: "The application's client id.")
    var application: String

    @Option(help: ArgumentHelp("The user it was allowed for.", valueName: "name"))
    var user: String?

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      try await access.directory().denySync(application: application, userName: user, by: access.actor)
      print("\(application) may not synchronise any more\(user.map { " for \($0)" } ?? "")")
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List who may.", discussion: "EXAMPLE\n  bridgehead tenant sync list --json")

    @OptionGroup var configurationFile: ConfigurationOption

    @Flag(help: "Write JSON.")
    var json = false

    private struct Report: Encodable {
      let application: String
      let user: String?
      let passwords: Bool
      let created: Date
    }

    func run() async throws {
      let reports = try await TenantAccess(configurationFile).directory().syncPermissions().map {
        Report(application: $0.application, user: $0.userName, passwords: $0.passwords, created: $0.created)
      }
      if json { return try printJSON(reports) }
      print(
        Table(
          header: ["CLIENT ID", "USER", "PASSWORDS"],
          rows: reports.map { [$0.application, $0.user ?? "-", $0.passwords ? "yes" : "no"] }
        ).text())
    }
  }
}
