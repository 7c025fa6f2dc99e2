// SPDX-License-Identifier: Apache-2.0

/// Namespaces and URIs of WS-Trust 1.3 and what it stands on.
enum WSTrustNames {
  static let soap = "http://www.w3.org/2003/05/soap-envelope"
  static let addressing = "http://www.w3.org/2005/08/addressing"
  /// WS-Trust 1.3 itself.
  static let trust = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
  /// WS-Policy 1.2, whose AppliesTo clients use; WS-Trust 1.3 names it.
  static let policy = "http://schemas.xmlsoap.org/ws/2004/09/policy"
  static let security = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
  static let utility = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
  static let base64 =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"

  static let issue = trust + "/Issue"
  static let bearer = trust + "/Bearer"
  static let requestAction = trust + "/RST/Issue"
  static let answerAction = trust + "/RSTRC/IssueFinal"
  /// RFC 8693 3.
  static let jwt = "urn:ietf:params:oauth:token-type:jwt"
}
