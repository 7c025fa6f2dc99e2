// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Tenant

struct TenantSessions: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sessions", abstract: "Who is signed in.", subcommands: [List.self, Revoke.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the live sessions, the latest first.",
      discussion: "EXAMPLE\n  bridgehead tenant sessions list --user anna@corp.example")

    @OptionGroup var configurationFile: ConfigurationOption

    @Option(help: ArgumentHelp("Only of this person.", valueName: "userName"))
    var user: String?

    @Flag(help: "Write JSON.")
    var json = false

    private struct Report: Encodable {
      let id, user, source, agent, method: String
      let created, expires: Date
    }

    func run() async throws {
      let sessions = try await TenantAccess(configurationFile).directory().sessions(userName: user).map {
        Report(
          id: $0.id, user: $0.userName, source: $0.source, agent: $0.agent, method: $0.method.rawValue,
          created: $0.created, expires: $0.expires)
      }
      if json { return try printJSON(sessions) }
      print(
        Table(
          header: ["ID", "USER", "BY", "SINCE", "UNTIL", "FROM"],
          rows: sessions.map {
            [$0.id, $0.user, $0.method, $0.created.formatted(.iso8601), $0.expires.formatted(.iso8601), $0.source]
          }
        ).text())
    }
  }

  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "End a session, or all of a person, with everything that applications got through it.",
      discussion: """
        Access tokens that an application checks by itself are accepted there until they expire, at most an hour later.

        EXAMPLES
          bridgehead tenant sessions revoke 2819c223-7f76-453a-919d-413861904646
          bridgehead tenant sessions revoke --user anna@corp.example
        """)

    @OptionGroup var configurationFile: ConfigurationOption

    @Argument(help: "The session, as 'list' shows it.")
    var id: String?

    @Option(help: ArgumentHelp("All sessions of this person.", valueName: "userName"))
    var user: String?

    func validate() throws {
      guard (id == nil) != (user == nil) else { throw ValidationError("Name a session or a person, not both.") }
    }

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      let directory = try await access.directory()
      if let id {
        try await directory.revokeSession(id, by: access.actor)
        print("revoked \(id)")
      }
      if let user {
        let ended = try await directory.revokeSessions(userName: user, by: access.actor)
        print("revoked \(ended) sessions of \(user)")
      }
    }
  }
}

struct TenantKeys: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "The keys that sign tokens. They rotate by themselves.",
    subcommands: [List.self, Rotate.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the published keys, in the order in which they sign.",
      discussion: "EXAMPLE\n  bridgehead tenant keys list")

    @OptionGroup var configurationFile: ConfigurationOption

    @Flag(help: "Write JSON.")
    var json = false

    private struct Report: Encodable {
      let id: String
      let created, active: Date
    }

    func run() async throws {
      let keys = try await TenantAccess(configurationFile).directory().signingKeys().map {
        Report(id: $0.id, created: $0.created, active: $0.active)
      }
      if json { return try printJSON(keys) }
      print(
        Table(
          header: ["ID", "MADE", "SIGNS FROM"],
          rows: keys.map { [$0.id, $0.created.formatted(.iso8601), $0.active.formatted(.iso8601)] }
        ).text())
    }
  }

  struct Rotate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make the next key. It signs a day from now, when every application has seen it.",
      discussion: """
        EXAMPLES
          bridgehead tenant keys rotate
          bridgehead tenant keys rotate --immediately     a key may be in other hands: all tokens so far are refused
        """)

    @OptionGroup var configurationFile: ConfigurationOption

    @Flag(help: "Sign with it at once and forget the keys before it.")
    var immediately = false

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      let key = try await access.directory().rotateSigningKey(immediately: immediately, by: access.actor)
      print("key \(key.id) signs from \(key.active.formatted(.iso8601))")
    }
  }
}
