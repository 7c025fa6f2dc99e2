// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Wire
import XML

@testable import WebIdentity

@Suite struct WSTrustTests {
  private static let start = Date(timeIntervalSince1970: 1_800_000_000)

  private func request(
    _ version: WSTrustVersion = .oasis13, address: String = "urn:them", type: String? = nil,
    token: String = WSTrustNames.saml, key: String? = nil, action: String? = nil, message: String = "urn:uuid:1"
  ) -> [UInt8] {
    Array(
      """
      <s:Envelope xmlns:s="\(WSTrustNames.soap)" xmlns:a="\(WSTrustNames.addressing)">
      <s:Header><a:Action>\(action ?? version.requestAction)</a:Action><a:MessageID>\(message)</a:MessageID></s:Header>
      <s:Body><t:RequestSecurityToken xmlns:t="\(version.namespace)" xmlns:p="\(WSTrustNames.policy)">
      <p:AppliesTo><a:EndpointReference><a:Address> \(address) </a:Address></a:EndpointReference></p:AppliesTo>
      <t:RequestType>\(type ?? version.issue)</t:RequestType><t:KeyType>\(key ?? version.bearer)</t:KeyType>
      <t:TokenType>\(token)</t:TokenType></t:RequestSecurityToken></s:Body></s:Envelope>
      """.utf8)
  }

  private func assertion(token: String = "a.b", issuer: String = "https://issuer") -> TicketAssertion {
    TicketAssertion(
      token: token, issuer: issuer, audience: "urn:<&>\"", identifier: "1", created: Self.start,
      expires: Self.start + 60)
  }

  @Test(arguments: WSTrustVersion.allCases) func readsARequest(_ version: WSTrustVersion) throws {
    let read = try SecurityTokenRequest(request(version, message: "urn:uuid:&lt;1&gt;"))
    #expect(read.appliesTo == "urn:them" && read.messageID == "urn:uuid:<1>" && read.version == version)
    for (token, key) in [("", ""), (WSTrustNames.samlProfile, WSTrustNames.noProofKey)] {
      #expect(try SecurityTokenRequest(request(version, token: token, key: key)).appliesTo == "urn:them")
    }
    let long = String(repeating: "x", count: 600)
    #expect(try SecurityTokenRequest(request(version, message: long)).messageID == nil)
  }

  @Test(arguments: WSTrustVersion.allCases) func refusesOthers(_ version: WSTrustVersion) throws {
    let wrong: [([UInt8], WSTrustFault.Code)] = [
      ([], .invalidRequest), (Array("<a>".utf8), .invalidRequest), (Array("<a/>".utf8), .invalidRequest),
      (request(version, address: ""), .invalidRequest),
      (request(version, address: String(repeating: "x", count: 600)), .invalidRequest),
      (request(version, type: version.namespace + "/Renew"), .invalidRequest),
      (request(version, action: "urn:other"), .invalidRequest),
      (request(version, token: "urn:oasis:names:tc:SAML:2.0:assertion"), .requestFailed),
      (request(version, token: "urn:ietf:params:oauth:token-type:jwt"), .requestFailed),
      (request(version, key: version.namespace + "/SymmetricKey"), .requestFailed),
      ([UInt8](repeating: 0x20, count: SecurityTokenRequest.maximumBytes + 1), .invalidRequest),
    ]
    for (bytes, code) in wrong {
      let fault = #expect(throws: WSTrustFault.self) { try SecurityTokenRequest(bytes) }
      #expect(fault?.code == code)
    }
  }

