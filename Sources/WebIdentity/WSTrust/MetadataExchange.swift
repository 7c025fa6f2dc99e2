// SPDX-License-Identifier: Apache-2.0

import XML

/// The document that tells native clients where to bring their tickets: WSDL 1.1 with policies (WS-MetadataExchange, by GET).
///
/// A policy says that the client proves itself by Negotiate and over TLS, a binding ties it to a version of WS-Trust, and a port
/// of the service has the address. Clients look for exactly this chain.
package struct MetadataExchange: Sendable {
  /// The address of each version's endpoint.
  private let address: @Sendable (WSTrustVersion) -> String

  package init(address: @escaping @Sendable (WSTrustVersion) -> String) { self.address = address }

  package static let mediaType = "text/xml; charset=utf-8"

  package var xml: String {
    let versions = WSTrustVersion.allCases
    return """
      <?xml version="1.0" encoding="utf-8"?>
      <wsdl:definitions name="SecurityTokenService" targetNamespace="\(Names.service)" xmlns:tns="\(Names.service)" \
      xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" \
      xmlns:wsp="\(WSTrustNames.policy)" xmlns:wsu="\(WSTrustNames.utility)" xmlns:wsa10="\(WSTrustNames.addressing)">\
      \(versions.map(policy).joined())\
      <wsdl:message name="RequestSecurityToken"/><wsdl:message name="RequestSecurityTokenResponse"/>\
      <wsdl:portType name="WindowsTransport"><wsdl:operation name="Issue">\
      <wsdl:input message="tns:RequestSecurityToken"/><wsdl:output message="tns:RequestSecurityTokenResponse"/>\
      </wsdl:operation></wsdl:portType>\
      \(versions.map(binding).joined())\
      <wsdl:service name="SecurityTokenService">\(versions.map(port).joined())</wsdl:service></wsdl:definitions>
      """
  }

  private enum Names {
    static let service = "http://schemas.microsoft.com/ws/2008/06/identity/securitytokenservice"
    /// The policy assertion of HTTP authentication.
    static let http = "http://schemas.microsoft.com/ws/06/2004/policy/http"
    /// WS-SecurityPolicy of July 2005: the version in which clients look for the transport.
    static let security = "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy"
    static let transport = "http://schemas.xmlsoap.org/soap/http"
  }

  private func name(_ version: WSTrustVersion) -> String { "WindowsTransport\(version.rawValue)" }

  private func policy(_ version: WSTrustVersion) -> String {
    """
    <wsp:Policy wsu:Id="\(name(version))_policy"><wsp:ExactlyOne><wsp:All>\
    <http:NegotiateAuthentication xmlns:http="\(Names.http)"/>\
    <sp:TransportBinding xmlns:sp="\(Names.security)"><wsp:Policy><sp:TransportToken><wsp:Policy>\
    <sp:HttpsToken RequireClientCertificate="false"/></wsp:Policy></sp:TransportToken></wsp:Policy></sp:TransportBinding>\
    </wsp:All></wsp:ExactlyOne></wsp:Policy>
    """
  }

  private func binding(_ version: WSTrustVersion) -> String {
    """
    <wsdl:binding name="\(name(version))" type="tns:WindowsTransport">\
    <wsp:PolicyReference URI="#\(name(version))_policy"/><soap12:binding transport="\(Names.transport)"/>\
    <wsdl:operation name="Issue"><soap12:operation soapAction="\(version.requestAction)" style="document"/>\
    <wsdl:input><soap12:body use="literal"/></wsdl:input><wsdl:output><soap12:body use="literal"/></wsdl:output>\
    </wsdl:operation></wsdl:binding>
    """
  }

  private func port(_ version: WSTrustVersion) -> String {
    let address = XMLElement.escape(address(version))
    return """
      <wsdl:port name="\(name(version))" binding="tns:\(name(version))"><soap12:address location="\(address)"/>\
      <wsa10:EndpointReference><wsa10:Address>\(address)</wsa10:Address></wsa10:EndpointReference></wsdl:port>
      """
  }
}
