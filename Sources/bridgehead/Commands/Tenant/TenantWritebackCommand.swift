// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import PasswordWriteback
import Tenant
import Wire

struct TenantWriteback: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "writeback", abstract: "Whether people may change their passwords here, and who carries that out.",
    subcommands: [Enable.self, Status.self, Disable.self])

  struct Enable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Pin the key of Connect: requests are encrypted to it and can be read by nobody else.",
      discussion: """
        'bridgehead connect writeback key' shows key and fingerprint on Connect's machine. Carry both over by a way that you
        trust. Connect also needs a token: 'bridgehead tenant token create --scope writeback'.

        EXAMPLE
          bridgehead tenant writeback enable --connector-key KEY --fingerprint FINGERPRINT
        """)

    @OptionGroup var configurationFile: ConfigurationOption

    @Option(help: ArgumentHelp("Connect's public key.", valueName: "key"))
    var connectorKey: String

    @Option(help: ArgumentHelp("The fingerprint that Connect shows; it must be that of the key.", valueName: "digits"))
    var fingerprint: String

    func run() async throws {
      let key = try ConnectorKey(text: connectorKey)
      guard key.fingerprint == fingerprint.lowercased() else {
        throw CommandError(
          "tenant.writeback", "The fingerprint of this key is \(key.fingerprint), not \(fingerprint).",
          remedy: "copy the key again; if it still differs, somebody may have changed it on the way.")
      }
      let access = try TenantAccess(configurationFile)
      try await access.directory().enableWriteback(key, by: access.actor)
      print("enabled; requests are encrypted to \(key.fingerprint)")
    }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show the pinned key, when Connect last asked, and what became of requests.",
      discussion: "EXAMPLE\n  bridgehead tenant writeback status --json")

    @OptionGroup var configurationFile: ConfigurationOption

    @Flag(help: "Write JSON.")
    var json = false

    private struct Report: Encodable {
      let fingerprint: String?
      let enabled, connectorAsked: Date?
      let waiting: Int
      let outcomes: [String: Int]
    }

    func run() async throws {
      let status = try await TenantAccess(configurationFile).directory().writebackStatus()
      if json {
        return try printJSON(
          Report(
            fingerprint: status.key?.fingerprint, enabled: status.enabled, connectorAsked: status.polled,
            waiting: status.waiting,
            outcomes: Dictionary(status.outcomes.map { ($0.status, $0.count) }, uniquingKeysWith: +)))
      }
      guard let key = status.key else { return print("disabled") }
      print("enabled; requests are encrypted to \(key.fingerprint)")
      print("Connect last asked: \(status.polled?.formatted(.iso8601) ?? "never")")
      print("waiting: \(status.waiting)")
      for outcome in status.outcomes { print("\(outcome.status): \(outcome.count)") }
    }
  }

  struct Disable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let nobody change passwords here; requests that wait are over.",
      discussion: "EXAMPLE\n  bridgehead tenant writeback disable")

    @OptionGroup var configurationFile: ConfigurationOption

    func run() async throws {
      let access = try TenantAccess(configurationFile)
      try await access.directory().disableWriteback(by: access.actor)
      print("disabled")
    }
  }
}

struct TenantResetPassword: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reset-password", abstract: "Give a person a new password, or a link to choose one.",
    discussion: """
      The new password is random, is set in the person's directory first, and has to be changed at the next sign-in. A link
      holds for an hour and one password.

      EXAMPLES
        bridgehead tenant users reset-password anna@corp.example --output anna.password
        bridgehead tenant users reset-password anna@corp.example --link
      """)

  @OptionGroup var configurationFile: ConfigurationOption

  @Argument(help: "The person's userName.")
  var name: String

  @Flag(help: "Make a link instead; nothing is changed until the person uses it.")
  var link = false

  @Option(help: ArgumentHelp("Write the password to this new file, readable by you alone.", valueName: "file"))
  var output: String?

  func run() async throws {
    let access = try TenantAccess(configurationFile)
    let directory = try await access.directory()
    let user = try await directory.writebackUser(named: name)
    if link {
      let made = try await directory.makePasswordLink(for: user, by: access.actor)
      let origin =
        access.section.url.map {
          $0.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3).joined(separator: "/")
        } ?? "https://\(access.section.listen)"
      print(origin + made.path)
      return printError("valid until \(made.expires.formatted(.iso8601)), for one new password")
    }
    let file = try output.map(PrivateFile.init)
    let password = Self.makePassword()
    try await WritebackDesk(directory: directory)
      .carryOut(.reset, of: user, new: SecretBytes(Array(password.utf8)), mustChange: true, by: access.actor).report()
    if let file { try file.write(password + "\n") } else { print(password) }
  }

  /// 20 letters and digits without those that are easily confused (116 bits), with a mark for every complexity rule.
  private static func makePassword() -> String {
    let alphabet = Array("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789")
    var generator = SystemRandomNumberGenerator()
    return "Aa1-" + String((0..<20).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
  }
}

struct TenantUnlock: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unlock", abstract: "End a lockout in the person's directory.",
    discussion: "EXAMPLE\n  bridgehead tenant users unlock anna@corp.example")

  @OptionGroup var configurationFile: ConfigurationOption

  @Argument(help: "The person's userName.")
  var name: String

  func run() async throws {
    let access = try TenantAccess(configurationFile)
    let directory = try await access.directory()
    let user = try await directory.writebackUser(named: name)
    try await WritebackDesk(directory: directory).carryOut(.unlock, of: user, by: access.actor).report()
  }
}

extension WritebackOutcome {
  /// Says how it ended; anything but success is an error.
  fileprivate func report() throws {
    guard status == .done else {
      throw CommandError(
        "tenant.writeback.\(reason?.rawValue ?? status.rawValue)", sentence,
        remedy: "'bridgehead connect writeback audit' on Connect's machine has the detail.")
    }
    printError(sentence)
  }
}
