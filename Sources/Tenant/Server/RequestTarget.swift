// SPDX-License-Identifier: Apache-2.0

import SCIM
import Wire

/// A request target taken apart: path segments and query parameters, percent-decoded (RFC 3986 2.1).
struct RequestTarget {
  let segments: [String]
  let query: [(name: String, value: String)]

  /// The most parameters of a query; SCIM defines seven.
  static let maximumParameters = 32

  /// - Throws: `SCIMError` 400 for what is not encoded correctly or not UTF-8, and for a parameter given twice.
  init(_ target: String) throws(SCIMError) {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var path = parts.first ?? ""
    guard path.hasPrefix("/") else { throw .invalidSyntax("The request target must be a path.") }
    path.removeFirst()
    if path.hasSuffix("/") { path.removeLast() }
    segments = try path.split(separator: "/", omittingEmptySubsequences: false).map { segment throws(SCIMError) in
      try Self.decode(segment)
    }
    var query: [(name: String, value: String)] = []
    for parameter in parts.count == 2 ? parts[1].split(separator: "&") : [] {
      let pair = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = try Self.decode(pair[0], plusIsSpace: true).lowercased()
      let value = pair.count == 2 ? try Self.decode(pair[1], plusIsSpace: true) : ""
      guard !query.contains(where: { $0.name == name }), query.count < Self.maximumParameters else {
        throw .invalidValue("The parameter \(name.prefix(64)) is given twice, or there are too many parameters.")
      }
      query.append((name, value))
    }
    self.query = query
  }

  private static func decode(_ text: Substring, plusIsSpace: Bool = false) throws(SCIMError) -> String {
    guard let decoded = PercentEncoding.decode(text, plusIsSpace: plusIsSpace) else {
      throw .invalidSyntax("The request target has an incomplete percent-encoding, or is not UTF-8.")
    }
    return decoded
  }
}
