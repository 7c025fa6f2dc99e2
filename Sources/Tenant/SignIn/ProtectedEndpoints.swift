// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import WebIdentity

/// What is asked with tokens, and what everybody may ask.
extension SignInService {
  func metadata(_ call: SignInCall) throws -> TenantAnswer {
    .json(ProviderMetadata(issuer: call.issuer) { call.url(SignInPlace($0)) })
  }

  func keys() async throws -> TenantAnswer { .json(JSONWebKeySet(try await keyring.published())) }

  /// UserInfo (OpenID Connect Core 5.3).
  func userInfo(_ call: SignInCall) async throws -> TenantAnswer {
    let realm = "Bearer realm=\"\(directory.initialDomain)\""
    guard let header = call.authorization else {
      throw SignInRefusal.client(OAuthError(.invalidToken, "An access token is required."), challenge: realm)
    }
    let parts = header.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer", let claims = try await accessClaims(parts[1], call),
      claims.audience == call.issuer, let grant = claims.grant, try await directory.isLive(grant: grant)
    else {
      throw SignInRefusal.client(
        OAuthError(.invalidToken, "The access token is not valid here."),
        challenge: realm + ", error=\"invalid_token\"")
    }
    let scopes = claims.scope.split(separator: " ").map(String.init)
    guard scopes.contains("openid"), let person = try await directory.person(id: claims.subject, scopes: scopes) else {
      throw SignInRefusal.client(
        OAuthError(.insufficientScope, "The access token lacks the scope openid."),
        challenge: realm + ", error=\"insufficient_scope\", scope=\"openid\"")
    }
    return .json(person)
  }

  /// RFC 7009. What is unknown is answered like what was revoked.
  func revoke(_ call: SignInCall) async throws -> TenantAnswer {
    let application = try await client(of: call)
    let token = try call.form.require("token")
    if let claims = try await accessClaims(token[...], call) {
      if let grant = claims.grant, claims.client == application.id {
        try await directory.revoke(grant: grant, by: application, actor: call.actor(application))
      }
    } else {
      try await directory.revoke(refreshToken: token, by: application, actor: call.actor(application))
    }
    return TenantAnswer(status: 200)
  }

  /// The claims of an access token that was issued here and has not expired.
  private func accessClaims(_ text: Substring, _ call: SignInCall) async throws -> AccessClaims? {
    guard let token = SignedToken(text) else { return nil }
    let claims = token.verify(by: try await keyring.published(), type: .access, as: AccessClaims.self)
    guard let claims, claims.issuer == call.issuer, Double(claims.expires) > call.now.timeIntervalSince1970 else {
      return nil
    }
    return claims
  }
}
