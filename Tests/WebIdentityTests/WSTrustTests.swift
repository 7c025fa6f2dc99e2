// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import XML

@testable import WebIdentity

@Suite struct WSTrustTests {
  private func request(
    address: String = "api://app", type: String = WSTrustNames.issue, token: String = WSTrustNames.jwt,
    key: String = WSTrustNames.bearer, action: String = WSTrustNames.requestAction, message: String = "urn:uuid:1"
  ) -> [UInt8] {
    Array(
      """
      <s:Envelope xmlns:s="\(WSTrustNames.soap)" xmlns:a="\(WSTrustNames.addressing)">
      <s:Header><a:Action>\(action)</a:Action><a:MessageID>\(message)</a:MessageID></s:Header>
      <s:Body><t:RequestSecurityToken xmlns:t="\(WSTrustNames.trust)" xmlns:p="\(WSTrustNames.policy)">
      <p:AppliesTo><a:EndpointReference><a:Address> \(address) </a:Address></a:EndpointReference></p:AppliesTo>
      <t:RequestType>\(type)</t:RequestType><t:KeyType>\(key)</t:KeyType><t:TokenType>\(token)</t:TokenType>
      </t:RequestSecurityToken></s:Body></s:Envelope>
      """.utf8)
  }

  @Test func readsARequest() throws {
    let read = try SecurityTokenRequest(request(message: "urn:uuid:&lt;1&gt;"))
    #expect(read.appliesTo == "api://app" && read.messageID == "urn:uuid:<1>")
    #expect(try SecurityTokenRequest(request(token: "", key: "")).appliesTo == "api://app")
    #expect(try SecurityTokenRequest(request(message: String(repeating: "x", count: 600))).messageID == nil)
  }

  @Test func refusesOthers() throws {
    let wrong: [([UInt8], WSTrustFault.Code)] = [
      ([], .invalidRequest), (Array("<a>".utf8), .invalidRequest), (Array("<a/>".utf8), .invalidRequest),
      (request(address: ""), .invalidRequest), (request(address: String(repeating: "x", count: 600)), .invalidRequest),
      (request(type: WSTrustNames.trust + "/Renew"), .invalidRequest), (request(action: "urn:other"), .invalidRequest),
      (request(token: "urn:oasis:names:tc:SAML:2.0:assertion"), .requestFailed),
      (request(key: WSTrustNames.trust + "/SymmetricKey"), .requestFailed),
      ([UInt8](repeating: 0x20, count: SecurityTokenRequest.maximumBytes + 1), .invalidRequest),
    ]
    for (bytes, code) in wrong {
      let fault = #expect(throws: WSTrustFault.self) { try SecurityTokenRequest(bytes) }
      #expect(fault?.code == code)
    }
  }

  @Test func writesWhatAReaderUnderstands() throws {
    let start = Date(timeIntervalSince1970: 1_800_000_000)
    let response = SecurityTokenResponse(
      token: "a.b.c", appliesTo: "api://<&>\"", created: start, expires: start + 3600, messageID: "</a:RelatesTo>")
    let envelope = try XMLDocument.parse(Array(response.xml.utf8))
    #expect(
      envelope.first(WSTrustNames.soap, "Header")?.first(WSTrustNames.addressing, "RelatesTo")?.text == "</a:RelatesTo>"
    )
    let answer = try #require(
      envelope.first(WSTrustNames.soap, "Body")?.children.first?.first(
        WSTrustNames.trust, "RequestSecurityTokenResponse"))
    #expect(
      answer.first(WSTrustNames.policy, "AppliesTo")?.children.first?.children.first?.text == "api://<&>\"")
    let token = try #require(
      answer.first(WSTrustNames.trust, "RequestedSecurityToken")?.first(WSTrustNames.security, "BinarySecurityToken"))
    #expect(Data(base64Encoded: token.text) == Data("a.b.c".utf8))
    let lifetime = answer.first(WSTrustNames.trust, "Lifetime")?.children.map(\.text)
    #expect(lifetime == ["2027-01-15T08:00:00Z", "2027-01-15T09:00:00Z"])
  }

  @Test func faultsAreWellFormed() throws {
    let fault = WSTrustFault(.failedAuthentication, "<no> & \"never\"")
    let envelope = try XMLDocument.parse(Array(fault.xml.utf8))
    let inner = try #require(envelope.first(WSTrustNames.soap, "Body")?.first(WSTrustNames.soap, "Fault"))
    #expect(inner.first(WSTrustNames.soap, "Reason")?.children.first?.text == "<no> & \"never\"")
    #expect(fault.status == 500 && WSTrustFault(.invalidRequest, "").status == 400)
  }
}
