// SPDX-License-Identifier: Apache-2.0

import Wire
import Yams

/// Another product's configuration as `bridgehead.yaml`, with what could not be carried over.
struct Migration {
  var configuration: Configuration
  var notes: [Note]

  /// Something that a person has to read: a setting without a counterpart, a secret, a value that had to be guessed.
  struct Note: Encodable, Equatable {
    let file: String
    /// Counted from 1; nil when the note is about the file as a whole.
    let line: Int?
    let text: String

    var place: String { line.map { "\(file):\($0)" } ?? file }
  }

  /// The configuration file: the notes as comments, then the values.
  ///
  /// - Throws: ``CommandError`` when what was carried over is no valid configuration; nothing is written then.
  func yaml(source: String) throws -> String {
    let encoder = YAMLEncoder()
    encoder.options.allowUnicode = true
    encoder.options.width = -1
    let body = try encoder.encode(configuration)
    do {
      _ = try ConfigurationLoader.parse(body, file: source)
    } catch {
      let causes = error.issues.map(\.message).joined(separator: "; ")
      throw CommandError(
        "migration.invalid", "\(source): what it says makes no valid configuration: \(causes).",
        remedy: "correct these values in \(source), or write the file by hand from 'bridgehead config init'.",
        status: .configuration)
    }
    let head =
      ["Made by 'bridgehead connect import-config' from \(source).", "Read these notes, then delete them:"]
      + notes.map { "- \($0.place): \($0.text)" }
    return head.map { "# \(Self.singleLine($0))\n" }.joined() + "\n" + body
  }

  /// A note quotes names from a foreign file: a line break in one must not end the comment.
  private static func singleLine(_ text: String) -> String {
    String(text.map { $0.isNewline || $0.unicodeScalars.contains { $0.value < 0x20 } ? " " : $0 })
  }
}

extension Configuration {
  /// What every migrated file starts from: values that no other product's file holds are placeholders.
  static func migrated(
    forests: [Forest], verifiedDomains: [String], trust: Trust? = nil, httpProxy: HTTPProxy? = nil,
    settings: MigratedSettings = MigratedSettings()
  ) -> Configuration {
    var forests = forests
    if settings.writesAnchors { for index in forests.indices { forests[index].writeSourceAnchors = true } }
    return Configuration(
      version: 1, trust: trust, httpProxy: httpProxy,
      connect: ConnectSection(
        database: "/var/lib/bridgehead/connect.sqlite", mode: settings.isStaging ? "staging" : nil,
        schedule: settings.interval.map { Schedule(interval: $0) }, forests: forests,
        joinUsersBy: settings.joinUsersBy, devices: settings.includesDevices ? true : nil,
        target: Target(
          url: "https://change-me.invalid/scim/v2", token: SecretReference(file: "/etc/bridgehead/target.token"),
          verifiedDomains: verifiedDomains, initialDomain: "change-me.onmicrosoft.com"),
        guard: settings.deletions.map { Guard(deletions: $0) }))
  }

  /// What is to be done about those placeholders.
  static let placeholderNote =
    "connect.target: write the SCIM service's url and the tenant's initialDomain in the place of 'change-me', and put the "
    + "bearer token into the file that token names"
}
