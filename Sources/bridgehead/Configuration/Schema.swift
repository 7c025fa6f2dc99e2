// SPDX-License-Identifier: Apache-2.0

import Readiness
import Wire

/// The shape of `bridgehead.yaml`, as data: validation, the published JSON Schema and the template of `config init`
/// are all made from it.
indirect enum Schema: Sendable {
  case object([Property])
  case list(of: Schema)
  case string(StringKind)
  case integer(ClosedRange<Int>)
  case boolean
  case choice([String])
  /// A secret by reference: exactly one of `file`, `environment`, `credential`.
  case secret

  enum StringKind: Sendable {
    case text
    case path
    case dnsName
    case distinguishedName
    /// `user@REALM` or `service/host@REALM`.
    case principal
    /// `http` or `https`.
    case url
    /// `host:port`.
    case endpoint
    /// A number and `s`, `m`, `h` or `d`.
    case duration
    /// A name of letters, digits, `-`, `_` and `.`.
    case label
    /// A DNS name, or all names below one: `*.example.com`.
    case dnsPattern
    /// An IP address or a network.
    case network
    /// A port or `first-last`.
    case portRange
  }

  struct Property: Sendable {
    let name: String
    let schema: Schema
    let required: Bool
    let summary: String
    /// YAML text that the template shows; nil leaves the property out of the template.
    let example: String?

    init(_ name: String, _ schema: Schema, required: Bool = false, _ summary: String, example: String? = nil) {
      self.name = name
      self.schema = schema
      self.required = required
      self.summary = summary
      self.example = example
    }
  }

  /// The words for an error message.
  var noun: String {
    switch self {
    case .object: "a mapping"
    case .list: "a list"
    case .string(let kind): kind.noun
    case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .boolean: "true or false"
    case .choice(let names): "one of " + names.joined(separator: ", ")
    case .secret: "a reference to a secret (file, environment or credential)"
    }
  }
}

extension Schema.StringKind {
  var noun: String {
    switch self {
    case .text: "text"
    case .path: "a path"
    case .dnsName: "a DNS name such as corp.example"
    case .distinguishedName: "a distinguished name such as OU=People,DC=corp,DC=example"
    case .principal: "a Kerberos principal such as svc-sync@CORP.EXAMPLE"
    case .url: "an http or https URL"
    case .endpoint: "host:port"
    case .duration: "a duration such as 30s, 15m, 6h or 7d"
    case .label: "a name of letters, digits, '-', '_' and '.'"
    case .dnsPattern: "a DNS name such as login.example.com or *.example.com"
    case .network: "an address or a network such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32"
    case .portRange: "a port or a range such as 50000 or 50000-50100"
    }
  }

  func accepts(_ text: String) -> Bool {
    switch self {
    case .text, .path: !text.isEmpty
    case .dnsName: Self.isDNSName(text)
    case .distinguishedName: Self.isDistinguishedName(text)
    case .principal:
      text.split(separator: "@", omittingEmptySubsequences: false).count == 2 && !text.hasPrefix("@")
        && !text.hasSuffix("@")
    case .url: text.hasPrefix("https://") && text.count > 8 || text.hasPrefix("http://") && text.count > 7
    case .endpoint: Endpoint(parsing: text) != nil
    case .duration: Duration(parsing: text) != nil
    case .label: Self.isDNSName(text)
    case .dnsPattern: DNSPattern(parsing: text) != nil
    case .network: IPNetwork(parsing: text) != nil
    case .portRange: PortRange(parsing: text) != nil
    }
  }

  /// Every part has a type; a comma behind a backslash belongs to a value (RFC 4514 section 2.4).
  private static func isDistinguishedName(_ text: String) -> Bool {
    text.replacing("\\\\", with: "").replacing("\\,", with: "").split(separator: ",", omittingEmptySubsequences: false)
      .allSatisfy { $0.contains("=") }
  }

  private static func isDNSName(_ text: String) -> Bool {
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    return !text.isEmpty && text.utf8.count <= 253
      && labels.allSatisfy { label in
        (1...63).contains(label.utf8.count)
          && label.utf8.allSatisfy { byte in
            (0x61...0x7a).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x2d || byte == 0x5f
          }
      }
  }
}
