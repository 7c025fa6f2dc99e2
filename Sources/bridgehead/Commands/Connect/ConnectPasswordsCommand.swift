// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import FoundationEssentials
import Wire

struct ConnectPasswords: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "passwords", abstract: "Password hash synchronisation: once, its state, and whom it leaves out.",
    discussion: """
      Hashes are read by replication with an account of their own; docs/operations/active-directory.md says which rights it
      needs. What is derived from them is sent, never a hash.
      """,
    subcommands: [ConnectPasswordsSync.self, ConnectPasswordsStatus.self, ConnectPasswordsErrors.self])
}

struct ConnectPasswordsSync: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync", abstract: "Read changed password hashes once and send what is derived from them.",
    discussion: """
      The first run reads all; later ones read what changed since. Only users that the cloud directory has are sent.
      'connect run' does the same every two minutes. No password and no hash is kept or shown.

      EXAMPLES
        bridgehead connect passwords sync
        bridgehead connect passwords sync --json

      EXIT CODES
        0 done, 1 failed, 4 done with users that were refused or are left for the next run
      """)

  @OptionGroup var configurationFile: ConfigurationOption
  @OptionGroup var global: GlobalOptions

  @Flag(help: "Write the report as JSON.")
  var json = false

  func run() async throws {
    Observability.bootstrap(global)
    try await ConnectAccess(configurationFile).open(purpose: "connect passwords sync").use { runtime in
      guard let passwords = runtime.passwords else {
        throw CommandError(
          "configuration.passwords", "No password hashes are to be synchronised.",
          remedy:
            "give a forest passwordCredentials and a target a passwordToken (sync-api: passwords), and leave staging mode.",
          status: .configuration)
      }
      let report = try await Interruption.stopping { try await passwords.run() }
      if json { try printJSON(report) } else { print(report.summary) }
      if report.refused + report.due > 0 || !report.errors.isEmpty { throw ExitCode(ExitStatus.partial.rawValue) }
    }
  }
}

struct ConnectPasswordsStatus: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show how far password hashes were read and how many users have theirs in the cloud.",
    discussion: """
      EXAMPLES
        bridgehead connect passwords status
        bridgehead connect passwords status --json
      """)

  @OptionGroup var configurationFile: ConfigurationOption

  @Flag(help: "Write JSON.")
  var json = false

  func run() async throws {
    let store = try await ConnectAccess(configurationFile).store()
    let status = try await PasswordStatus.read(store)
    if json { try printJSON(status) } else { print(status.text) }
  }
}

struct ConnectPasswordsErrors: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "errors", abstract: "Show every user whose password the cloud directory lacks, and why.",
    discussion: """
      EXAMPLES
        bridgehead connect passwords errors
        bridgehead connect passwords errors --json

      EXIT CODES
        0 there are none, 1 failed, 4 there are some
      """)

  @OptionGroup var configurationFile: ConfigurationOption

  @Flag(help: "Write JSON.")
  var json = false

  func run() async throws {
    let store = try await ConnectAccess(configurationFile).store()
    let held = try await PasswordStatus.read(store).held
    if json {
      try printJSON(held)
    } else {
      print(held.isEmpty ? "Every password that could be sent was sent." : held.map(\.text).joined(separator: "\n\n"))
    }
    if !held.isEmpty { throw ExitCode(ExitStatus.partial.rawValue) }
  }
}

extension PasswordReport {
  fileprivate var summary: String {
    var lines = [
      "read \(read) changes: \(sent) sent, \(unchanged) unchanged, \(refused) refused, \(due) left for later"
    ]
    if forgotten > 0 { lines.append("\(forgotten) forgotten, because they were cleared or their users left") }
    lines += errors
    if refused + due > 0 { lines.append("'bridgehead connect passwords errors' names them") }
    return lines.joined(separator: "\n")
  }
}

extension PasswordStatus {
  fileprivate var text: String {
    var lines = domains.map { domain in
      "\(domain.domain) read from \(domain.server ?? "nobody") at "
        + Date(timeIntervalSince1970: domain.readAt).formatted(.iso8601)
    }
    if domains.isEmpty { lines.append("No password hashes were read yet.") }
    lines += counts.map { "\($0.target): \($0.users) \(Self.words($0.state))" }
    return lines.joined(separator: "\n")
  }

  private static func words(_ state: String) -> String {
    switch state {
    case "sent": "sent"
    case "due": "to be sent by a later pass"
    case "refused": "refused"
    case "none": "without a password"
    case "leaving": "left, their passwords to be forgotten by a later pass"
    default: state
    }
  }
}

extension PasswordStatus.Held {
  fileprivate var text: String {
    let time = Date(timeIntervalSince1970: since).formatted(.iso8601)
    return "\(distinguishedName)\n  \(reason): \(detail)\n  target: \(target), \(state) since \(time)"
  }
}
