// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import Wire

/// An outbound proxy: CONNECT for https (RFC 9110 9.3.6), the absolute form for plain http (RFC 9112 3.2.2).
package struct HTTPProxy: Sendable {
  package struct Credentials: Sendable {
    package var user: String
    package var password: SecretBytes
    package init(user: String, password: SecretBytes) {
      self.user = user
      self.password = password
    }
  }

  package var endpoint: Endpoint
  /// Basic authentication (RFC 7617); nil sends none.
  package var credentials: Credentials?
  /// Destinations that are reached directly, as in `no_proxy`: `example.com` and `.example.com` match the domain and all
  /// names in it, an address matches itself, a `:port` restricts, `*` matches everything.
  package var exceptions: [String]

  package init(endpoint: Endpoint, credentials: Credentials? = nil, exceptions: [String] = []) {
    self.endpoint = endpoint
    self.credentials = credentials
    self.exceptions = exceptions
  }

  func applies(to destination: Endpoint) -> Bool {
    !exceptions.contains { Self.matches($0, destination) }
  }

  private static func matches(_ exception: String, _ destination: Endpoint) -> Bool {
    var pattern = Substring(exception.lowercased().filter { !$0.isWhitespace })
    if pattern == "*" { return true }
    let host = destination.host.lowercased()
    if pattern.filter({ $0 == ":" }).count == 1 || pattern.hasPrefix("["), let colon = pattern.lastIndex(of: ":"),
      let port = Int(pattern[pattern.index(after: colon)...])
    {
      guard port == destination.port else { return false }
      pattern = pattern[..<colon]
    }
    if pattern.hasPrefix("["), pattern.hasSuffix("]") { pattern = pattern.dropFirst().dropLast() }
    if pattern.hasPrefix("*.") { pattern = pattern.dropFirst() }
    if pattern.hasPrefix(".") { pattern = pattern.dropFirst() }
    guard !pattern.isEmpty else { return false }
    return host == pattern || host.hasSuffix("." + pattern)
  }

  /// RFC 7617 2: `Basic` and the base64 of user, colon, password.
  var authorization: String? {
    guard let credentials else { return nil }
    return credentials.password.withBytes { password in
      "Basic " + Data(Array("\(credentials.user):".utf8) + password).base64EncodedString()
    }
  }
}
