// SPDX-License-Identifier: Apache-2.0

/// The discovery document (OpenID Connect Discovery 1.0 3, RFC 8414 2), with the places of the endpoints below the issuer.
package struct ProviderMetadata: Encodable, Sendable {
  let issuer: String
  let authorizationEndpoint: String
  let tokenEndpoint: String
  let deviceAuthorizationEndpoint: String
  let userinfoEndpoint: String
  let endSessionEndpoint: String
  let revocationEndpoint: String
  let jwksURI: String
  let scopesSupported = ["openid", "profile", "email", "offline_access"]
  let responseTypesSupported = ["code"]
  let responseModesSupported = ["query", "form_post"]
  let grantTypesSupported = [
    "authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:saml1_1-bearer",
  ]
  let subjectTypesSupported = ["public"]
  let idTokenSigningAlgorithmsSupported = [SignedToken.algorithm]
  let tokenEndpointAuthenticationMethodsSupported = [
    "client_secret_basic", "client_secret_post", "private_key_jwt", "none",
  ]
  let tokenEndpointAuthenticationAlgorithmsSupported = [SignedToken.algorithm]
  let revocationEndpointAuthenticationMethodsSupported = ["client_secret_basic", "client_secret_post", "none"]
  let codeChallengeMethodsSupported = [ProofKey.method]
  let claimsSupported = [
    "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "sid", "tid", "oid", "amr", "at_hash", "name",
    "given_name", "family_name", "preferred_username", "email",
  ]
  let claimsParameterSupported = false
  let requestParameterSupported = false
  let requestURIParameterSupported = false
  /// RFC 9207: the issuer is named in every authorization response, against mix-up.
  let authorizationResponseIssuerParameterSupported = true

  package init(issuer: String, _ place: (ProviderEndpoint) -> String) {
    self.issuer = issuer
    authorizationEndpoint = place(.authorize)
    tokenEndpoint = place(.token)
    deviceAuthorizationEndpoint = place(.deviceAuthorization)
    userinfoEndpoint = place(.userInfo)
    endSessionEndpoint = place(.endSession)
    revocationEndpoint = place(.revocation)
    jwksURI = place(.keys)
  }

  private enum CodingKeys: String, CodingKey {
    case issuer
    case authorizationEndpoint = "authorization_endpoint"
    case tokenEndpoint = "token_endpoint"
    case deviceAuthorizationEndpoint = "device_authorization_endpoint"
    case userinfoEndpoint = "userinfo_endpoint"
    case endSessionEndpoint = "end_session_endpoint"
    case revocationEndpoint = "revocation_endpoint"
    case jwksURI = "jwks_uri"
    case scopesSupported = "scopes_supported"
    case responseTypesSupported = "response_types_supported"
    case responseModesSupported = "response_modes_supported"
    case grantTypesSupported = "grant_types_supported"
    case subjectTypesSupported = "subject_types_supported"
    case idTokenSigningAlgorithmsSupported = "id_token_signing_alg_values_supported"
    case tokenEndpointAuthenticationMethodsSupported = "token_endpoint_auth_methods_supported"
    case tokenEndpointAuthenticationAlgorithmsSupported = "token_endpoint_auth_signing_alg_values_supported"
    case revocationEndpointAuthenticationMethodsSupported = "revocation_endpoint_auth_methods_supported"
    case codeChallengeMethodsSupported = "code_challenge_methods_supported"
    case claimsSupported = "claims_supported"
    case claimsParameterSupported = "claims_parameter_supported"
    case requestParameterSupported = "request_parameter_supported"
    case requestURIParameterSupported = "request_uri_parameter_supported"
    case authorizationResponseIssuerParameterSupported = "authorization_response_iss_parameter_supported"
  }
}

/// The endpoints that the discovery document names.
package enum ProviderEndpoint: Sendable {
  case authorize, token, deviceAuthorization, userInfo, endSession, revocation, keys
}
