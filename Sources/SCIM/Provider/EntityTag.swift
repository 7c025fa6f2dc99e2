// SPDX-License-Identifier: Apache-2.0

/// A resource's version (RFC 7644 3.14). SCIM compares weakly: `W/"5"` and `"5"` are the same.
package struct EntityTag: Sendable, Hashable, CustomStringConvertible {
  package let opaque: String

  package init(_ opaque: String) { self.opaque = opaque }

  /// - Parameter text: as in a header or in `meta.version`.
  package init?(header text: some StringProtocol) {
    var rest = Substring(text)
    if rest.hasPrefix("W/") || rest.hasPrefix("w/") { rest = rest.dropFirst(2) }
    guard rest.utf8.count >= 2, rest.first == "\"", rest.last == "\"" else { return nil }
    rest = rest.dropFirst().dropLast()
    guard !rest.contains("\"") else { return nil }
    opaque = String(rest)
  }

  package var description: String { "W/\"\(opaque)\"" }
}

/// If-Match and If-None-Match (RFC 9110 13.1): under which versions a request may go on.
package struct Preconditions: Sendable, Hashable {
  private enum Tags: Sendable, Hashable {
    case any
    case listed([EntityTag])

    func contains(_ tag: EntityTag) -> Bool {
      switch self {
      case .any: true
      case .listed(let tags): tags.contains(tag)
      }
    }
  }

  private let ifMatch: Tags?
  private let ifNoneMatch: Tags?

  /// - Parameters: the headers' values, nil when absent.
  /// - Throws: 400 `invalidValue` for malformed headers: ignoring one would drop a protection the client asked for.
  package init(ifMatch: String?, ifNoneMatch: String?) throws(SCIMError) {
    self.ifMatch = try Self.parse(ifMatch, "If-Match")
    self.ifNoneMatch = try Self.parse(ifNoneMatch, "If-None-Match")
  }

  private static func parse(_ header: String?, _ name: String) throws(SCIMError) -> Tags? {
    guard let header else { return nil }
    func trimmed(_ text: Substring) -> Substring {
      var text = text.drop { $0 == " " || $0 == "\t" }
      while let last = text.last, last == " " || last == "\t" { text.removeLast() }
      return text
    }
    if trimmed(Substring(header)) == "*" { return .any }
    var tags: [EntityTag] = []
    for part in header.split(separator: ",").map(trimmed) where !part.isEmpty {
      guard let tag = EntityTag(header: part) else { throw .invalidValue("\(name) is not a list of entity tags.") }
      tags.append(tag)
    }
    guard !tags.isEmpty else { throw .invalidValue("\(name) is not a list of entity tags.") }
    return .listed(tags)
  }

  /// For GET: whether to answer 304 without a body.
  package func isNotModified(_ current: EntityTag) -> Bool { ifNoneMatch?.contains(current) ?? false }

  /// For PUT, PATCH and DELETE of a resource at version `current`.
  ///
  /// - Throws: 412.
  package func check(_ current: EntityTag) throws(SCIMError) {
    if let ifMatch, !ifMatch.contains(current) {
      throw .preconditionFailed("The resource is at version \(current), not at the one in If-Match.")
    }
    if let ifNoneMatch, ifNoneMatch.contains(current) {
      throw .preconditionFailed("The resource is at version \(current), which If-None-Match excludes.")
    }
  }
}
