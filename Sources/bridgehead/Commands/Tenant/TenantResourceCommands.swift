// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import SCIM
import Tenant

/// What `tenant users`, `tenant groups` and their like share.
private enum Resources {
  /// Reads this many at a time.
  static let page = 500

  /// Every resource that the filter selects, page by page.
  static func all(_ kind: ResourceKind, filter: String?, in directory: TenantDirectory) async throws -> [JSONValue] {
    var query = ListQuery()
    query.filter = try filter.map { try Filter.parse($0) }
    query.excludedAttributes = ["members", "groups"]
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
    let columns =
      switch kind {
      case .user: ["id", "userName", "displayName", "active"]
      case .group: ["id", "displayName", "externalId"]
      case .contact: ["id", "displayName", "organization", "emails"]
      case .device: ["id", "displayName", "operatingSystem", "active"]
      }
    print(
      Table(
        header: columns.map { $0.uppercased() },
        rows: found.map { resource in
          columns.map { column in
            switch resource.object?[column] {
            case .string(let text)?: text
            case .bool(let flag)?: flag ? "yes" : "no"
            // Of several values the first one that is preferred.
            case .array(let values)?:
              (values.first { $0.object?["primary"] == true } ?? values.first)?.object?["value"]?.string ?? "-"
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

/// What tells `tenant users`, `tenant groups` and their like apart.
protocol ResourceWords {
  static var kind: ResourceKind { get }
  /// In lower case.
  static var noun: String { get }
  /// The attribute that people name a resource by.
  static var key: String { get }
  static var exampleFilter: String { get }
  static var exampleKey: String { get }
  /// What only this kind has.
  static var more: [any ParsableCommand.Type] { get }
}

extension ResourceWords {
  static var more: [any ParsableCommand.Type] { [] }
}

enum UserWords: ResourceWords {
  static let kind = ResourceKind.user
  static let noun = "user"
  static let key = "userName"
  static let exampleFilter = #"userName sw "anna" and active eq true"#
  static let exampleKey = "anna.mueller@corp.example"
  static var more: [any ParsableCommand.Type] { [TenantResetPassword.self, TenantUnlock.self] }
}

enum GroupWords: ResourceWords {
  static let kind = ResourceKind.group
  static let noun = "group"
  static let key = "displayName"
  static let exampleFilter = #"displayName co "Sales""#
  static let exampleKey = "'All Employees'"
}

enum ContactWords: ResourceWords {
  static let kind = ResourceKind.contact
  static let noun = "contact"
  static let key = "displayName"
  static let exampleFilter = #"organization eq "Ferry SE""#
  static let exampleKey = "'Ferry, Anna'"
}

enum DeviceWords: ResourceWords {
  static let kind = ResourceKind.device
  static let noun = "device"
  static let key = "displayName"
  static let exampleFilter = #"operatingSystem sw "Windows""#
  static let exampleKey = "PC000042"
}

typealias TenantContacts = TenantResources<ContactWords>
typealias TenantDevices = TenantResources<DeviceWords>
typealias TenantUsers = TenantResources<UserWords>
typealias TenantGroups = TenantResources<GroupWords>

struct TenantResources<Words: ResourceWords>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "\(Words.noun)s", abstract: "The tenant's \(Words.noun)s.",
      subcommands: [List.self, Show.self, Deleted.self, Restore.self] + Words.more)
  }

  struct List: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
      CommandConfiguration(
        commandName: "list", abstract: "List \(Words.noun)s\(Words.kind == .group ? ", without their members" : "").",
        discussion: """
          EXAMPLES
            bridgehead tenant \(Words.noun)s list
            bridgehead tenant \(Words.noun)s list --filter '\(Words.exampleFilter)' --json
          """)
    }

    @OptionGroup var configurationFile: ConfigurationOption

    @Option(help: ArgumentHelp("A SCIM filter (RFC 7644 3.4.2.2).", valueName: "filter"))
    var filter: String?

    @Flag(help: "Write JSON.")
    var json = false

    func run() async throws {
      try await Resources.list(
        Words.kind, filter: filter, json: json, in: try await TenantAccess(configurationFile).directory())
    }
  }

  struct Show: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
      CommandConfiguration(
        commandName: "show", abstract: "Show a \(Words.noun) as JSON.",
        discussion: "EXAMPLE\n  bridgehead tenant \(Words.noun)s show \(Words.exampleKey)")
    }

    @OptionGroup var configurationFile: ConfigurationOption

    @Argument(help: "Its id, externalId or \(Words.key).")
    var name: String

    func run() async throws {
      try await Resources.show(Words.kind, name, in: try await TenantAccess(configurationFile).directory())
    }
  }

  struct Deleted: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
      CommandConfiguration(
        commandName: "deleted", abstract: "List deleted \(Words.noun)s that can still be restored.",
        discussion: "EXAMPLE\n  bridgehead tenant \(Words.noun)s deleted")
    }

    @OptionGroup var configurationFile: ConfigurationOption

    @Flag(help: "Write JSON.")
    var json = false

    func run() async throws {
      try await Resources.listDeleted(Words.kind, json: json, in: try await TenantAccess(configurationFile).directory())
    }
  }

  struct Restore: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
      CommandConfiguration(
        commandName: "restore", abstract: "Bring a deleted \(Words.noun) back, with its memberships.",
        discussion: "EXAMPLE\n  bridgehead tenant \(Words.noun)s restore 2819c223-7f76-453a-919d-413861904646")
    }

    @OptionGroup var configurationFile: ConfigurationOption

    @Argument(help: "The id, as 'deleted' shows it.")
    var id: String

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      print(try await access.directory().restore(Words.kind, id, includingPrivileged: true, by: access.actor).json.text)
    }
  }
}
