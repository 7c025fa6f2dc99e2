// SPDX-License-Identifier: Apache-2.0

import Connect
import Wire

/// What `connect forest add` writes of a forest: what it was told, and what the forest itself says.
struct ForestSection {
  typealias Entry = ForestSectionEditor.Entry

  var name: String
  var credentials: Configuration.Credentials?
  var passwordCredentials: Configuration.Credentials?
  var writebackCredentials: Configuration.Credentials?
  var transport: String?
  var units: [String] = []
  var writebackUnits: [String] = []
  /// The partitions to read.
  var domains: [String] = []
  /// The only controllers to use; empty for all that DNS names.
  var controllers: [String] = []
  /// Those that there are, for a comment.
  var knownControllers: [String] = []
  /// The anchor: kept in mS-DS-ConsistencyGuid, or the objectGUID alone; nil leaves what is there.
  var writesAnchors: Bool?

  var entries: [Entry] {
    var entries = [Entry("name", ["name: \(Self.scalar(name))"])]
    if !domains.isEmpty { entries.append(Self.list("domains", domains)) }
    if !controllers.isEmpty {
      entries.append(Self.list("domainControllers", controllers))
    } else if !knownControllers.isEmpty {
      entries.append(
        Entry(
          "", ["# domainControllers: all that DNS names are used, now \(knownControllers.joined(separator: ", "))"]))
    }
    if let transport { entries.append(Entry("transport", ["transport: \(transport)"])) }
    let accounts = [
      ("credentials", credentials), ("passwordCredentials", passwordCredentials),
      ("writebackCredentials", writebackCredentials),
    ]
    for case (let key, let account?) in accounts { entries.append(Self.account(key, account)) }
    for (key, units) in [("writebackUnits", writebackUnits), ("organizationalUnits", units)] where !units.isEmpty {
      entries.append(Entry(key, ["\(key):", "  include:"] + units.map { "    - \(Self.scalar($0))" }))
    }
    if let writesAnchors {
      entries.append(
        Entry(
          "writeSourceAnchors",
          [
            writesAnchors
              ? "# The source anchor of new users is kept in their mS-DS-ConsistencyGuid."
              : "# The source anchor is the objectGUID; the directory is not written to.",
            "writeSourceAnchors: \(writesAnchors)",
          ]))
    }
    return entries
  }

  private static func list(_ key: String, _ values: [String]) -> Entry {
    Entry(key, ["\(key):"] + values.map { "  - \(scalar($0))" })
  }

  private static func account(_ key: String, _ account: Configuration.Credentials) -> Entry {
    var lines = ["\(key):", "  principal: \(scalar(account.principal))"]
    if let keytab = account.keytab { lines.append("  keytab: \(scalar(keytab))") }
    if let file = account.password?.file { lines.append("  password: { file: \(scalar(file)) }") }
    return Entry(key, lines)
  }

  /// Plain where that can mean nothing but the text, else in double quotes (YAML 1.2 7.3.1).
  static func scalar(_ text: String) -> String {
    let isPlain =
      text.first.map { $0.isASCII && $0.isLetter || $0 == "/" } ?? false
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte & 0xdf) || "/._-@".utf8.contains(byte)
      }
    guard !isPlain || ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(text.lowercased()) else {
      return text
    }
    let escaped = text.unicodeScalars.map { scalar in
      switch scalar {
      case "\"", "\\": "\\\(scalar)"
      case _ where scalar.value < 0x20: "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: String(scalar)
      }
    }
    return "\"\(escaped.joined())\""
  }
}
