// SPDX-License-Identifier: Apache-2.0

import Wire

/// A request as far as `ports watch` looks at it. There are no bodies: nothing can be changed from here.
struct WatchRequest: Sendable {
  var method: String
  /// Path and query as they were sent.
  var target: String
  /// The Host header, or HTTP/2's authority.
  var host: String?

  /// Bytes of path and query.
  static let maximumTarget = 2_048
  /// More parameters than any page takes.
  private static let maximumParameters = 8

  /// The path, and the parameters by name, percent-decoded; nil for what is not encoded correctly.
  var parsed: (path: String, parameters: [String: String])? {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, first.hasPrefix("/"), let path = Self.decode(first) else { return nil }
    var parameters: [String: String] = [:]
    for pair in parts.count == 2 ? parts[1].split(separator: "&") : [] {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parameters.count < Self.maximumParameters, let name = sides.first.flatMap(Self.decode),
        let value = sides.count == 2 ? Self.decode(sides[1]) : "", parameters.updateValue(value, forKey: name) == nil
      else { return nil }
    }
    return (path, parameters)
  }

  private static func decode(_ text: Substring) -> String? { PercentEncoding.decode(text, plusIsSpace: true) }
}

/// An answer, whole.
struct WatchAnswer: Sendable {
  var status = 200
  var headers: [(name: String, value: String)] = []
  var body: String

  static func text(_ status: Int, _ body: String, headers: [(name: String, value: String)] = []) -> WatchAnswer {
    WatchAnswer(
      status: status, headers: [("Content-Type", "text/plain; charset=utf-8")] + headers, body: body + "\n")
  }
}
