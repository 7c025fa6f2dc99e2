// SPDX-License-Identifier: Apache-2.0

import Wire

/// An address that answers may be sent to. It is compared character by character (RFC 9700 2.1), except for the port of a
/// native app's own loopback address, which the app learns only when it starts (RFC 8252 7.3).
package struct RedirectURI: Sendable, Hashable {
  /// Longer than any that a browser keeps whole.
  package static let maximumBytes = 2000

  package let text: String
  /// What a content security policy calls it: scheme, host and port, or the scheme of a native app.
  package let origin: String
  private let loopback: Loopback?

  private struct Loopback: Hashable {
    let host: String
    let path: Substring
  }

  /// - Throws: ``RedirectURIError`` for what is not https, a loopback address on http, or a private scheme with a dot
  ///   (RFC 8252 7.1); for fragments, user names, wildcards and characters that no URI has.
  package init(_ text: String) throws(RedirectURIError) {
    guard text.utf8.count <= Self.maximumBytes, text.utf8.allSatisfy(Self.isAllowed) else {
      throw RedirectURIError(text, "it holds characters that must be percent-encoded, or is too long")
    }
    guard !text.contains("#") else { throw RedirectURIError(text, "it has a fragment") }
    guard let colon = text.firstIndex(of: ":") else { throw RedirectURIError(text, "it has no scheme") }
    let scheme = text[..<colon]
    let rest = text[text.index(after: colon)...]
    self.text = text
    guard scheme == "https" || scheme == "http" else {
      guard scheme.contains("."), scheme.utf8.allSatisfy(Self.isSchemeCharacter), rest.hasPrefix("/") else {
        throw RedirectURIError(text, "its scheme is neither https nor a private one such as com.example.app:/")
      }
      origin = "\(scheme):"
      loopback = nil
      return
    }
    guard rest.hasPrefix("//") else { throw RedirectURIError(text, "it has no host") }
    let authority = rest.dropFirst(2).prefix { $0 != "/" && $0 != "?" }
    let path = rest.dropFirst(2 + authority.count)
    guard let (host, port) = Self.split(authority) else {
      throw RedirectURIError(text, "its host or port is not valid")
    }
    let isLoopback = ["localhost", "127.0.0.1", "[::1]"].contains(host)
    guard scheme == "https" || isLoopback else {
      throw RedirectURIError(text, "it is not protected: only the loopback address may use http")
    }
    origin = "\(scheme)://\(host)\(port.map { ":\($0)" } ?? "")"
    loopback = scheme == "http" ? Loopback(host: host, path: path) : nil
  }

  /// Whether an answer may be sent to `other` when this one was registered.
  package func covers(_ other: RedirectURI) -> Bool {
    if text == other.text { return true }
    guard let loopback, let own = other.loopback else { return false }
    return loopback == own
  }

  /// The address with more parameters in its query.
  package func adding(_ parameters: [(name: String, value: String)]) -> String {
    let separator = !text.contains("?") ? "?" : text.hasSuffix("?") || text.hasSuffix("&") ? "" : "&"
    return text + separator + FormParameters.encode(parameters)
  }

  /// Lower-case names, addresses, and an optional port.
  private static func split(_ authority: Substring) -> (host: String, port: Int?)? {
    var host = authority
    var port: Int?
    if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
      let digits = authority[authority.index(after: colon)...]
      guard let number = Int(digits), (1...65_535).contains(number),
        digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
      else { return nil }
      port = number
      host = authority[..<colon]
    }
    if host.hasPrefix("[") {
      guard host.hasSuffix("]"), host.dropFirst().dropLast().utf8.allSatisfy({ Self.isHexOrColon($0) }) else {
        return nil
      }
      return (String(host), port)
    }
    let isName = host.utf8.allSatisfy { byte in
      (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
        || byte == UInt8(ascii: ".")
    }
    guard !host.isEmpty, host.utf8.count <= 253, isName else { return nil }
    return (String(host), port)
  }

  private static func isHexOrColon(_ byte: UInt8) -> Bool {
    (0x30...0x3a).contains(byte) || (0x61...0x66).contains(byte)
  }

  private static func isSchemeCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x61...0x7a, 0x30...0x39, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"): true
    default: false
    }
  }

  /// RFC 3986 2.2 and 2.3 and the percent sign, without what a header or a policy could be broken with.
  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x21, 0x23...0x29, 0x2b...0x3b, 0x3d, 0x3f...0x5b, 0x5d, 0x5f, 0x61...0x7a, 0x7e: true
    default: false
    }
  }
}

/// Why an address cannot be registered.
package struct RedirectURIError: DiagnosableError, Equatable {
  package let message: String
  package var remedy: String {
    "Give the whole address, for example https://app.example/signed-in or http://localhost."
  }
  package var identifier: String { "webIdentity.redirectURI" }

  init(_ text: String, _ reason: String) {
    message = "\(FormParameters.quoted(text)) cannot be an address for answers: \(reason)."
  }
}
