// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import WebIdentity

/// The token endpoint (RFC 6749 3.2). The client is known before anything else is looked at; each grant type then only says
/// what it was given, and one place issues.
extension SignInService {
  func token(_ call: SignInCall) async throws -> TenantAnswer {
    let name = try call.form.require("grant_type")
    guard let type = Application.Grant(parameter: name) else {
      throw OAuthError(.unsupportedGrantType, "The grant type is not supported.")
    }
    let application = try await client(of: call, allowing: type)
    let issued: TokenResponse
    switch type {
    case .authorizationCode:
      issued = try await issue(
        try await directory.redeem(
          code: try call.form.require("code"), redirect: call.form["redirect_uri"],
          verifier: call.form["code_verifier"], by: application, actor: call.actor(application)), to: application, call)
    case .refreshToken:
      let scopes = call.form.list("scope")
      issued = try await issue(
        try await directory.redeem(
          refreshToken: try call.form.require("refresh_token"), scopes: scopes.isEmpty ? nil : Set(scopes),
          by: application, actor: call.actor(application)), to: application, call)
    case .deviceCode:
      issued = try await issue(
        try await redeemDevice(call, application), to: application, call)
    case .windowsTransport:
      issued = try await issue(
        try await redeemAssertion(call, application), to: application, call)
    case .clientCredentials:
      issued = try await issueToClient(application, call)
    }
    return .json(issued)
  }

  private func redeemDevice(_ call: SignInCall, _ application: Application) async throws -> Redemption {
    let outcome = try await directory.redeem(
      deviceCode: try call.form.require("device_code"), by: application, actor: call.actor(application))
    switch outcome {
    case .accepted(let grant, let refresh): return .accepted(grant, refreshToken: refresh)
    case .pending: throw OAuthError(.authorizationPending, "The person has not decided yet.")
    case .slowDown: throw OAuthError(.slowDown, "Wait five seconds longer between two requests.")
    case .denied: throw OAuthError(.accessDenied, "The person refused.")
    case .refused: throw OAuthError(.expiredToken, "The device code is not valid any more. Ask for a new one.")
    }
  }

  private func issue(_ redemption: Redemption, to application: Application, _ call: SignInCall) async throws
    -> TokenResponse
  {
    switch redemption {
    case .refused:
      throw OAuthError(.invalidGrant, "The code or token is not valid, was used before, or is another client's.")
    case .scopeExceeded: throw OAuthError(.invalidScope, "More is asked for than was allowed.")
    case .accepted(let grant, let refresh):
      let asked = call.form["grant_type"] == Application.Grant.refreshToken.rawValue ? call.form.list("scope") : []
      return try await issue(grant, scopes: asked.isEmpty ? grant.scopes : asked, refresh, to: application, call)
    }
  }

  private func issue(
    _ grant: TokenGrant, scopes: [String], _ refresh: String?, to application: Application, _ call: SignInCall
  ) async throws -> TokenResponse {
    guard let person = try await directory.person(grant.user, scopes: scopes) else {
      throw OAuthError(.invalidGrant, "The person is not in the directory any more.")
    }
    let key = try await keyring.current()
    let issued = Int(call.now.timeIntervalSince1970)
    let access = try key.sign(
      AccessClaims(
        issuer: call.issuer, subject: person.subject, audience: try RequestedScopes(scopes).resource ?? call.issuer,
        client: application.id, expires: issued + SignInLifetime.accessToken, issued: issued,
        identifier: Identifier.make(directory.environment.random), scope: scopes.joined(separator: " "),
        grant: grant.id), type: .access)
    var response = TokenResponse(
      accessToken: access, expiresIn: SignInLifetime.accessToken, scope: scopes.joined(separator: " "),
      refreshToken: refresh)
    if scopes.contains("openid") {
      response.idToken = try key.sign(
        IdentityClaims(
          issuer: call.issuer, audience: application.id, expires: issued + SignInLifetime.accessToken, issued: issued,
          authenticated: Int(grant.authenticated.timeIntervalSince1970), nonce: grant.nonce, session: grant.session,
          tenant: directory.initialDomain, methods: [grant.method.rawValue], accessToken: access, person: person),
        type: .identity)
    }
    return response
  }

  /// RFC 6749 4.4: the application acts for itself, towards one other application.
  private func issueToClient(_ application: Application, _ call: SignInCall) async throws -> TokenResponse {
    let asked = try await scopes(call.form.list("scope"), for: application)
    guard asked.count == 1, let audience = try RequestedScopes(asked).resource else {
      throw OAuthError(.invalidScope, "The scope must be api://<client id>/.default of one application.")
    }
    let issued = Int(call.now.timeIntervalSince1970)
    let access = try await keyring.current().sign(
      AccessClaims(
        issuer: call.issuer, subject: application.id, audience: audience, client: application.id,
        expires: issued + SignInLifetime.accessToken, issued: issued,
        identifier: Identifier.make(directory.environment.random), scope: asked.joined(separator: " "), grant: nil),
      type: .access)
    return TokenResponse(
      accessToken: access, expiresIn: SignInLifetime.accessToken, scope: asked.joined(separator: " "))
  }
}
