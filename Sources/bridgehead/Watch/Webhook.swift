// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTP
import NIOCore
import Readiness
import Wire

/// Posts changes to somebody else's service.
struct Webhook: Sendable {
  private let url: HTTPURL
  private let token: String?
  private let http: HTTPClient

  /// Bytes of an answer that are read; nobody looks at them.
  private static let maximumAnswer = 64 << 10

  /// - Parameter tokenFile: a private file with a bearer token.
  init(_ url: String, tokenFile: String?, http: HTTPClient) throws {
    let parsed = try HTTPURL(url)
    guard parsed.scheme == .https || ["127.0.0.1", "::1", "localhost"].contains(parsed.host) else {
      throw WatchError(
        .webhook, "The webhook \(parsed.authority) would get findings in clear.",
        remedy: "Name an https URL; http is for this machine only.")
    }
    self.url = parsed
    self.token = try tokenFile.map { try SecretFile.read($0).withBytes { String(decoding: $0, as: UTF8.self) } }
    self.http = http
  }

  func post(_ body: String) async throws {
    var fields: HTTPFields = ["Content-Type": "application/json"]
    if let token { fields["Authorization"] = "Bearer \(token.trimmed)" }
    var request = HTTPRequest("POST", url, fields: fields, body: Array(body.utf8))
    request.maximumResponseBytes = Self.maximumAnswer
    request.deadline = .seconds(30)
    let response = try await http.send(request)
    guard (200..<300).contains(response.status) else {
      throw WatchError(
        .webhook, "The webhook answered \(response.status).", remedy: "See its own log; the change is told again later."
      )
    }
  }
}

extension String {
  fileprivate var trimmed: String {
    String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
  }
}
