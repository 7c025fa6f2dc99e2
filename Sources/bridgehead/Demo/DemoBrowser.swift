// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTP
import Kerberos
import Tenant
import WebIdentity
import Wire

/// Somebody who signs in to an application with a browser, and the application: OpenID Connect's authorization code with
/// PKCE, over HTTPS, as any other client does it. Each attempt is another browser, without cookies; tickets are there when they
/// are given.
struct DemoBrowser {
  /// Where the application gets its answer; nothing listens there, the code is taken from the redirect.
  static let redirect = "http://localhost/signed-in"

  let http: HTTPClient
  /// The provider: `https://tenant.corp.example/corp.tenant.example`.
  let issuer: HTTPURL
  /// The application's client identifier.
  let application: String

  enum Outcome: Equatable {
    /// By an ID token whose signature was verified; with its authentication methods (RFC 8176).
    case signedIn(name: String, by: [String])
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
    var amr: [String]
    var name: String

    private enum CodingKeys: String, CodingKey {
      case iss, aud, nonce, amr
      case name = "preferred_username"
    }
  }

  /// What the application keeps of one sign-in until the answer comes.
  private struct Attempt {
    let verifier = DemoBrowser.random(48)
    let state = DemoBrowser.random(16)
    let nonce = DemoBrowser.random(16)
  }

  func signIn(_ name: String, _ password: String) async throws -> Outcome {
    let attempt = Attempt()
    let page = try await authorize(attempt)
    guard page.status == 200, let form = Form(page) else { throw Self.unexpected("the sign-in page", page) }
    let answer = try await submit(form, [("username", name), ("password", password)])
    return answer.status == 403 ? .refused : try await finish(answer, attempt)
  }

  /// At the tenant's own page.
  ///
  /// - Throws: ``DemoError`` unless the page says that the password was changed.
  func changePassword(of name: String, from old: String, to new: String) async throws {
    let page = try await http.send(HTTPRequest("GET", try place("/password")))
    guard page.status == 200, let form = Form(page) else { throw Self.unexpected("the page for new passwords", page) }
    let answer = try await submit(
      form, [("username", name), ("password", old), ("new_password", new), ("repeated_password", new)])
    let text = String(decoding: answer.body, as: UTF8.self)
    if let refusal = text.firstMatch(of: #/role="alert"[^~]*?<p>(?:<a [^>]*>)?([^<]*)</#) {
      throw DemoError(message: "The tenant did not change the password of \(name): \(refusal.1)")
    }
    guard answer.status == 200, text.contains("<h1>Your password was changed</h1>") else {
      throw Self.unexpected("the change of a password", answer)
    }
  }

  /// Without a password (RFC 4559): to the tenant's ticket host, and back.
  ///
  /// - Parameter domain: the verified domain by which the application says that its people have tickets.
  func signIn(ticketsOf kerberos: KerberosProvider, domain: String) async throws -> Outcome {
    let attempt = Attempt()
    let detour = try await authorize(attempt, [("domain_hint", domain)])
    let host = try Self.place(to: detour, "the way to the ticket host")
    guard host.scheme == .https, host.endpoint == Endpoint(host: "autologon." + issuer.host, port: issuer.port) else {
      throw Self.unexpected("the way to the ticket host", detour)
    }
    let question = try await http.send(HTTPRequest("GET", host))
    guard question.status == 401, question.fields["WWW-Authenticate"] == "Negotiate" else {
      throw Self.unexpected("the question for a ticket", question)
    }
    let context = try await kerberos.initiate(
      ServicePrincipal(service: "HTTP", host: host.host), SecurityParameters(mechanism: .spnego, protection: .none))
    guard case .send(let token) = try context.step(nil) else {
      throw DemoError(message: "No token was made of the ticket for \(host.host).")
    }
    var request = HTTPRequest("GET", host)
    request.fields["Authorization"] = "Negotiate \(Data(token).base64EncodedString())"
    let accepted = try await http.send(request)
    let back = try Self.place(to: accepted, "the ticket host")
    guard back.scheme == .https, back.endpoint == issuer.endpoint else {
      throw Self.unexpected("the way back", accepted)
    }
    if back.target.hasSuffix("autologon=no") { return .refused }
    // The tenant proves that it has the service's key.
    guard let proof = accepted.fields["WWW-Authenticate"], proof.hasPrefix("Negotiate "),
      let token = Data(base64Encoded: String(proof.dropFirst(10))), try context.step(Array(token)) == .complete
    else { throw Self.unexpected("the ticket host's proof", accepted) }
    // Cookies are for the host that set them.
    var last = HTTPRequest("GET", back)
    last.fields["Cookie"] = Self.cookies(of: detour)
    return try await finish(try await http.send(last), attempt)
  }