  @Test(arguments: WSTrustVersion.allCases) func writesWhatAReaderUnderstands(_ version: WSTrustVersion) throws {
    let asked = try SecurityTokenRequest(
      request(version, address: "urn:&lt;&amp;&gt;\"", message: "&lt;/a:RelatesTo>"))
    let response = SecurityTokenResponse(to: asked, assertion: assertion())
    let envelope = try XMLDocument.parse(Array(response.xml.utf8))
    let header = envelope.first(WSTrustNames.soap, "Header")
    #expect(header?.first(WSTrustNames.addressing, "RelatesTo")?.text == "</a:RelatesTo>")
    let body = try #require(envelope.first(WSTrustNames.soap, "Body"))
    let within = version == .oasis13 ? body.first(version.namespace, "RequestSecurityTokenResponseCollection") : body
    let answer = try #require(within?.first(version.namespace, "RequestSecurityTokenResponse"))
    #expect(
      answer.first(WSTrustNames.policy, "AppliesTo")?.children.first?.children.first?.text == "urn:<&>\"")
    #expect(answer.first(version.namespace, "TokenType")?.text == WSTrustNames.saml)
    let token = answer.first(version.namespace, "RequestedSecurityToken")?.first(WSTrustNames.saml, "Assertion")?
      .first("", "DesktopSsoToken")
    #expect(token?.text == "a.b")
    let lifetime = answer.first(version.namespace, "Lifetime")?.children.map(\.text)
    #expect(lifetime == ["2027-01-15T08:00:00Z", "2027-01-15T08:01:00Z"])
  }

  @Test func anAssertionComesBackInEitherAlphabet() throws {
    // Bytes whose base64 has digits in which the alphabets differ, and padding.
    let token = "a?>~?"
    let bytes = Data(assertion(token: token).xml.utf8)
    let standard = bytes.base64EncodedString()
    let reduced = Data(
      "<saml:Assertion xmlns:saml=\"\(WSTrustNames.saml)\"><DesktopSsoToken>x</DesktopSsoToken></saml:Assertion>".utf8)
    #expect(TicketAssertion.token(inParameter: standard) == token)
    #expect(TicketAssertion.token(inParameter: Base64URL.encode(bytes)) == token)
    #expect(TicketAssertion.token(inParameter: reduced.base64EncodedString()) == "x")
  }

  @Test(arguments: [
    "", "%", "<a/>", "<Assertion><DesktopSsoToken>x</DesktopSsoToken></Assertion>",
    "<a:Assertion xmlns:a='urn:oasis:names:tc:SAML:2.0:assertion'><DesktopSsoToken>x</DesktopSsoToken></a:Assertion>",
    "<a:Assertion xmlns:a='urn:oasis:names:tc:SAML:1.0:assertion'/>",
    "<a:Assertion xmlns:a='urn:oasis:names:tc:SAML:1.0:assertion'><DesktopSsoToken/></a:Assertion>",
    "<a:Assertion xmlns:a='urn:oasis:names:tc:SAML:1.0:assertion'><DesktopSsoToken>x</DesktopSsoToken>"
      + "<DesktopSsoToken>y</DesktopSsoToken></a:Assertion>",
    "<!DOCTYPE a [<!ENTITY e 'x'>]><a:Assertion xmlns:a='urn:oasis:names:tc:SAML:1.0:assertion'>"
      + "<DesktopSsoToken>&e;</DesktopSsoToken></a:Assertion>",
    String(repeating: "x", count: TicketAssertion.maximumBytes + 1),
  ]) func whatIsNoAssertionHasNoToken(_ text: String) {
    #expect(TicketAssertion.token(inParameter: Base64URL.encode(Array(text.utf8))) == nil)
    #expect(TicketAssertion.token(inParameter: text) == nil)
  }

  /// The chain that clients follow: policy, binding, port.
  @Test func theMetadataLeadToEachEndpoint() throws {
    let document = MetadataExchange { "https://host/\($0.rawValue)?<&>" }
    let root = try XMLDocument.parse(Array(document.xml.utf8))
    let wsdl = "http://schemas.xmlsoap.org/wsdl/"
    let policies = root.all(WSTrustNames.policy, "Policy").compactMap {
      $0.attributes[.init(WSTrustNames.utility, "Id")]
    }
    for version in WSTrustVersion.allCases {
      let binding = try #require(
        root.all(wsdl, "binding").first { binding in
          let operation = binding.first(wsdl, "operation")?.children.first
          return operation?.attribute("soapAction") == version.requestAction
        })
      let reference = try #require(binding.first(WSTrustNames.policy, "PolicyReference")?.attribute("URI"))
      #expect(policies.contains(String(reference.dropFirst())))
      let name = try #require(binding.attribute("name"))
      let port = root.first(wsdl, "service")?.all(wsdl, "port").first { $0.attribute("binding") == "tns:\(name)" }
      let address = port?.first(WSTrustNames.addressing, "EndpointReference")?.children.first?.text
      #expect(address == "https://host/\(version.rawValue)?<&>")
    }
  }

  @Test func faultsAreWellFormed() throws {
    let fault = WSTrustFault(.failedAuthentication, "<no> & \"never\"")
    let envelope = try XMLDocument.parse(Array(fault.xml.utf8))
    let inner = try #require(envelope.first(WSTrustNames.soap, "Body")?.first(WSTrustNames.soap, "Fault"))
    #expect(inner.first(WSTrustNames.soap, "Reason")?.children.first?.text == "<no> & \"never\"")
    #expect(fault.status == 500 && WSTrustFault(.invalidRequest, "").status == 400)
  }
}
