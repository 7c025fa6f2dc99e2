// SPDX-License-Identifier: Apache-2.0

package import FoundationEssentials
import Wire
import XML

/// What a native client gets for its Kerberos ticket and hands to the token endpoint: a SAML 1.1 assertion in shape, whose one
/// statement is the DesktopSsoToken that clients of Entra ID know.
///
/// ```xml
/// <saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion" MajorVersion="1" MinorVersion="1" …>
///   <saml:Conditions NotBefore="…" NotOnOrAfter="…"><saml:AudienceRestrictionCondition><saml:Audience>…
///   <DesktopSsoToken>bhw_…</DesktopSsoToken>
/// </saml:Assertion>
/// ```
///
/// SAML 1.1 (2.3.2) wants a statement of its own kind instead, and a signature where nothing else vouches. Nobody but the
/// issuer reads this one, and it knows the token: some clients send the assertion as it came, others make one anew around it.
package struct TicketAssertion: Sendable {
  /// Known to the issuer alone.
  package let token: String
  package let issuer: String
  package let audience: String
  package let identifier: String
  package let created: Date
  package let expires: Date

  /// An assertion comes back in about 1 KiB.
  package static let maximumBytes = 8 << 10
  private static let element = XMLElement.Name(WSTrustNames.saml, "Assertion")

  /// - Parameter identifier: without what XML's identifiers begin with.
  package init(
    token: String, issuer: String, audience: String, identifier: String, created: Date, expires: Date
  ) {
    self.token = token
    self.issuer = issuer
    self.audience = audience
    self.identifier = identifier
    self.created = created
    self.expires = expires
  }

  package var xml: String {
    """
    <saml:Assertion xmlns:saml="\(WSTrustNames.saml)" MajorVersion="1" MinorVersion="1" \
    AssertionID="_\(XMLElement.escape(identifier))" Issuer="\(XMLElement.escape(issuer))" \
    IssueInstant="\(created.formatted(.iso8601))">\
    <saml:Conditions NotBefore="\(created.formatted(.iso8601))" NotOnOrAfter="\(expires.formatted(.iso8601))">\
    <saml:AudienceRestrictionCondition><saml:Audience>\(XMLElement.escape(audience))</saml:Audience>\
    </saml:AudienceRestrictionCondition></saml:Conditions>\
    <DesktopSsoToken>\(XMLElement.escape(token))</DesktopSsoToken></saml:Assertion>
    """
  }

  /// The token of an assertion as the parameter `assertion` has it (RFC 7521 4.1): in base64url without padding, as RFC 7522
  /// 2.1 has it, or in base64, as the older clients do it. Nil for everything else.
  package static func token(inParameter text: String) -> String? {
    guard text.utf8.count <= maximumBytes * 4 / 3 else { return nil }
    let unpadded = text.replacing("+", with: "-").replacing("/", with: "_").prefix { $0 != "=" }
    guard let bytes = Base64URL.decode(unpadded), let assertion = try? XMLDocument.parse(bytes),
      assertion.name == element
    else { return nil }
    let tokens = assertion.all("", "DesktopSsoToken")
    guard tokens.count == 1, let token = tokens.first?.trimmedText, !token.isEmpty else { return nil }
    return token
  }
}
