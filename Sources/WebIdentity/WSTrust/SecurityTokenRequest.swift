// SPDX-License-Identifier: Apache-2.0

import XML

/// A RequestSecurityToken to issue a token (WS-Trust 1.3, 3.1 and 4.1), in SOAP 1.2.
///
/// ```xml
/// <s:Envelope …>
///   <s:Header><a:Action>…/RST/Issue</a:Action><a:MessageID>urn:uuid:…</a:MessageID></s:Header>
///   <s:Body>
///     <t:RequestSecurityToken>
///       <p:AppliesTo><a:EndpointReference><a:Address>api://…</a:Address></a:EndpointReference></p:AppliesTo>
///       <t:RequestType>…/Issue</t:RequestType>
///       <t:KeyType>…/Bearer</t:KeyType>
///       <t:TokenType>urn:ietf:params:oauth:token-type:jwt</t:TokenType>
///     </t:RequestSecurityToken>
///   </s:Body>
/// </s:Envelope>
/// ```
package struct SecurityTokenRequest: Sendable, Equatable {
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
      let request = body.first(Names.trust, "RequestSecurityToken")
    else { throw .invalidRequest("The message is no RequestSecurityToken of WS-Trust 1.3 in SOAP 1.2.") }
    let header = envelope.first(Names.soap, "Header")
    if let action = header?.first(Names.addressing, "Action")?.trimmedText, action != Names.requestAction {
      throw .invalidRequest("The action must be \(Names.requestAction).")
    }
    guard request.first(Names.trust, "RequestType")?.trimmedText == Names.issue else {
      throw .invalidRequest("Only tokens that are to be issued can be asked for.")
    }
    if let type = request.first(Names.trust, "TokenType")?.trimmedText, !type.isEmpty, type != Names.jwt {
      throw .requestFailed("Only tokens of the type \(Names.jwt) are issued.")
    }
    if let type = request.first(Names.trust, "KeyType")?.trimmedText, !type.isEmpty, type != Names.bearer {
      throw .requestFailed("Only bearer tokens are issued.")
    }
    let address = request.first(Names.policy, "AppliesTo")?.first(Names.addressing, "EndpointReference")?
      .first(Names.addressing, "Address")?.trimmedText
    guard let address, (1...Self.maximumTextBytes).contains(address.utf8.count) else {
      throw .invalidRequest("AppliesTo must name an application.")
    }
    appliesTo = address
    let message = header?.first(Names.addressing, "MessageID")?.trimmedText ?? ""
    messageID = (1...Self.maximumTextBytes).contains(message.utf8.count) ? message : nil
  }
}
