// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import FoundationEssentials

struct ConnectShowStatus: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show the last runs, what is held and pending, and which flows were really used.",
    discussion: """
      A flow is listed only after a handshake on it succeeded: with whom, when, and how the traffic was protected.

      EXAMPLES
        bridgehead connect status
        bridgehead connect status --json
      """)

  @OptionGroup var configurationFile: ConfigurationOption

  @Flag(help: "Write JSON.")
  var json = false

  func run() async throws {
    let connect = try ConnectAccess(configurationFile)
    let status = try await ConnectStatus.read(connect.store(), isStaging: connect.settings().isStaging)
    if json { return try printJSON(status) }
    print(status.text(Terminal(environment: Environment.current)))
  }
}

extension ConnectStatus {
  fileprivate func text(_ terminal: Terminal) -> String {
    var parts: [String] = []
    func section(_ title: String, _ table: Table) {
      parts.append(terminal.styled(title, .bold) + "\n" + (table.rows.isEmpty ? "none" : table.text()))
    }
    func time(_ seconds: Double?) -> String {
      seconds.map { Date(timeIntervalSince1970: $0).formatted(.iso8601) } ?? "-"
    }
    if isStaging { parts.append("Staging mode: nothing is exported.") }
    section(
      "Runs",
      RunRecord.table(Array(runs.prefix(5))))
    section(
      "Directories",
      Table(
        header: ["SOURCE", "PARTITION", "SERVER", "LAST READ", "MODE"],
        rows: partitions.map {
          [$0.source, $0.partition, $0.server ?? "-", time($0.readAt), $0.mode ?? "-"]
        }))
    parts += partitions.compactMap { partition in partition.hidden.map { "\(partition.partition): \($0)" } }
    section(
      "Objects",
      Table(
        header: ["KIND", "ON THE PREMISES", "IN SCOPE", "IN THE CLOUD"],
        rows: counts.map { [$0.kind, "\($0.entries)", "\($0.metaverse)", "\($0.remote)"] }))
    section(
      "Pending",
      Table(header: ["OPERATION", "STATE", "COUNT"], rows: pending.map { [$0.operation, $0.state, "\($0.count)"] }))
    section(
      "Quarantine",
      Table(
        header: ["OBJECT", "REASON", "SINCE", "NEXT TRY", "DETAIL"],
        rows: quarantined.map { [$0.name ?? "-", $0.reason, time($0.since), time($0.nextTry), $0.detail] }))
    if replacedNames.count > 0 {
      section(
        "Replaced sign-in names (\(replacedNames.count))",
        Table(
          header: ["OBJECT", "TARGET", "NAME", "REASON"],
          rows: replacedNames.names.map { [$0.distinguishedName ?? "-", $0.target, $0.name, $0.reason] }))
    }
    if !references.isEmpty {
      section(
        "References outside what is imported",
        Table(
          header: ["SOURCE", "RESOLVED", "UNRESOLVED", "NEXT TRY", "DETAIL"],
          rows: references.map {
            [$0.source, "\($0.resolved)", "\($0.unresolved)", time($0.nextTry), $0.detail ?? "-"]
          }))
    }
    section("Flows", flowTable)
    return parts.joined(separator: "\n\n")
  }

  /// The flows that were really used.
  var flowTable: Table {
    Table(
      header: ["ROW", "TRANSPORT", "PEER", "USES", "LAST", "PROTECTION"],
      rows: flows.map { flow in
        [
          flow.row, flow.transport,
          (flow.host.isEmpty || flow.host == flow.address ? flow.address : "\(flow.host) (\(flow.address))")
            + ":\(flow.port)", "\(flow.count)", Date(timeIntervalSince1970: flow.lastAt).formatted(.iso8601),
          flow.protection,
        ]
      })
  }
}