  // MARK: - The application

  private func authorize(_ attempt: Attempt, _ more: [(String, String)] = []) async throws -> HTTPResponse {
    let query = FormParameters.encode(
      [
        ("client_id", application), ("redirect_uri", Self.redirect), ("response_type", "code"),
        ("scope", "openid profile"), ("state", attempt.state), ("nonce", attempt.nonce),
        ("code_challenge", ProofKey(verifier: attempt.verifier).challenge), ("code_challenge_method", ProofKey.method),
      ] + more)
    return try await http.send(HTTPRequest("GET", try place("/oauth2/v2.0/authorize?" + query)))
  }

  private func submit(_ form: Form, _ values: [(name: String, value: String)]) async throws -> HTTPResponse {
    var request = HTTPRequest(
      "POST", try issuer.with(target: form.action), body: Array(FormParameters.encode(form.hidden + values).utf8))
    request.fields["Content-Type"] = Self.formType
    request.fields["Cookie"] = form.cookies
    request.fields["Origin"] = "\(issuer.scheme.rawValue)://\(issuer.authority)"
    return try await http.send(request)
  }

  private func finish(_ answer: HTTPResponse, _ attempt: Attempt) async throws -> Outcome {
    guard answer.status == 303, let location = answer.fields["Location"], location.hasPrefix(Self.redirect + "?") else {
      throw Self.unexpected("the sign-in", answer)
    }
    let result = try FormParameters(location.dropFirst(Self.redirect.count + 1))
    guard result["state"] == attempt.state, let code = result["code"] else {
      throw Self.unexpected("the redirect", answer)
    }
    let claims = try await redeem(code, attempt)
    return .signedIn(name: claims.name, by: claims.amr)
  }

  private func redeem(_ code: String, _ attempt: Attempt) async throws -> Claims {
    var request = HTTPRequest(
      "POST", try place("/oauth2/v2.0/token"),
      body: Array(
        FormParameters.encode([
          ("grant_type", "authorization_code"), ("client_id", application), ("code", code),
          ("redirect_uri", Self.redirect), ("code_verifier", attempt.verifier),
        ]).utf8))
    request.fields["Content-Type"] = Self.formType
    let answer = try await http.send(request)
    guard answer.status == 200, let tokens = try? JSONDecoder().decode(Tokens.self, from: Data(answer.body)) else {
      throw Self.unexpected("the token endpoint", answer)
    }
    let keys = try await http.send(HTTPRequest("GET", try place("/discovery/v2.0/keys")))
    guard let set = try? JSONDecoder().decode(JSONWebKeySet.self, from: Data(keys.body)),
      let claims = SignedToken(tokens.identity)?.verify(by: set.keys, type: .identity, as: Claims.self),
      "\(issuer)" == claims.iss, claims.aud == application, claims.nonce == attempt.nonce
    else { throw DemoError(message: "The tenant's ID token is not signed by its keys, or not for this sign-in.") }
    return claims
  }

  private static func place(to answer: HTTPResponse, _ what: String) throws -> HTTPURL {
    guard answer.status == 303, let location = answer.fields["Location"] else { throw unexpected(what, answer) }
    return try HTTPURL(location)
  }

  private static func cookies(of answer: HTTPResponse) -> String {
    answer.fields.all("Set-Cookie").compactMap { $0.split(separator: ";").first.map(String.init) }
      .joined(separator: "; ")
  }

  private func place(_ path: String) throws -> HTTPURL { try issuer.with(target: issuer.target + path) }

  private static let formType = "application/x-www-form-urlencoded"

  private static func random(_ count: Int) -> String { Base64URL.encode(SystemRandom.bytes(count)) }

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
      cookies = DemoBrowser.cookies(of: page)
    }

    private static func decoded(_ text: Substring) -> String {
      [("&quot;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")].reduce(String(text)) {
        $0.replacing($1.0, with: $1.1)
      }
    }
  }
}
