// SPDX-License-Identifier: Apache-2.0

import XML

/// A RequestSecurityToken to issue a token (WS-Trust 1.3, 3.1 and 4.1; the same in the version of 2005), in SOAP 1.2.
///
/// ```xml
/// <s:Envelope …>
///   <s:Header><a:Action>…/RST/Issue</a:Action><a:MessageID>urn:uuid:…</a:MessageID></s:Header>
///   <s:Body>
///     <t:RequestSecurityToken>
///       <p:AppliesTo><a:EndpointReference><a:Address>urn:federation:MicrosoftOnline</a:Address></a:EndpointReference>
///       </p:AppliesTo>
///       <t:RequestType>…/Issue</t:RequestType>
///       <t:KeyType>…/Bearer</t:KeyType>
///       <t:TokenType>urn:oasis:names:tc:SAML:1.0:assertion</t:TokenType>
///     </t:RequestSecurityToken>
///   </s:Body>
/// </s:Envelope>
/// ```
package struct SecurityTokenRequest: Sendable, Equatable {
  /// The client's, and the answer's.
  package let version: WSTrustVersion
  /// Whom the token is for.
  package let appliesTo: String
  /// For the answer; nil when the client gives none.
  package let messageID: String?

  /// Requests of real clients have about 2 KiB.
  package static let maximumBytes = 64 << 10
  private static let maximumTextBytes = 512

  /// - Throws: ``WSTrustFault``.
  package init(_ bytes: [UInt8]) throws(WSTrustFault) {
    guard bytes.count <= Self.maximumBytes else { throw .invalidRequest("The message is too large.") }
    let envelope: XMLElement
    do throws(XMLError) { envelope = try XMLDocument.parse(bytes) } catch {
      throw .invalidRequest("The message is no XML that is read here: \(error.message)")
    }
    typealias Names = WSTrustNames
    guard envelope.name == XMLElement.Name(Names.soap, "Envelope"), let body = envelope.first(Names.soap, "Body"),
      let (version, request) = Self.request(of: body)
    else { throw .invalidRequest("The message is no RequestSecurityToken of WS-Trust 1.3 or 2005 in SOAP 1.2.") }
    let header = envelope.first(Names.soap, "Header")
    if let action = header?.first(Names.addressing, "Action")?.trimmedText, action != version.requestAction {
      throw .invalidRequest("The action must be \(version.requestAction).")
    }
    guard request.first(version.namespace, "RequestType")?.trimmedText == version.issue else {
      throw .invalidRequest("Only tokens that are to be issued can be asked for.")
    }
    let tokenType = request.first(version.namespace, "TokenType")?.trimmedText ?? ""
    guard ["", Names.saml, Names.samlProfile].contains(tokenType) else {
      throw .requestFailed("Only tokens of the type \(Names.saml) are issued.")
    }
    let keyType = request.first(version.namespace, "KeyType")?.trimmedText ?? ""
    guard ["", version.bearer, Names.noProofKey].contains(keyType) else {
      throw .requestFailed("Only bearer tokens are issued.")
    }
    let address = request.first(Names.policy, "AppliesTo")?.first(Names.addressing, "EndpointReference")?
      .first(Names.addressing, "Address")?.trimmedText
    guard let address, (1...Self.maximumTextBytes).contains(address.utf8.count) else {
      throw .invalidRequest("AppliesTo must say whom the token is for.")
    }
    self.version = version
    appliesTo = address
    let message = header?.first(Names.addressing, "MessageID")?.trimmedText ?? ""
    messageID = (1...Self.maximumTextBytes).contains(message.utf8.count) ? message : nil
  }

  private static func request(of body: XMLElement) -> (WSTrustVersion, XMLElement)? {
    for version in WSTrustVersion.allCases {
      if let request = body.first(version.namespace, "RequestSecurityToken") { return (version, request) }
    }
    return nil
  }
}
