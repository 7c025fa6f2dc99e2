// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Logging
import WebIdentity
import WebPages

/// The authorization endpoint (OpenID Connect Core 3.1.2) and the sign-in page in front of it.
extension SignInService {
  /// An authorization request whose client and address are genuine.
  struct Asked {
    let application: Application
    let redirect: RedirectURI
    let parameters: FormParameters
    /// The parameters as text, for the form that continues with them.
    let text: String
  }

  func authorize(_ call: SignInCall) async throws -> TenantAnswer {
    let isPosted = call.method == "POST"
    let asked = try await asked(isPosted ? call.form : call.query, isPosted ? call.formText : call.queryText)
    return try await answering(asked, call) { request in
      if let session = try await session(call), accepts(session, request, at: call.now) {
        return try await allow(asked, request, session, call)
      }
      guard !request.prompts.contains(.none) else {
        throw OAuthError(.loginRequired, "Nobody has signed in, or not as lately as was asked.")
      }
      if let detour = try await ticketDetour(asked, request, call) { return detour }
      let page = signInPage(
        call, asked, name: request.loginHint ?? "", links: try await links(call, (asked, request)))
      return hasTicketFailed(asked) ? page.with(cookie: SignInCookie.tickets.clear) : page
    }
  }

  /// The form of the sign-in page.
  ///
  /// - Parameter place: where the person was on the way to: ``SignInPlace/authorize`` or ``SignInPlace/device``.
  func signIn(_ call: SignInCall, to place: SignInPlace) async throws -> TenantAnswer {
    guard place == .authorize else {
      let links = try await links(call)
      return try await authenticate(
        call, page: { name, error in deviceSignInPage(call, name: name, links: links, error: error) },
        change: { name in try await forcedChange(call, at: .passwordToDevice, name: name, formTargets: []) },
        then: { _ in toDevice(call) })
    }
    // The query came back from the browser: it is as little to be trusted as the first time.
    let asked = try await asked(call.query, call.queryText)
    return try await answering(asked, call) { request in
      let links = try await links(call, (asked, request))
      return try await authenticate(
        call, page: { name, error in signInPage(call, asked, name: name, links: links, error: error) },
        change: { name in
          try await forcedChange(call, at: .passwordToAuthorize, name: name, formTargets: [asked.redirect.origin])
        },
        then: { session in try await allow(asked, request, session, call) })
    }
  }

  /// The form of a change of password that stands between a person and where they were on the way to.
  func changePassword(_ call: SignInCall, to place: SignInPlace) async throws -> TenantAnswer {
    guard place == .authorize else { return try await change(call) { _, _ in toDevice(call) } }
    let asked = try await asked(call.query, call.queryText)
    return try await answering(asked, call) { request in
      try await change(call, formTargets: [asked.redirect.origin]) { session, _ in
        try await allow(asked, request, session, call)
      }
    }
  }

  private func toDevice(_ call: SignInCall) -> TenantAnswer {
    .redirect(to: call.path(.device) + (call.queryText.isEmpty ? "" : "?" + call.queryText))
  }

  /// Name and password. Whatever is wrong with them, the page and the time that it takes are the same.
  private func authenticate(
    _ call: SignInCall, page: (String, ErrorSummary) -> TenantAnswer, change: (String) async throws -> TenantAnswer,
    then: (Session) async throws -> TenantAnswer
  ) async throws -> TenantAnswer {
    let name = call.sent[SignInPages.nameField].map { String($0.prefix(256)) } ?? ""
    guard call.isGenuine else { return page(name, SignInPages.stale) }
    let isAdmitted = guardian.admit(name, from: call.source, at: call.now)
    let user = try await verifier.verify(
      name: name, password: call.form[SignInPages.passwordField] ?? "", isRefused: !isAdmitted)
    guard let user else {
      logger.notice(
        "sign-in failed",
        metadata: ["request": "\(call.request)", "source": "\(call.source)", "paused": "\(!isAdmitted)"])
      return page(name, SignInPages.wrong)
    }
    guardian.succeed(name, from: call.source)
    guard !user.mustChange(at: call.now) else { return try await change(name) }
    let opened = try await directory.openSession(user, source: call.source, agent: call.agent)
    return try await then(opened.session).with(cookie: SignInCookie.session.set(opened.secret))
  }

  // MARK: The steps

