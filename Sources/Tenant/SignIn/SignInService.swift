// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import Logging
import SCIM
import Store
import Wire
import WebIdentity

/// Where people and applications sign in: the OpenID Connect provider and its pages. One pipeline owns the steps that keep it
/// safe; an endpoint fills in only what is its own.
struct SignInService: Sendable {
  let directory: TenantDirectory
  let logger: Logger
  let guardian: SignInGuard
  let keyring: SigningKeyring
  let verifier: PasswordVerifier
  let tickets: TicketAcceptance
  let desk: WritebackDesk
  private let limiter: RateLimiter

  /// Clients that have a name only ask for its realm below this, not below a tenant.
  private static let anyTenant = "common"
  /// Bytes of a form: a posted authorization request with a long state and nonce has 8 KiB.
  private static let formBytes = 64 << 10
  /// Requests a second of one source for long, and at once: an office behind one address.
  private static let sourceRate = 50.0
  private static let sourceBurst = 200.0

  init(directory: TenantDirectory, logger: Logger, tickets: TicketSettings = TicketSettings()) {
    self.directory = directory
    self.logger = logger
    guardian = SignInGuard(key: directory.environment.sealingKey)
    keyring = SigningKeyring(directory: directory)
    verifier = PasswordVerifier(directory: directory)
    self.tickets = TicketAcceptance(directory: directory, settings: tickets)
    desk = WritebackDesk(directory: directory)
    limiter = RateLimiter(rate: Self.sourceRate, burst: Self.sourceBurst)
  }

  /// The path below the tenant's own, or nil when the request is for another service.
  func path(of target: String) -> Substring? {
    let path = target.prefix { $0 != "?" }
    guard path.hasPrefix("/") else { return nil }
    let name = path.dropFirst().prefix { $0 != "/" }
    let rest = path.dropFirst(1 + name.count)
    guard
      name.lowercased() == directory.initialDomain
        || (name == Self.anyTenant && rest.hasPrefix(SignInPlace.userRealm.rawValue + "/"))
    else { return nil }
    return rest.hasSuffix("/") ? rest.dropLast() : rest
  }

  /// Never throws: whatever goes wrong becomes an answer. The template is for logs and metrics.
  func answer(_ request: TenantRequest, path: Substring, base: String, id: String) async -> (
    TenantAnswer, template: String
  ) {
    let found = SignInPlace.find(path)
    let place = found?.place
    let origin = Self.origin(of: base)
    let pages = SignInPages(site: directory.initialDomain, root: "/\(directory.initialDomain)")
    var answer: TenantAnswer
    do {
      answer = try await process(request, found, origin, id)
    } catch let error as SignInRefusal {
      answer = Self.answer(error, pages)
    } catch let error as OAuthError {
      answer = place?.kind == .machine ? Self.answer(.client(error), pages) : pages.badRequest(error)
    } catch let error as SCIMError {
      answer = Self.answer(.other(status: error.status, headers: []), pages)
    } catch {
      logger.error("sign-in request failed", metadata: ["request": "\(id)", "error": "\(error)"])
      let status = (error as? StoreError).map { [.locked, .diskFull].contains($0.code) ? 503 : 500 } ?? 500
      let failure = OAuthError(
        status == 503 ? .temporarilyUnavailable : .serverError, "The request failed. Request \(id).")
      answer =
        place?.kind == .machine
        ? Self.answer(.client(failure), pages)
        : pages.failure(
          status: status, "Something went wrong", "Try again later. For the administrator: request \(id).")
    }
    return (SecurityHeaders.add(to: answer), "/{tenant}\(place?.rawValue ?? "")")
  }

  private func process(
    _ request: TenantRequest, _ found: (place: SignInPlace, target: String?)?, _ origin: String, _ id: String
  ) async throws -> TenantAnswer {
    // 1. The target's size.
    guard request.target.utf8.count <= directory.limits.targetBytes else {
      throw SignInRefusal.other(status: 414, headers: [])
    }
    // 2. For what, and how.
    guard let (place, target) = found, place.isServed(atTicketHost: Self.isTicketHost(request.authority, origin)) else {
      throw SignInRefusal.page(status: 404, title: "Page not found", text: "Check the address, or start again.")
    }
    guard place.methods.contains(request.method) else {
      throw SignInRefusal.other(status: 405, headers: [("allow", place.methods.joined(separator: ", "))])
    }
    // 3. How often.
    let now = directory.environment.now()
    let source = ClientSource.of(request.source)
    if let seconds = limiter.refusal(for: source, at: now) {
      throw SignInRefusal.other(status: 429, headers: [("retry-after", String(seconds))])
    }
    // 4. The parameters, within their limits, and 5. who made the form that they come from.
    let call = try await call(of: request, to: place, target, origin: origin, source: source, at: now, id)
    // 6. The work. Endpoints that take a client begin with ``client(of:allowing:)``.
    return try await work(call)
  }

  /// Steps 4 and 5 of the pipeline.
  func call(
    of request: TenantRequest, to place: SignInPlace, _ target: String?, origin: String, source: String, at now: Date,
    _ id: String
  ) async throws -> SignInCall {
    let queryText = request.target.firstIndex(of: "?").map { String(request.target[$0...].dropFirst()) } ?? ""
    let body = try await body(of: request, place)
    let formText = place.takesXML ? "" : try Self.text(body)
    let (query, sent) = (try FormParameters(queryText), try FormParameters(formText))
    let cookies = request.headers["cookie"]
    // A form that acts for a person comes from this site, and was made for this browser.
    if place.kind == .form, request.method == "POST" { try Self.requireSameOrigin(request, origin) }
    let isGenuine = formToken(at: now).isValid(
      sent[FormToken.field], cookie: SignInCookie.form.value(in: cookies), place: place.rawValue)
    return SignInCall(
      place: place, target: target, method: request.method, queryText: queryText, query: query,
      form: place.kind == .form && !isGenuine ? FormParameters() : sent, sent: sent, isGenuine: isGenuine,
      formText: formText, body: body, authorization: request.headers["authorization"], cookies: cookies,
      source: source, agent: request.headers["user-agent"] ?? "", origin: origin,
      issuer: "\(origin)/\(directory.initialDomain)", now: now, request: id)
  }

