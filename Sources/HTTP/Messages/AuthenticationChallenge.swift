// SPDX-License-Identifier: Apache-2.0

/// One challenge of `WWW-Authenticate` or `Proxy-Authenticate` (RFC 9110 11.3, 11.6.1).
package struct AuthenticationChallenge: Sendable, Hashable {
  /// As the server wrote it: `Negotiate`, `Kerberos`, `Basic`.
  package var scheme: String
  /// The `token68` after the scheme, for Negotiate the base64 of a token (RFC 4559 4.1).
  package var token: String?

  /// Challenges of one response that are looked at.
  static let maximumCount = 16

  package func isScheme(_ name: String) -> Bool { scheme.lowercased() == name.lowercased() }

  /// Reads all fields with the name. Several challenges may share a field: commas part challenges and parameters alike,
  /// and what begins with a token and no `=` is a challenge.
  package static func all(_ name: String, in fields: HTTPFields) -> [AuthenticationChallenge] {
    var challenges: [AuthenticationChallenge] = []
    for value in fields.all(name) {
      for item in items(value) {
        let parts = item.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard let first = parts.first, first.utf8.allSatisfy(HTTPFields.isTokenByte) else { continue }
        let rest = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
        let isToken = !rest.isEmpty && rest.utf8.allSatisfy(isToken68Byte) && !isParameter(rest)
        challenges.append(
          AuthenticationChallenge(scheme: String(first), token: isToken ? String(rest) : nil))
        if challenges.count == maximumCount { return challenges }
      }
    }
    return challenges
  }

  /// `name=value`, where a token68 has `=` at its end only.
  private static func isParameter(_ text: some StringProtocol) -> Bool {
    guard let equals = text.firstIndex(of: "=") else { return false }
    return text[equals...].contains { $0 != "=" }
  }

  private static func isToken68Byte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: "-._~+/=".utf8.contains(byte)
    }
  }

  /// Splits at commas outside of quoted strings.
  private static func items(_ value: String) -> [String] {
    var items: [String] = []
    var current = ""
    var isQuoted = false
    var isEscaped = false
    for character in value {
      if isEscaped {
        isEscaped = false
      } else if isQuoted, character == "\\" {
        isEscaped = true
      } else if character == "\"" {
        isQuoted.toggle()
      } else if character == ",", !isQuoted {
        items.append(current)
        current = ""
        continue
      }
      current.append(character)
    }
    return items + [current]
  }
}