  /// Before the client and its address are known to be genuine, nothing is sent there (RFC 6749 4.1.2.1).
  func asked(_ parameters: FormParameters, _ text: String) async throws -> Asked {
    guard let application = try await directory.application(try parameters.require("client_id")),
      application.grants.contains(.authorizationCode)
    else { throw OAuthError(.unauthorizedClient, "The client is unknown, or may not use the authorization endpoint.") }
    let given = try? RedirectURI(try parameters.require("redirect_uri"))
    guard let redirect = given, application.redirects.contains(where: { $0.covers(redirect) }) else {
      throw OAuthError(.invalidRequest, "The redirect_uri is not registered for this client.")
    }
    return Asked(application: application, redirect: redirect, parameters: parameters, text: text)
  }

  /// From here on, the client learns what is wrong.
  func answering(
    _ asked: Asked, _ call: SignInCall, _ body: (AuthorizationRequest) async throws -> TenantAnswer
  ) async throws -> TenantAnswer {
    do {
      let request = try AuthorizationRequest(
        asked.parameters, needsProofKey: asked.application.kind == .publicClient)
      _ = try await scopes(request.scopes, for: asked.application)
      return try await body(request)
    } catch let error as OAuthError {
      return deliver(
        [("error", error.code.rawValue), ("error_description", error.message)], asked, call)
    }
  }

  private func accepts(_ session: Session, _ request: AuthorizationRequest, at now: Date) -> Bool {
    guard request.prompts.isDisjoint(with: [.login, .selectAccount]) else { return false }
    return request.maximumAge.map { now.timeIntervalSince(session.created) <= Double($0) } ?? true
  }

  func allow(
    _ asked: Asked, _ request: AuthorizationRequest, _ session: Session, _ call: SignInCall
  ) async throws -> TenantAnswer {
    let grant = TokenGrant(
      application: asked.application, session: session,
      scopes: try await scopes(request.scopes, for: asked.application), nonce: request.nonce, at: call.now,
      random: directory.environment.random)
    let code = try await directory.makeCode(grant, redirect: asked.redirect, proofKey: request.proofKey)
    return deliver([("code", code)], asked, call)
  }

  private func deliver(_ result: [(name: String, value: String)], _ asked: Asked, _ call: SignInCall) -> TenantAnswer {
    var parameters = result
    if let state = asked.parameters["state"] { parameters.append(("state", state)) }
    // RFC 9207: a client of several providers can tell whose answer this is.
    parameters.append(("iss", call.issuer))
    switch try? AuthorizationRequest.responseMode(asked.parameters) {
    case .formPost: return pages(call).formPost(parameters, to: asked.redirect)
    case .query, nil: return .redirect(to: asked.redirect.adding(parameters))
    }
  }

  /// What the page offers beside its form.
  ///
  /// - Parameter request: the one that waits; nil where tickets are no way in.
  func links(
    _ call: SignInCall, _ request: (asked: Asked, parsed: AuthorizationRequest)? = nil
  ) async throws -> SignInPages.Links {
    var links = SignInPages.Links()
    if let request { links.tickets = try await ticketLink(request.asked, request.parsed, call) }
    if try await desk.isOpen() { links.password = call.path(.password) }
    return links
  }

  private func signInPage(
    _ call: SignInCall, _ asked: Asked, name: String, links: SignInPages.Links, error: ErrorSummary? = nil
  ) -> TenantAnswer {
    pages(call).signIn(
      form(call, to: .signInToAuthorize, query: asked.text), application: asked.application.name, name: name,
      links: links, error: error, formTargets: [asked.redirect.origin])
  }

  func deviceSignInPage(
    _ call: SignInCall, name: String = "", links: SignInPages.Links, error: ErrorSummary? = nil
  ) -> TenantAnswer {
    pages(call).signIn(
      form(call, to: .signInToDevice, query: call.queryText), application: nil, name: name, links: links, error: error)
  }

  func pages(_ call: SignInCall) -> SignInPages {
    SignInPages(site: directory.initialDomain, root: String(call.issuer.dropFirst(call.origin.count)))
  }

  func form(_ call: SignInCall, to place: SignInPlace, query: String = "") -> SignInPages.Form {
    let (cookie, token) = formToken(call)
    return SignInPages.Form(
      action: call.path(place) + (query.isEmpty ? "" : "?" + query),
      token: token.make(cookie: cookie, place: place.rawValue), cookie: cookie)
  }
}