  private func work(_ call: SignInCall) async throws -> TenantAnswer {
    switch call.place {
    case .metadata, .metadataV2: try metadata(call)
    case .keys: try await keys()
    case .authorize: try await authorize(call)
    case .signInToAuthorize: try await signIn(call, to: .authorize)
    case .signInToDevice: try await signIn(call, to: .device)
    case .password: try await changePassword(call)
    case .passwordToAuthorize: try await changePassword(call, to: .authorize)
    case .passwordToDevice: try await changePassword(call, to: .device)
    case .passwordReset: try await resetPassword(call)
    case .passwordOutcome: try await passwordOutcome(call)
    case .token: try await token(call)
    case .deviceAuthorization: try await authorizeDevice(call)
    case .device: try await device(call)
    case .revocation: try await revoke(call)
    case .userInfo: try await userInfo(call)
    case .endSession: try await endSession(call)
    case .autologon: try await autologon(call)
    case .windowsTransport, .windowsTransport2005: try await windowsTransport(call)
    case .metadataExchange: metadataExchange(call)
    case .userRealm: try await userRealm(call)
    case .redeemTicket: try await redeemTicket(call)
    case .styleSheet: SignInPages.styleSheet
    case .script: SignInPages.script
    }
  }

  private func body(of request: TenantRequest, _ place: SignInPlace) async throws -> [UInt8] {
    guard request.method == "POST" else { return [] }
    let type = request.headers["content-type"]?.prefix { $0 != ";" && $0 != " " }.lowercased()
    let bytes = try await request.body(Self.formBytes)
    guard type == place.mediaType || bytes.isEmpty else { throw SignInRefusal.other(status: 415, headers: []) }
    return bytes
  }

  private static func text(_ bytes: [UInt8]) throws -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw OAuthError(.invalidRequest, "The body is not UTF-8.")
    }
    return text
  }

  /// Browsers say where a form comes from (Fetch 3.2, Fetch Metadata 2.3). Clients that say nothing have no cookies of others.
  private static func requireSameOrigin(_ request: TenantRequest, _ origin: String) throws {
    let isForeign =
      request.headers["origin"].map { $0 != origin } ?? false
      || request.headers["sec-fetch-site"].map { $0 != "same-origin" } ?? false
    guard !isForeign else {
      throw SignInRefusal.page(
        status: 403, title: "This form came from another site", text: "Go back to the application and start again.")
    }
  }

  /// The client of a request, when it may do this. Endpoints that take a client begin with it.
  func client(of call: SignInCall, allowing grant: Application.Grant? = nil) async throws -> Application {
    let claim = try ClientAuthentication(authorization: call.authorization, call.form)
    let application: Application
    do {
      if let assertion = claim.assertion {
        application = try await directory.authenticate(assertion, audiences: [call.issuer, call.url(.token)])
      } else {
        application = try await directory.authenticate(claim)
      }
    } catch let error as OAuthError {
      throw SignInRefusal.client(
        error, challenge: claim.usedHeader ? "Basic realm=\"\(directory.initialDomain)\"" : nil)
    }
    guard grant.map(application.grants.contains) ?? true else {
      throw OAuthError(.unauthorizedClient, "The application is not registered for this grant type.")
    }
    return application
  }

  func formToken(at now: Date) -> FormToken {
    FormToken(key: directory.environment.sealingKey.authenticationKey(for: .formToken), now: now)
  }

  /// The cookie that the next form of this browser needs, and what makes the form's token.
  func formToken(_ call: SignInCall) -> (cookie: String, token: FormToken) {
    let sent = SignInCookie.form.value(in: call.cookies)
    return (FormToken.cookie(sent, random: directory.environment.random), formToken(at: call.now))
  }

  func session(_ call: SignInCall) async throws -> Session? {
    guard let secret = SignInCookie.session.value(in: call.cookies) else { return nil }
    return try await directory.session(secret: secret)
  }

  private static func answer(_ refusal: SignInRefusal, _ pages: SignInPages) -> TenantAnswer {
    switch refusal {
    case .client(let error, let challenge):
      var answer = TenantAnswer.json(OAuthErrorResponse(error), status: error.status)
      if let challenge { answer = answer.with("www-authenticate", challenge) }
      return answer
    case .page(let status, let title, let text): return pages.failure(status: status, title, text)
    case .other(let status, let headers):
      var answer = pages.failure(status: status, "The request was refused", "Go back and start again. (\(status))")
      answer.headers += headers
      return answer
    }
  }

  /// Scheme, host and port of the base URI.
  static func origin(of base: String) -> String {
    base.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3).joined(separator: "/")
  }
}

extension TenantAnswer {
  /// A JSON document made of a value of the protocol.
  static func json(_ value: some Encodable, status: Int = 200) -> TenantAnswer {
    // What is encoded here has only texts, numbers and lists of them, which always can be.
    guard let data = try? StableJSON.encode(value) else { return TenantAnswer(status: 500) }
    var answer = TenantAnswer(status: status)
    answer.headers = [("content-type", "application/json")]
    answer.body = Array(data)
    return answer
  }
}
