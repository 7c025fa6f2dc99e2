// SPDX-License-Identifier: Apache-2.0

import Wire

/// `application/x-www-form-urlencoded` (WHATWG URL 5), as a query or a body.
package struct FormParameters: Sendable, Equatable {
  /// OpenID Connect and its clients send about 20.
  package static let maximumCount = 64

  private var values: [String: String] = [:]

  package init() {}

  /// - Throws: ``OAuthError`` `invalidRequest` for text that is not encoded correctly, a parameter that is there twice
  ///   (RFC 6749 3.1), and too many of them.
  package init(_ text: some StringProtocol) throws(OAuthError) {
    for pair in text.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decode(parts[0]), let value = parts.count == 2 ? Self.decode(parts[1]) : "" else {
        throw OAuthError(.invalidRequest, "A parameter is not encoded correctly.")
      }
      guard values[name] == nil else {
        throw OAuthError(.invalidRequest, "The parameter \(Self.quoted(name)) is given twice.")
      }
      guard values.count < Self.maximumCount else {
        throw OAuthError(.invalidRequest, "There are more than \(Self.maximumCount) parameters.")
      }
      values[name] = value
    }
  }

  /// Nil also for the empty text: a parameter without a value is treated as if it were omitted (RFC 6749 3.1).
  package subscript(name: String) -> String? {
    values[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// - Throws: ``OAuthError`` `invalidRequest` when it is missing.
  package func require(_ name: String) throws(OAuthError) -> String {
    guard let value = self[name] else { throw OAuthError(.invalidRequest, "The parameter \(name) is missing.") }
    return value
  }

  /// The list of a parameter whose values are separated by spaces.
  package func list(_ name: String) -> [String] { (self[name] ?? "").split(separator: " ").map(String.init) }

  /// For texts that a client made: printable ASCII only, shortened.
  static func quoted(_ text: String) -> String {
    String(text.unicodeScalars.prefix(64).map { (0x20..<0x7f).contains($0.value) ? Character($0) : "?" })
  }

  /// Nil for what is not encoded correctly or no UTF-8.
  package static func decode(_ text: some StringProtocol) -> String? {
    PercentEncoding.decode(text, plusIsSpace: true)
  }

  /// `name=value` pairs, with everything but the unreserved characters of RFC 3986 2.3 percent-encoded.
  package static func encode(_ pairs: [(name: String, value: String)]) -> String {
    pairs.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }.joined(separator: "&")
  }
}
