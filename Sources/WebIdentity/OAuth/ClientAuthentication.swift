// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// How a client says who it is (RFC 6749 2.3).
package struct ClientAuthentication: Sendable {
  package let clientID: String
  /// Nil when a public client only names itself.
  package let secret: String?
  /// Whether the Authorization header was used: then a refusal is answered with a challenge (RFC 6749 5.2).
  package let usedHeader: Bool
  /// What a client with a key of its own says instead of a secret (RFC 7521 4.2).
  package let assertion: ClientAssertion?

  /// - Throws: ``OAuthError`` `invalidClient` when no client is named or the header cannot be read, `invalidRequest` when two
  ///   methods are used at once.
  package init(authorization: String?, _ parameters: FormParameters) throws(OAuthError) {
    if parameters["client_assertion_type"] != nil || parameters["client_assertion"] != nil {
      guard authorization == nil, parameters["client_secret"] == nil else {
        throw OAuthError(.invalidRequest, "The client authenticates in two ways at once.")
      }
      guard parameters["client_assertion_type"] == ClientAssertion.type,
        let assertion = ClientAssertion(try parameters.require("client_assertion")),
        parameters["client_id"].map({ $0 == assertion.claimedClient }) ?? true
      else { throw OAuthError(.invalidClient, "The client assertion cannot be read.") }
      (clientID, secret, usedHeader) = (assertion.claimedClient, nil, false)
      self.assertion = assertion
      return
    }
    assertion = nil
    guard let authorization else {
      guard let id = parameters["client_id"] else { throw OAuthError(.invalidClient, "The client is not named.") }
      clientID = id
      secret = parameters["client_secret"]
      usedHeader = false
      return
    }
    let parts = authorization.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "basic", let bytes = Data(base64Encoded: String(parts[1])),
      let text = String(validating: bytes, as: UTF8.self), let colon = text.firstIndex(of: ":")
    else { throw OAuthError(.invalidClient, "The Authorization header is not of the scheme Basic.") }
    // Both parts are form-encoded before they are joined (RFC 6749 2.3.1).
    let id = try FormParameters("v=" + text[..<colon]).require("v")
    let given = try FormParameters("v=" + text[text.index(after: colon)...])["v"]
    guard parameters["client_secret"] == nil, parameters["client_id"].map({ $0 == id }) ?? true else {
      throw OAuthError(.invalidRequest, "The client authenticates in two ways at once.")
    }
    clientID = id
    secret = given
    usedHeader = true
  }
}
