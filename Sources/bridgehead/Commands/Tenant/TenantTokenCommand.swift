// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Glibc
import Tenant

struct TenantToken: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Bearer tokens for clients of the tenant.",
    subcommands: [Create.self, List.self, Revoke.self])

  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a token. Its text is shown or written once; the tenant keeps only a hash.",
      discussion: """
        EXAMPLES
          bridgehead tenant token create --name connect --scope scim.write --output /etc/bridgehead/tenant.token
          bridgehead tenant token create --name auditor --scope scim.read --expires 7d
        """)

    @OptionGroup var configurationFile: ConfigurationOption

    @Option(help: "What the token is for.")
    var name: String

    @Option(
      help:
        "What it allows: scim.read, scim.write, credentials, sso, writeback or tenant.admin; repeat it for several.")
    var scope: [TokenScope]

    @Option(
      help: ArgumentHelp("How long it is valid, for example 30d.", valueName: "duration"),
      transform: { text in
        guard let duration = Duration(parsing: text) else { throw ValidationError("'\(text)' is no duration.") }
        return duration
      })
    var expires: Duration = .seconds(90 * 86_400)

    @Option(help: ArgumentHelp("Write the token to this new file, readable by you alone.", valueName: "file"))
    var output: String?

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      let directory = try await access.directory()
      // The file first: a token that nobody can read must not exist.
      let file = try output.map(PrivateFile.init)
      let (record, text) = try await directory.createToken(
        name: name, scopes: Set(scope), lifetime: TimeInterval(expires.components.seconds), by: access.actor)
      if let file, let output {
        try file.write(text + "\n")
        print("token \(record.id), valid until \(record.expires.formatted(.iso8601)), is in \(output)")
      } else {
        print(text)
        printError("token \(record.id), valid until \(record.expires.formatted(.iso8601)); it is not shown again")
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the tokens.", discussion: "EXAMPLE\n  bridgehead tenant token list --json")

    @OptionGroup var configurationFile: ConfigurationOption

    @Flag(help: "Write JSON.")
    var json = false

    private struct Report: Encodable {
      let id, name, state: String
      let scopes: [String]
      let created, expires: Date
    }

    func run() async throws {
      let tokens = try await TenantAccess(configurationFile).directory().tokens().map { token in
        Report(
          id: token.id, name: token.name,
          state: token.revoked != nil ? "revoked" : token.isValid(at: Date.now) ? "valid" : "expired",
          scopes: token.scopes.map(\.rawValue).sorted(), created: token.created, expires: token.expires)
      }
      if json { return try printJSON(tokens) }
      print(
        Table(
          header: ["ID", "NAME", "STATE", "EXPIRES", "SCOPES"],
          rows: tokens.map {
            [$0.id, $0.name, $0.state, $0.expires.formatted(.iso8601), $0.scopes.joined(separator: " ")]
          }
        ).text())
    }
  }

  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "End a token at once.", discussion: "EXAMPLE\n  bridgehead tenant token revoke 0123456789abcdef")

    @OptionGroup var configurationFile: ConfigurationOption

    @Argument(help: "The token's identifier, as 'tenant token list' shows it.")
    var id: String

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      try await access.directory().revokeToken(id, by: access.actor)
      print("revoked \(id)")
    }
  }
}

extension TokenScope: ExpressibleByArgument {}
