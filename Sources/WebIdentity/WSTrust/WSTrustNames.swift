// SPDX-License-Identifier: Apache-2.0

/// Namespaces and URIs of what WS-Trust stands on; ``WSTrustVersion`` has its own.
enum WSTrustNames {
  static let soap = "http://www.w3.org/2003/05/soap-envelope"
  static let addressing = "http://www.w3.org/2005/08/addressing"
  /// WS-Policy 1.2, whose AppliesTo clients use; WS-Trust names it.
  static let policy = "http://schemas.xmlsoap.org/ws/2004/09/policy"
  static let utility = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"

  /// SAML 1.1, 1.2: the namespace of assertions is that of SAML 1.0.
  static let saml = "urn:oasis:names:tc:SAML:1.0:assertion"
  /// The same in the words of the WSS SAML Token Profile 1.1, 3.4.
  static let samlProfile = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV1.1"
  /// Identity Selector Interoperability Profile 1.5, 8.4: a bearer token, as clients of the earlier version ask for it.
  static let noProofKey = "http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey"
}

/// The two versions that native clients speak.
package enum WSTrustVersion: String, Sendable, CaseIterable {
  /// WS-Trust of February 2005, before it went to OASIS.
  case february2005 = "2005"
  /// WS-Trust 1.3.
  case oasis13 = "13"

  var namespace: String {
    switch self {
    case .february2005: "http://schemas.xmlsoap.org/ws/2005/02/trust"
    case .oasis13: "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
    }
  }

  /// The request type: a token is to be issued.
  var issue: String { namespace + "/Issue" }
  /// The request's action.
  var requestAction: String { namespace + "/RST/Issue" }
  var answerAction: String {
    switch self {
    case .february2005: namespace + "/RSTR/Issue"
    case .oasis13: namespace + "/RSTRC/IssueFinal"
    }
  }
  /// The key type of tokens that whoever has them may use.
  var bearer: String {
    switch self {
    case .february2005: WSTrustNames.noProofKey
    case .oasis13: namespace + "/Bearer"
    }
  }
}
