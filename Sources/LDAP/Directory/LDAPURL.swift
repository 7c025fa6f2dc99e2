// SPDX-License-Identifier: Apache-2.0

import Wire

/// RFC 4516 2, for the scheme `ldap`:
///
///     ldapurl = scheme COLON SLASH SLASH [host [COLON port]]
///               [SLASH dn [QUESTION [attributes] [QUESTION [scope] [QUESTION [filter] [QUESTION extensions]]]]]
///
/// Deviation: a filter may lack its outer parentheses, as in the locations that Active Directory Certificate Services
/// writes into certificates (`?base?objectClass=cRLDistributionPoint`).
package struct LDAPURL: Sendable, Hashable {
  /// Longer ones are refused; RFC 4516 names no limit, and certificates need a few hundred bytes.
  package static let maximumBytes = 8192

  /// In lower case; nil where the URL leaves the server to its reader.
  package var host: String?
  package var port: Int?
  package var dn: String
  /// Empty for all user attributes.
  package var attributes: [String]
  package var scope: SearchRequest.Scope
  package var filter: Filter

  /// - Throws: ``LDAPURLSyntaxError``.
  package init(_ text: String) throws(LDAPURLSyntaxError) {
    func refusal(_ reason: String) -> LDAPURLSyntaxError { LDAPURLSyntaxError(text: text, reason: reason) }
    guard text.utf8.count <= Self.maximumBytes else {
      throw LDAPURLSyntaxError(
        text: String(text.prefix(80)) + "…", reason: "it has more than \(Self.maximumBytes) bytes")
    }
    let scheme = "ldap://"
    guard text.prefix(scheme.count).lowercased() == scheme else { throw refusal("it does not begin with \(scheme)") }
    let rest = text.dropFirst(scheme.count)
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    (host, port) = try Self.authority(rest[..<slash], refusal)
    let parts = rest[slash...].dropFirst().split(separator: "?", maxSplits: 4, omittingEmptySubsequences: false)
    func part(_ index: Int) throws(LDAPURLSyntaxError) -> String {
      guard index < parts.count else { return "" }
      guard let decoded = PercentEncoding.decode(parts[index]) else { throw refusal("a percent-encoding is wrong") }
      return decoded
    }
    dn = try part(0)
    attributes = try part(1).split(separator: ",").map(String.init)
    switch try part(2).lowercased() {
    case "", "base": scope = .base
    case "one": scope = .oneLevel
    case "sub": scope = .subtree
    case let other: throw refusal("'\(other)' is no scope")
    }
    let condition = try part(3)
    do throws(FilterSyntaxError) {
      filter =
        condition.isEmpty
        ? .present("objectClass") : try Filter(condition.hasPrefix("(") ? condition : "(\(condition))")
    } catch {
      throw refusal(error.message)
    }
    // 2.1: a critical extension that is not understood makes the URL unusable.
    if parts.count == 5, parts[4].split(separator: ",").contains(where: { $0.hasPrefix("!") }) {
      throw refusal("it has a critical extension")
    }
  }

  private static func authority(
    _ text: Substring, _ refusal: (String) -> LDAPURLSyntaxError
  ) throws(LDAPURLSyntaxError) -> (String?, Int?) {
    guard !text.isEmpty else { return (nil, nil) }
    // An IPv6 address stands in brackets, so that its colons are no port's (RFC 3986 3.2.2).
    let end = text.hasPrefix("[") ? text.firstIndex(of: "]") : text.startIndex
    guard let end else { throw refusal("its address has no closing bracket") }
    let colon = text[end...].firstIndex(of: ":")
    var port: Int?
    if let colon {
      port = Int(text[text.index(after: colon)...])
      guard let port, (1...65535).contains(port) else { throw refusal("its port is no number up to 65535") }
    }
    guard let host = PercentEncoding.decode(text[..<(colon ?? text.endIndex)])?.lowercased(), !host.isEmpty else {
      throw refusal("its host is malformed")
    }
    return (host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host, port)
  }
}

/// Why a text is no LDAP URL.
package struct LDAPURLSyntaxError: DiagnosableError, Hashable {
  package var text: String
  package var reason: String

  package var identifier: String { "ldap.urlSyntax" }
  package var message: String { "`\(text)` is no usable LDAP URL: \(reason)." }
  package var remedy: String { "Write it as RFC 4516 says: ldap://host/dn?attribute?base?(filter)." }
}
