// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Connect
import FoundationEssentials
import Glibc
import Logging
import PasswordWriteback
import Wire

struct ConnectWriteback: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "writeback", abstract: "Password writeback: the key, one round, and the audit log.",
    discussion: """
      Passwords that are changed in the cloud directory are changed in Active Directory first. What may be asked for is
      decided here; docs/operations/passwords.md says which rights it needs.
      """,
    subcommands: [ConnectWritebackKey.self, ConnectWritebackOnce.self, ConnectWritebackAudit.self])
}

struct ConnectWritebackKey: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key", abstract: "Make the private key where there is none, and show the public one.",
    discussion: """
      Requests are encrypted to this key. Carry the public key to the tenant and compare the fingerprints there.

      EXAMPLES
        bridgehead connect writeback key
        bridgehead connect writeback key --json
      """)

  @OptionGroup var configurationFile: ConfigurationOption

  @Flag(help: "Write JSON.")
  var json = false

  private struct Report: Encodable {
    let key, fingerprint, file: String
  }

  func run() async throws {
    let configuration = try ConfigurationLoader.load(configurationFile.config)
    guard let path = configuration.connect?.writeback?.key else {
      throw CommandError(
        "configuration.writeback", "\(configurationFile.config) names no key for password writeback.",
        remedy: "add connect.writeback.key.", status: .configuration)
    }
    if access(path, F_OK) != 0, errno == ENOENT { try PrivateFile(path).write(ConnectorPrivateKey().text + "\n") }
    let key = try ConnectorPrivateKey(text: try SecretFile.read(path)).publicKey
    if json { return try printJSON(Report(key: key.text, fingerprint: key.fingerprint, file: path)) }
    print("public key:  \(key.text)\nfingerprint: \(key.fingerprint)")
  }
}

struct ConnectWritebackOnce: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "once", abstract: "Handle the requests that wait, then end. 'connect run' does it all the time.",
    discussion: """
      EXAMPLE
        bridgehead connect writeback once --wait 10

      EXIT CODES
        0 done, 1 failed, 4 something is still open
      """)

  @OptionGroup var configurationFile: ConfigurationOption
  @OptionGroup var global: GlobalOptions

  @Option(help: ArgumentHelp("Wait so many seconds for the first request.", valueName: "seconds"))
  var wait = 0

  func run() async throws {
    Observability.bootstrap(global)
    try await ConnectAccess(configurationFile).open(purpose: "connect writeback once").use { runtime in
      guard let writeback = runtime.writeback else {
        throw CommandError(
          "configuration.writeback", "No passwords are to be written back.",
          remedy: "configure connect.writeback, and leave staging mode.", status: .configuration)
      }
      let isOpen = try await Interruption.stopping {
        try await WritebackLoop(writeback, clock: .continuous, logger: Logger(label: "bridgehead.writeback"))
          .runOnce(waiting: wait)
      }
      if isOpen { throw ExitCode(ExitStatus.partial.rawValue) }
    }
  }
}

struct ConnectWritebackAudit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "What was asked for, refused and done, the latest first.",
    discussion: """
      The log is append-only and holds no password.

      EXAMPLES
        bridgehead connect writeback audit
        bridgehead connect writeback audit --limit 1000 --json
      """)

  @OptionGroup var configurationFile: ConfigurationOption

  @Option(help: ArgumentHelp("At most so many lines.", valueName: "n"))
  var limit = 100

  @Flag(help: "Write JSON.")
  var json = false

  func run() async throws {
    let store = try await ConnectAccess(configurationFile).store()
    let events = try await WritebackEvent.latest(max(0, limit), in: store)
    if json { return try printJSON(events) }
    print(
      Table(
        header: ["AT", "EVENT", "OPERATION", "WHO", "DETAIL"],
        rows: events.map {
          [
            Date(timeIntervalSince1970: $0.at).formatted(.iso8601), $0.event, $0.operation,
            $0.distinguishedName ?? $0.anchor, $0.detail,
          ]
        }
      ).text())
  }
}
