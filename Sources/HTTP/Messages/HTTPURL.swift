// SPDX-License-Identifier: Apache-2.0

package import Wire

/// An absolute `http` or `https` URL (RFC 9110 4.2, RFC 3986), without user information and fragment.
package struct HTTPURL: Hashable, Sendable, CustomStringConvertible {
  package enum Scheme: String, Sendable {
    case http, https
    package var defaultPort: Int { self == .http ? 80 : 443 }
  }

  /// The longest URL that is accepted, in bytes: RFC 9110 4.1 recommends support for 8,000.
  package static let maximumLength = 8_000

  package var scheme: Scheme
  /// Lower case; an IPv6 address stands without brackets.
  package var host: String
  package var port: Int
  /// The origin form (RFC 9112 3.2.1): path and query, percent-encoded, beginning with `/`.
  package var target: String

  /// - Throws: ``HTTPError`` with code `badRequest` that names what is wrong.
  package init(_ text: String) throws(HTTPError) {
    func refuse(_ why: String) -> HTTPError {
      HTTPError(.badRequest, "'\(text.prefix(200))' is no usable URL: \(why).")
    }
    guard text.utf8.count <= Self.maximumLength else { throw refuse("longer than \(Self.maximumLength) bytes") }
    guard let colon = text.firstIndex(of: ":"), let scheme = Scheme(rawValue: text[..<colon].lowercased()),
      text[colon...].hasPrefix("://")
    else { throw refuse("it begins neither with http:// nor with https://") }
    self.scheme = scheme
    var rest = text[text.index(colon, offsetBy: 3)...]
    if let fragment = rest.firstIndex(of: "#") { rest = rest[..<fragment] }
    let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    let authority = rest[..<authorityEnd]
    let path = rest[authorityEnd...]
    target = path.isEmpty ? "/" : path.hasPrefix("?") ? "/" + path : String(path)
    guard !authority.contains("@") else { throw refuse("a user name or password in a URL is not supported") }

    let hostText: Substring
    let portText: Substring?
    if authority.hasPrefix("[") {
      guard let close = authority.firstIndex(of: "]") else { throw refuse("the bracket is not closed") }
      hostText = authority[authority.index(after: authority.startIndex)..<close]
      let after = authority[authority.index(after: close)...]
      guard after.isEmpty || after.hasPrefix(":") else { throw refuse("characters follow the address") }
      portText = after.isEmpty ? nil : after.dropFirst()
      guard hostText.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }), hostText.contains(":") else {
        throw refuse("'\(hostText)' is no IPv6 address")
      }
    } else {
      let parts = authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      hostText = parts.first ?? ""
      portText = parts.count > 1 ? parts[1] : nil
      guard hostText.utf8.allSatisfy({ Self.isNameByte($0) }) else {
        throw refuse("the host contains characters that a host name cannot have; write it in ASCII (punycode)")
      }
    }
    guard !hostText.isEmpty else { throw refuse("it names no host") }
    host = hostText.lowercased()
    if let portText, !portText.isEmpty {
      guard portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(portText),
        (1...65535).contains(number)
      else { throw refuse("'\(portText)' is no port") }
      port = number
    } else {
      port = scheme.defaultPort
    }
    guard target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && !Array("\"<>\\^`{|}".utf8).contains($0) }) else {
      throw refuse("the path contains characters that must be percent-encoded")
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
    default: false
    }
  }

  package var endpoint: Endpoint { Endpoint(host: host, port: port) }

  /// The `Host` field: the port only where it is not the scheme's own.
  package var authority: String {
    let bracketed = host.contains(":") ? "[\(host)]" : host
    return port == scheme.defaultPort ? bracketed : "\(bracketed):\(port)"
  }

  package var description: String { "\(scheme.rawValue)://\(authority)\(target)" }

  /// The URL with another path and query, already percent-encoded.
  package func with(target: String) throws(HTTPError) -> HTTPURL {
    try HTTPURL("\(scheme.rawValue)://\(authority)\(target.hasPrefix("/") ? "" : "/")\(target)")
  }

  /// Resolves a `Location` field that is an absolute URL or an absolute path (RFC 9110 10.2.2).
  func resolving(_ reference: String) throws(HTTPError) -> HTTPURL {
    if reference.hasPrefix("//") { return try HTTPURL("\(scheme.rawValue):\(reference)") }
    if reference.hasPrefix("/") { return try with(target: reference) }
    return try HTTPURL(reference)
  }
}
