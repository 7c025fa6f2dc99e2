// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import HTTP
import NIOCore
import WebIdentity
package import Wire

/// The token endpoint of an authorisation server (RFC 6749 3.2), as a client meets it.
package struct TokenEndpoint: Sendable {
  /// `https://login.example/<tenant>`, without a trailing slash: the endpoints are below it, as Entra ID has them.
  package let authority: HTTPURL
  private let http: HTTPClient

  /// An answer has some KiB: a token with many claims, and the names of scopes.
  static let answerBytes = 256 << 10
  static let deadline = TimeAmount.seconds(30)

  package init(authority: HTTPURL, http: HTTPClient) {
    self.authority = authority
    self.http = http
  }

  package struct Issued: Sendable {
    package let access: SecretBytes
    /// Seconds from now.
    package let lifetime: Int
    package let refresh: SecretBytes?
  }

  package var token: String { url("/oauth2/v2.0/token") }
  package var deviceAuthorization: String { url("/oauth2/v2.0/devicecode") }

  private func url(_ path: String) -> String {
    let text = authority.description
    return (text.hasSuffix("/") ? String(text.dropLast()) : text) + path
  }

  private struct Answer: Decodable {
    var access_token: String?
    var expires_in: Int?
    var refresh_token: String?
    var error: String?
    var error_description: String?
  }

  /// - Throws: ``OAuthRefusal`` for what the server refuses, ``SyncAPIError`` `noToken` for all else.
  func issue(_ parameters: [(name: String, value: String)]) async throws -> Issued {
    let answer: Answer = try await post(token, parameters)
    guard let access = answer.access_token, Self.isToken(access) else {
      throw SyncAPIError(.noToken, "\(authority.endpoint) answered without a usable access token.")
    }
    return Issued(
      access: SecretBytes(Array(access.utf8)), lifetime: min(max(answer.expires_in ?? 0, 0), 86_400),
      refresh: answer.refresh_token.map { SecretBytes(Array($0.utf8)) })
  }

  func post<Result: Decodable>(_ url: String, _ parameters: [(name: String, value: String)]) async throws -> Result {
    let response: HTTPResponse
    do throws(HTTPError) {
      var request = HTTPRequest(
        "POST", try HTTPURL(url),
        fields: ["Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"],
        body: Array(FormParameters.encode(parameters).utf8))
      request.deadline = Self.deadline
      request.maximumResponseBytes = Self.answerBytes
      response = try await http.send(request)
    } catch {
      throw SyncAPIError(.noToken, "No token could be asked for: \(error.message)", remedy: error.remedy)
    }
    let decoder = JSONDecoder()
    guard response.status == 200 else {
      let refusal = try? decoder.decode(Answer.self, from: Data(response.body))
      throw OAuthRefusal(
        error: MessageReader.shown(refusal?.error ?? "http_\(response.status)"),
        detail: refusal?.error_description.map(Self.shown), host: authority.host)
    }
    do { return try decoder.decode(Result.self, from: Data(response.body)) } catch {
      throw SyncAPIError(.noToken, "\(authority.endpoint) does not answer like an authorisation server.")
    }
  }

  private static func isToken(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
  }

  private static func shown(_ text: String) -> String {
    String(text.unicodeScalars.prefix(SyncAPILimits.shownText).map { $0.value < 0x20 ? " " : Character($0) })
  }
}

/// What an authorisation server answered instead of a token (RFC 6749 5.2).
package struct OAuthRefusal: DiagnosableError, Hashable {
  package let error: String
  package let detail: String?
  let host: String

  package var identifier: String { "oauth.\(error)" }
  package var message: String { "\(host) issues no token: \(error)\(detail.map { " (\($0))" } ?? "")." }
  package var remedy: String {
    switch error {
    case "invalid_client":
      "Check the application's identifier, and that its certificate is registered and has not expired."
    case "invalid_grant", "expired_token": "Sign in again with 'bridgehead connect sign-in'."
    case "invalid_scope", "invalid_resource": "Check the scope."
    case "unauthorized_client": "Allow the application this way of signing in."
    case "access_denied": "Let somebody with the right allow it."
    default: "See the authorisation server's own log."
    }
  }
}
