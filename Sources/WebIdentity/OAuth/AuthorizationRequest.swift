// SPDX-License-Identifier: Apache-2.0

/// An authentication request (OpenID Connect Core 3.1.2.1) whose client and redirect URI were checked before: whatever is
/// wrong with the rest may be answered to that address.
package struct AuthorizationRequest: Sendable {
  /// How the answer reaches the client: `response_mode` (OAuth 2.0 Multiple Response Types 2.1).
  package enum ResponseMode: String, Sendable {
    case query
    /// OAuth 2.0 Form Post Response Mode.
    case formPost = "form_post"
  }

  /// `prompt` (OpenID Connect Core 3.1.2.1).
  package enum Prompt: String, Sendable {
    case none, login, consent
    case selectAccount = "select_account"
  }

  package let responseMode: ResponseMode
  package let scopes: [String]
  package let nonce: String?
  package let proofKey: ProofKey?
  package let prompts: Set<Prompt>
  /// In seconds.
  package let maximumAge: Int?
  /// A name to begin with; text of whoever made the link.
  package let loginHint: String?

  /// Longer ones serve nobody: they have to be kept until the code is redeemed.
  private static let maximumNonceBytes = 512

  /// - Parameter needsProofKey: for clients without a secret, for which a code alone would be enough to steal.
  /// - Throws: ``OAuthError``.
  package init(_ parameters: FormParameters, needsProofKey: Bool) throws(OAuthError) {
    guard parameters["request"] == nil else {
      throw OAuthError(.requestNotSupported, "Request objects are not supported.")
    }
    guard parameters["request_uri"] == nil else {
      throw OAuthError(.requestURINotSupported, "Request objects are not supported.")
    }
    guard try parameters.require("response_type") == "code" else {
      throw OAuthError(.unsupportedResponseType, "response_type must be code.")
    }
    responseMode = try Self.responseMode(parameters)
    scopes = parameters.list("scope")
    guard scopes.contains("openid") else { throw OAuthError(.invalidScope, "The scope must contain openid.") }
    nonce = parameters["nonce"]
    guard nonce.map({ $0.utf8.count <= Self.maximumNonceBytes }) ?? true else {
      throw OAuthError(.invalidRequest, "nonce is longer than \(Self.maximumNonceBytes) bytes.")
    }
    proofKey = try ProofKey(parameters)
    guard proofKey != nil || !needsProofKey else {
      throw OAuthError(.invalidRequest, "This client must send a code_challenge (RFC 7636).")
    }
    var prompts: Set<Prompt> = []
    for name in parameters.list("prompt") {
      guard let prompt = Prompt(rawValue: name) else {
        throw OAuthError(.invalidRequest, "prompt has an unknown value.")
      }
      prompts.insert(prompt)
    }
    guard !prompts.contains(.none) || prompts.count == 1 else {
      throw OAuthError(.invalidRequest, "prompt=none excludes every other value.")
    }
    self.prompts = prompts
    if let text = parameters["max_age"] {
      guard let seconds = Int(text), seconds >= 0 else {
        throw OAuthError(.invalidRequest, "max_age must be a number of seconds.")
      }
      maximumAge = seconds
    } else {
      maximumAge = nil
    }
    loginHint = parameters["login_hint"].map { String($0.prefix(256)) }
  }

  /// How to answer, also when the rest of the request cannot be read.
  package static func responseMode(_ parameters: FormParameters) throws(OAuthError) -> ResponseMode {
    guard let name = parameters["response_mode"] else { return .query }
    guard let mode = ResponseMode(rawValue: name) else {
      throw OAuthError(.invalidRequest, "response_mode must be query or form_post.")
    }
    return mode
  }
}
