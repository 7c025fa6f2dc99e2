// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import FoundationEssentials
import IdentityModel

struct ConnectShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show an object in every space: on the premises, synchronised, in the cloud, pending.",
    discussion: """
      EXAMPLES
        bridgehead connect show anna.mueller@corp.example
        bridgehead connect show 'CN=Anna Müller,OU=People,DC=corp,DC=example' --json
      """)

  @Argument(
    help: "Its distinguished name, user principal name, sAMAccountName, objectGUID or source anchor.")
  var object: String

  @OptionGroup var configurationFile: ConfigurationOption

  @Flag(help: "Write JSON.")
  var json = false

  func run() async throws {
    let connect = try ConnectAccess(configurationFile)
    let views = try await connect.finder().show(object, in: connect.store())
    if json { return try printJSON(views) }
    let terminal = Terminal(environment: Environment.current)
    print(views.map { $0.text(terminal) }.joined(separator: "\n\n"))
  }
}

extension ObjectView {
  fileprivate func text(_ terminal: Terminal) -> String {
    var lines: [String] = []
    func section(_ title: String, _ facts: [(String, String)], _ values: [Value], _ references: [String: Int]) {
      lines.append(terminal.styled(title, .bold))
      lines += facts.map { "  \($0.0): \($0.1)" }
      for value in values {
        let reason = value.rule.map { terminal.styled("   (\($0))", .dim) } ?? ""
        lines.append("  \(value.name): \(value.values.joined(separator: ", "))\(reason)")
      }
      lines += references.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value) references" }
    }
    for entry in entries {
      var facts = [("name", entry.name), ("objectGUID", entry.guid)]
      if let reason = entry.excluded { facts.append(("not synchronised", reason)) }
      if entry.isDeleted { facts.append(("deleted", "yes")) }
      if entry.isDirty { facts.append(("changed", "waits for the next run")) }
      if let due = entry.dueAt {
        facts.append(("looked at again", Date(timeIntervalSince1970: Double(due)).formatted(.iso8601)))
      }
      section("On the premises: \(entry.kind.rawValue) in \(entry.source)", facts, entry.attributes, entry.references)
      lines += entry.outside.flatMap(\.lines)
    }
    if let metaverse {
      section("Synchronised", [("source anchor", metaverse.sourceAnchor)], metaverse.attributes, [:])
      for form in metaverse.forms ?? [] { section("Instead at \(form.target)", [], form.attributes, [:]) }
    }
    lines += replacedNames.map { "  \($0.name) at \($0.target): \($0.reason)" }
    for remote in remotes {
      section("In the cloud: \(remote.target)", [("id", remote.id)], remote.attributes, remote.references)
    }
    if !pending.isEmpty { lines.append(terminal.styled("Pending", .bold)) }
    lines += pending.map { $0.text(terminal) }
    for held in quarantine {
      lines.append(terminal.styled("Quarantine", .bold))
      lines.append(
        "  \(held.target.map { "\($0): " } ?? "")\(held.reason): \(held.detail)"
          + (held.other.map { " (in the way: \($0))" } ?? ""))
    }
    return lines.joined(separator: "\n")
  }
}

extension OutsideReference {
  /// What it is, and whether it is exported.
  fileprivate var lines: [String] {
    let what = kind.map { "\($0.rawValue) \(name ?? guid)" } ?? "\(guid), unresolved"
    var facts = [("objectGUID", guid)]
    for (name, value) in [
      ("objectSid", sid), ("source anchor", sourceAnchor), ("userPrincipalName", userPrincipalName), ("mail", mail),
    ] {
      if let value { facts.append((name, value)) }
    }
    if !exportedTo.isEmpty { facts.append(("exported to", exportedTo.joined(separator: ", "))) }
    if let reason { facts.append((kind == nil ? "because" : "not exported", reason)) }
    return ["  \(attribute) outside what is imported: \(what)"] + facts.map { "    \($0.0): \($0.1)" }
  }
}
