// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Tenant

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
