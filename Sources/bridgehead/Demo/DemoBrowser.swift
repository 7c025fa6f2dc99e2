// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTP
import WebIdentity
import Wire

/// Somebody who signs in to an application with a browser, and the application: OpenID Connect's authorization code with
/// PKCE, over HTTPS, as any other client does it. Each attempt is another browser, without cookies.
struct DemoBrowser {
  /// Where the application gets its answer; nothing listens there, the code is taken from the redirect.
  static let redirect = "http://localhost/signed-in"

  let http: HTTPClient
  /// The provider: `https://tenant.corp.example/corp.tenant.example`.
  let issuer: HTTPURL
  /// The application's client identifier.
  let application: String

  enum Outcome: Equatable {
    /// By an ID token whose signature was verified.
    case signedIn(name: String)
    case refused
  }

  private struct Tokens: Decodable {
    var identity: String

    private enum CodingKeys: String, CodingKey { case identity = "id_token" }
  }

  /// What of an ID token has to be right (OpenID Connect Core 3.1.3.7).
  private struct Claims: Decodable {
    var iss: String
    var aud: String
    var nonce: String?
    var name: String

    private enum CodingKeys: String, CodingKey {
      case iss, aud, nonce
      case name = "preferred_username"
    }
  }

  func signIn(_ name: String, _ password: String) async throws -> Outcome {
    let (verifier, state, nonce) = (Self.random(48), Self.random(16), Self.random(16))
    let query = FormParameters.encode([
      ("client_id", application), ("redirect_uri", Self.redirect), ("response_type", "code"),
      ("scope", "openid profile"), ("state", state), ("nonce", nonce),
      ("code_challenge", ProofKey(verifier: verifier).challenge), ("code_challenge_method", ProofKey.method),
    ])
    let page = try await http.send(HTTPRequest("GET", try place("/oauth2/v2.0/authorize?" + query)))
    guard page.status == 200, let form = Form(page) else { throw Self.unexpected("the sign-in page", page) }

    var request = HTTPRequest(
      "POST", try issuer.with(target: form.action),
      body: Array(FormParameters.encode(form.hidden + [("username", name), ("password", password)]).utf8))
    request.fields["Content-Type"] = Self.formType
    request.fields["Cookie"] = form.cookies
    request.fields["Origin"] = "\(issuer.scheme.rawValue)://\(issuer.authority)"
    let answer = try await http.send(request)
    if answer.status == 403 { return .refused }
    guard answer.status == 303, let location = answer.fields["Location"], location.hasPrefix(Self.redirect + "?") else {
      throw Self.unexpected("the sign-in", answer)
    }
    let result = try FormParameters(location.dropFirst(Self.redirect.count + 1))
    guard result["state"] == state, let code = result["code"] else { throw Self.unexpected("the redirect", answer) }
    return .signedIn(name: try await redeem(code, verifier, nonce))
  }

  private func redeem(_ code: String, _ verifier: String, _ nonce: String) async throws -> String {
    var request = HTTPRequest(
      "POST", try place("/oauth2/v2.0/token"),
      body: Array(
        FormParameters.encode([
          ("grant_type", "authorization_code"), ("client_id", application), ("code", code),
          ("redirect_uri", Self.redirect), ("code_verifier", verifier),
        ]).utf8))
    request.fields["Content-Type"] = Self.formType
    let answer = try await http.send(request)
    guard answer.status == 200, let tokens = try? JSONDecoder().decode(Tokens.self, from: Data(answer.body)) else {
      throw Self.unexpected("the token endpoint", answer)
    }
    let keys = try await http.send(HTTPRequest("GET", try place("/discovery/v2.0/keys")))
    guard let set = try? JSONDecoder().decode(JSONWebKeySet.self, from: Data(keys.body)),
      let claims = SignedToken(tokens.identity)?.verify(by: set.keys, type: .identity, as: Claims.self),
      "\(issuer)" == claims.iss, claims.aud == application, claims.nonce == nonce
    else { throw DemoError(message: "The tenant's ID token is not signed by its keys, or not for this sign-in.") }
    return claims.name
  }

  private func place(_ path: String) throws -> HTTPURL { try issuer.with(target: issuer.target + path) }

  private static let formType = "application/x-www-form-urlencoded"

  private static func random(_ count: Int) -> String {
    var generator = SystemRandomNumberGenerator()
    return Base64URL.encode((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
  }

  private static func unexpected(_ what: String, _ answer: HTTPResponse) -> DemoError {
    DemoError(message: "The tenant's answer with status \(answer.status) is not what \(what) should be.")
  }
}

extension DemoBrowser {
  /// The only form of one of the tenant's pages.
  private struct Form {
    var action: String
    var hidden: [(name: String, value: String)] = []
    var cookies: String

    init?(_ page: HTTPResponse) {
      let text = String(decoding: page.body, as: UTF8.self)
      guard let form = text.firstMatch(of: #/<form method="post" action="([^"]*)"/#) else { return nil }
      action = Self.decoded(form.1)
      for input in text.matches(of: #/<input type="hidden" name="([^"]*)" value="([^"]*)"/#) {
        hidden.append((Self.decoded(input.1), Self.decoded(input.2)))
      }
      cookies = page.fields.all("Set-Cookie").compactMap { $0.split(separator: ";").first.map(String.init) }
        .joined(separator: "; ")
    }

    private static func decoded(_ text: Substring) -> String {
      [("&quot;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")].reduce(String(text)) {
        $0.replacing($1.0, with: $1.1)
      }
    }
  }
}
