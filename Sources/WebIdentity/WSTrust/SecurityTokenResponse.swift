// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import XML

/// The answer to a ``SecurityTokenRequest``: one RequestSecurityTokenResponse (WS-Trust 2005), in a collection since 1.3 (4.1).
package struct SecurityTokenResponse: Sendable {
  package var version: WSTrustVersion
  package var assertion: TicketAssertion
  package var appliesTo: String
  /// The request's, which this is the answer to.
  package var messageID: String?

  package init(to request: SecurityTokenRequest, assertion: TicketAssertion) {
    version = request.version
    self.assertion = assertion
    appliesTo = request.appliesTo
    messageID = request.messageID
  }

  package static let mediaType = "application/soap+xml; charset=utf-8"

  package var xml: String {
    typealias Names = WSTrustNames
    let related = messageID.map { "<a:RelatesTo>\(XMLElement.escape($0))</a:RelatesTo>" } ?? ""
    let response = """
      <t:RequestSecurityTokenResponse xmlns:t="\(version.namespace)">\
      <t:TokenType>\(Names.saml)</t:TokenType>\
      <p:AppliesTo xmlns:p="\(Names.policy)"><a:EndpointReference><a:Address>\(XMLElement.escape(appliesTo))</a:Address>\
      </a:EndpointReference></p:AppliesTo>\
      <t:Lifetime xmlns:u="\(Names.utility)"><u:Created>\(assertion.created.formatted(.iso8601))</u:Created>\
      <u:Expires>\(assertion.expires.formatted(.iso8601))</u:Expires></t:Lifetime>\
      <t:RequestedSecurityToken>\(assertion.xml)</t:RequestedSecurityToken>\
      <t:RequestType>\(version.issue)</t:RequestType><t:KeyType>\(version.bearer)</t:KeyType>\
      </t:RequestSecurityTokenResponse>
      """
    return """
      <?xml version="1.0" encoding="utf-8"?>
      <s:Envelope xmlns:s="\(Names.soap)" xmlns:a="\(Names.addressing)">\
      <s:Header><a:Action s:mustUnderstand="1">\(version.answerAction)</a:Action>\(related)</s:Header>\
      <s:Body>\(collected(response))</s:Body></s:Envelope>
      """
  }

  private func collected(_ response: String) -> String {
    guard version == .oasis13 else { return response }
    let name = "t:RequestSecurityTokenResponseCollection"
    return "<\(name) xmlns:t=\"\(version.namespace)\">\(response)</\(name)>"
  }
}
