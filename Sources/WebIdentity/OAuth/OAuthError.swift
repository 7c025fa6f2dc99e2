// SPDX-License-Identifier: Apache-2.0

/// What a client is told when it is refused: a code of the specification and a sentence for its developer.
///
/// The sentence never holds a secret or a text of a person; it is ASCII without quotes and backslashes (RFC 6749 5.2).
package struct OAuthError: Error, Sendable, Equatable {
  /// The values of `error`, each under the specification that defines it.
  package enum Code: String, Sendable, CaseIterable {
    // RFC 6749 4.1.2.1 and 5.2.
    case invalidRequest = "invalid_request"
    case invalidClient = "invalid_client"
    case invalidGrant = "invalid_grant"
    case unauthorizedClient = "unauthorized_client"
    case unsupportedGrantType = "unsupported_grant_type"
    case unsupportedResponseType = "unsupported_response_type"
    case invalidScope = "invalid_scope"
    case accessDenied = "access_denied"
    case serverError = "server_error"
    case temporarilyUnavailable = "temporarily_unavailable"
    // RFC 6750 3.1.
    case invalidToken = "invalid_token"
    case insufficientScope = "insufficient_scope"
    // RFC 8628 3.5.
    case authorizationPending = "authorization_pending"
    case slowDown = "slow_down"
    case expiredToken = "expired_token"
    // OpenID Connect Core 3.1.2.6.
    case loginRequired = "login_required"
    case requestNotSupported = "request_not_supported"
    case requestURINotSupported = "request_uri_not_supported"
  }

  package let code: Code
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = String(
      message.unicodeScalars.map { scalar in
        (0x20..<0x7f).contains(scalar.value) && scalar != "\"" && scalar != "\\" ? Character(scalar) : "?"
      })
  }

  /// The status of an answer of the token endpoint (RFC 6749 5.2) and of protected resources (RFC 6750 3.1).
  package var status: Int {
    switch code {
    case .invalidClient, .invalidToken: 401
    case .insufficientScope: 403
    case .serverError: 500
    case .temporarilyUnavailable: 503
    default: 400
    }
  }
}
