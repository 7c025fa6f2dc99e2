// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import XML

/// The answer to a ``SecurityTokenRequest``: a RequestSecurityTokenResponseCollection with one response (WS-Trust 1.3, 4.1),
/// whose token is a JSON Web Token in a BinarySecurityToken (WS-Security 1.1, 6.3).
package struct SecurityTokenResponse: Sendable {
  /// A JSON Web Token in its compact form.
  package var token: String
  package var appliesTo: String
  package var created: Date
  package var expires: Date
  /// The request's, which this is the answer to.
  package var messageID: String?

  package init(token: String, appliesTo: String, created: Date, expires: Date, messageID: String?) {
    self.token = token
    self.appliesTo = appliesTo
    self.created = created
    self.expires = expires
    self.messageID = messageID
  }

  package static let mediaType = "application/soap+xml; charset=utf-8"

  package var xml: String {
    typealias Names = WSTrustNames
    let related = messageID.map { "<a:RelatesTo>\(XMLElement.escape($0))</a:RelatesTo>" } ?? ""
    let encoded = Data(token.utf8).base64EncodedString()
    return """
      <?xml version="1.0" encoding="utf-8"?>
      <s:Envelope xmlns:s="\(Names.soap)" xmlns:a="\(Names.addressing)">\
      <s:Header><a:Action s:mustUnderstand="1">\(Names.answerAction)</a:Action>\(related)</s:Header>\
      <s:Body><t:RequestSecurityTokenResponseCollection xmlns:t="\(Names.trust)"><t:RequestSecurityTokenResponse>\
      <t:Lifetime xmlns:u="\(Names.utility)"><u:Created>\(created.formatted(.iso8601))</u:Created>\
      <u:Expires>\(expires.formatted(.iso8601))</u:Expires></t:Lifetime>\
      <p:AppliesTo xmlns:p="\(Names.policy)"><a:EndpointReference><a:Address>\(XMLElement.escape(appliesTo))</a:Address>\
      </a:EndpointReference></p:AppliesTo>\
      <t:RequestedSecurityToken><w:BinarySecurityToken xmlns:w="\(Names.security)" ValueType="\(Names.jwt)" \
      EncodingType="\(Names.base64)">\(encoded)</w:BinarySecurityToken></t:RequestedSecurityToken>\
      <t:TokenType>\(Names.jwt)</t:TokenType><t:RequestType>\(Names.issue)</t:RequestType>\
      <t:KeyType>\(Names.bearer)</t:KeyType>\
      </t:RequestSecurityTokenResponse></t:RequestSecurityTokenResponseCollection></s:Body></s:Envelope>
      """
  }
}
