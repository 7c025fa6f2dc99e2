// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import SCIM
import Tenant

/// What `tenant users` and `tenant groups` share.
private enum Resources {
  /// Reads this many at a time.
  static let page = 500

  /// Every resource that the filter selects, page by page.
  static func all(_ kind: ResourceKind, filter: String?, in directory: TenantDirectory) async throws -> [JSONValue] {
    var query = ListQuery()
    query.filter = try filter.map { try Filter.parse($0) }
    query.excludedAttributes = kind == .group ? ["members"] : ["groups"]
    query.count = page
    var found: [JSONValue] = []
    while true {
      query.startIndex = found.count + 1
      let answer = try await directory.search([kind], query, base: "")
      found += answer.resources.map(\.json)
      if answer.resources.isEmpty || found.count >= answer.totalResults { return found }
    }
  }

  static func show(_ kind: ResourceKind, _ key: String, in directory: TenantDirectory) async throws {
    let name = kind == .user ? "userName" : "displayName"
    let quoted = JSONValue.string(key).text
    var query = ListQuery()
    query.filter = try Filter.parse("id eq \(quoted) or externalId eq \(quoted) or \(name) eq \(quoted)")
    let found = try await directory.search([kind], query, base: "").resources
    guard let first = found.first else {
      throw CommandError(
        "tenant.notFound", "The tenant has no \(kind.name.lowercased()) '\(key)'.",
        remedy: "name its id, externalId or \(name); 'tenant \(kind.name.lowercased())s list' shows them.")
    }
    print(first.json.text)
  }

  static func list(_ kind: ResourceKind, filter: String?, json: Bool, in directory: TenantDirectory) async throws {
    let found = try await all(kind, filter: filter, in: directory)
    if json { return print(JSONValue.array(found).text) }
    let columns = kind == .user ? ["id", "userName", "displayName", "active"] : ["id", "displayName", "externalId"]
    print(
      Table(
        header: columns.map { $0.uppercased() },
        rows: found.map { resource in
          columns.map { column in
            switch resource.object?[column] {
            case .string(let text)?: text
            case .bool(let flag)?: flag ? "yes" : "no"
            default: "-"
            }
          }
        }
      ).text())
  }

  static func listDeleted(_ kind: ResourceKind, json: Bool, in directory: TenantDirectory) async throws {
    struct Report: Encodable {
      let id, name: String
      let externalId: String?
      let deleted, purge: Date
    }
    let found = try await directory.deleted(kind).map {
      Report(id: $0.id, name: $0.name, externalId: $0.externalId, deleted: $0.deleted, purge: $0.purge)
    }
    if json { return try printJSON(found) }
    print(
      Table(
        header: ["ID", "NAME", "DELETED", "GONE FOR GOOD"],
        rows: found.map { [$0.id, $0.name, $0.deleted.formatted(.iso8601), $0.purge.formatted(.iso8601)] }
      ).text())
  }
}

struct TenantUsers: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "users", abstract: "The tenant's users.",
    subcommands: [List.self, Show.self, Deleted.self, Restore.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List users.",
      discussion: """
        EXAMPLES
          bridgehead tenant users list
          bridgehead tenant users list --filter 'userName sw "anna" and active eq true' --json
        """)
    @OptionGroup var configurationFile: ConfigurationOption
    @Option(help: ArgumentHelp("A SCIM filter (RFC 7644 3.4.2.2).", valueName: "filter"))
    var filter: String?
    @Flag(help: "Write JSON.")
    var json = false

    func run() async throws {
      try await Resources.list(
        .user, filter: filter, json: json, in: try await TenantAccess(configurationFile).directory())
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a user as JSON.", discussion: "EXAMPLE\n  bridgehead tenant users show anna.mueller@corp.example")
    @OptionGroup var configurationFile: ConfigurationOption
    @Argument(help: "The user's id, externalId or userName.")
    var user: String

    func run() async throws {
      try await Resources.show(.user, user, in: try await TenantAccess(configurationFile).directory())
    }
  }

  struct Deleted: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List deleted users that can still be restored.",
      discussion: "EXAMPLE\n  bridgehead tenant users deleted")
    @OptionGroup var configurationFile: ConfigurationOption
    @Flag(help: "Write JSON.")
    var json = false

    func run() async throws {
      try await Resources.listDeleted(.user, json: json, in: try await TenantAccess(configurationFile).directory())
    }
  }

  struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Bring a deleted user back, with its memberships.",
      discussion: "EXAMPLE\n  bridgehead tenant users restore 2819c223-7f76-453a-919d-413861904646")
    @OptionGroup var configurationFile: ConfigurationOption
    @Argument(help: "The user's id, as 'tenant users deleted' shows it.")
    var id: String

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      print(try await access.directory().restore(.user, id, by: access.actor).json.text)
    }
  }
}

struct TenantGroups: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "groups", abstract: "The tenant's groups.",
    subcommands: [List.self, Show.self, Deleted.self, Restore.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List groups, without their members.",
      discussion: "EXAMPLE\n  bridgehead tenant groups list --filter 'displayName co \"Sales\"'")
    @OptionGroup var configurationFile: ConfigurationOption
    @Option(help: ArgumentHelp("A SCIM filter (RFC 7644 3.4.2.2).", valueName: "filter"))
    var filter: String?
    @Flag(help: "Write JSON.")
    var json = false

    func run() async throws {
      try await Resources.list(
        .group, filter: filter, json: json, in: try await TenantAccess(configurationFile).directory())
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a group and its members as JSON.",
      discussion: "EXAMPLE\n  bridgehead tenant groups show \"All Employees\"")
    @OptionGroup var configurationFile: ConfigurationOption
    @Argument(help: "The group's id, externalId or displayName.")
    var group: String

    func run() async throws {
      try await Resources.show(.group, group, in: try await TenantAccess(configurationFile).directory())
    }
  }

  struct Deleted: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List deleted groups that can still be restored.",
      discussion: "EXAMPLE\n  bridgehead tenant groups deleted")
    @OptionGroup var configurationFile: ConfigurationOption
    @Flag(help: "Write JSON.")
    var json = false

    func run() async throws {
      try await Resources.listDeleted(.group, json: json, in: try await TenantAccess(configurationFile).directory())
    }
  }

  struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Bring a deleted group back, with its members.",
      discussion: "EXAMPLE\n  bridgehead tenant groups restore e9e30dba-f08f-4109-8486-d5c6a331660a")
    @OptionGroup var configurationFile: ConfigurationOption
    @Argument(help: "The group's id, as 'tenant groups deleted' shows it.")
    var id: String

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      print(try await access.directory().restore(.group, id, by: access.actor).json.text)
    }
  }
}
