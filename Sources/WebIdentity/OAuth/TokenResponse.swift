// SPDX-License-Identifier: Apache-2.0

/// What the token endpoint answers (RFC 6749 5.1, OpenID Connect Core 3.1.3.3).
package struct TokenResponse: Encodable, Sendable {
  package var accessToken: String
  package let tokenType = "Bearer"
  /// In seconds.
  package var expiresIn: Int
  package var scope: String
  package var refreshToken: String?
  package var idToken: String?

  package init(
    accessToken: String, expiresIn: Int, scope: String, refreshToken: String? = nil, idToken: String? = nil
  ) {
    self.accessToken = accessToken
    self.expiresIn = expiresIn
    self.scope = scope
    self.refreshToken = refreshToken
    self.idToken = idToken
  }

  private enum CodingKeys: String, CodingKey {
    case accessToken = "access_token"
    case tokenType = "token_type"
    case expiresIn = "expires_in"
    case scope
    case refreshToken = "refresh_token"
    case idToken = "id_token"
  }
}

/// What the device authorization endpoint answers (RFC 8628 3.2). `message` is what clients of Entra ID show.
package struct DeviceAuthorizationResponse: Encodable, Sendable {
  package var deviceCode: String
  package var userCode: String
  package var verificationURI: String
  package var verificationURIComplete: String
  /// In seconds.
  package var expiresIn: Int
  package var interval: Int
  package var message: String

  package init(deviceCode: String, userCode: String, verificationURI: String, expiresIn: Int, interval: Int) {
    self.deviceCode = deviceCode
    self.userCode = userCode
    self.verificationURI = verificationURI
    verificationURIComplete = "\(verificationURI)?\(FormParameters.encode([("user_code", userCode)]))"
    self.expiresIn = expiresIn
    self.interval = interval
    message = "To sign in, open \(verificationURI) in a browser and enter the code \(userCode)."
  }

  private enum CodingKeys: String, CodingKey {
    case deviceCode = "device_code"
    case userCode = "user_code"
    case verificationURI = "verification_uri"
    case verificationURIComplete = "verification_uri_complete"
    case expiresIn = "expires_in"
    case interval, message
  }
}

/// The body of a refusal (RFC 6749 5.2).
package struct OAuthErrorResponse: Encodable, Sendable {
  let error: String
  let description: String

  package init(_ error: OAuthError) {
    self.error = error.code.rawValue
    description = error.message
  }

  private enum CodingKeys: String, CodingKey {
    case error
    case description = "error_description"
  }
}
