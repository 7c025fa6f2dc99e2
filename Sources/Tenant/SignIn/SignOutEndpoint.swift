// SPDX-License-Identifier: Apache-2.0

import WebIdentity

/// OpenID Connect RP-Initiated Logout 1.0.
extension SignInService {
  private static let parameters = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"]

  func endSession(_ call: SignInCall) async throws -> TenantAnswer {
    let parameters = call.method == "POST" ? call.form : call.query
    let hint = try await hint(parameters["id_token_hint"], call)
    let target = try await target(parameters, hint)
    // An ID token of a session shows that its application means that session, also where the browser sends no cookie along.
    if let id = hint?.session, let session = try await directory.session(id: id) {
      try await directory.closeSession(session)
    }
    if let session = try await session(call) {
      guard call.isGenuine, call.form["confirm"] == "yes" else {
        let hidden = Self.parameters.compactMap { name in parameters[name].map { (name, $0) } }
        return pages(call).confirmSignOut(
          form(call, to: .endSession), hidden: hidden, user: session.userName,
          formTargets: target.map { [$0.origin] } ?? [])
      }
      try await directory.closeSession(session)
    }
    let state = parameters["state"].map { [("state", $0)] } ?? []
    let answer =
      target.map { TenantAnswer.redirect(to: state.isEmpty ? $0.text : $0.adding(state)) } ?? pages(call).signedOut()
    // Whoever signs out may want to be somebody else: the next page asks, and does not take the ticket unasked.
    return answer.with(cookie: SignInCookie.session.clear).with(cookie: SignInCookie.tickets.clear)
  }

  /// The claims of an ID token that this tenant issued, also one that has expired.
  private func hint(_ text: String?, _ call: SignInCall) async throws -> IdentityClaims? {
    guard let text else { return nil }
    let claims = SignedToken(text)?.verify(by: try await keyring.published(), type: .identity, as: IdentityClaims.self)
    guard let claims, claims.issuer == call.issuer else {
      throw OAuthError(.invalidRequest, "The id_token_hint was not issued here.")
    }
    return claims
  }

  /// Where to go afterwards: only to an address that the application registered for this.
  private func target(_ parameters: FormParameters, _ hint: IdentityClaims?) async throws -> RedirectURI? {
    let named = parameters["client_id"]
    guard named == nil || hint == nil || named == hint?.audience else {
      throw OAuthError(.invalidRequest, "client_id and id_token_hint name two applications.")
    }
    guard let text = parameters["post_logout_redirect_uri"] else { return nil }
    guard let id = named ?? hint?.audience, let application = try await directory.application(id),
      let target = application.logouts.first(where: { $0.text == text })
    else { throw OAuthError(.invalidRequest, "The post_logout_redirect_uri is not registered for the application.") }
    return target
  }
}
