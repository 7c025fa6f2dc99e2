// SPDX-License-Identifier: Apache-2.0

import HTTP
package import PortReference
import Wire
import XML

/// The federation service on 443, from the farm or through the proxy: its metadata, asked for under its name (SNI). On 80
/// its balancer's probe. A green probe before a service that is down is told apart.
package struct FederationProber: Prober {
  package let row: RowID
  package let transport = Transport.tcp
  package let specification: String
  private let scheme: HTTPURL.Scheme

  package static let http = FederationProber(.connectFederationHTTP, .http, "RFC 9112; /adfs/probe")
  package static let https = FederationProber(.connectFederationHTTPS, .https, metadataSpecification)
  package static let proxy = FederationProber(.proxyFederationHTTPS, .https, metadataSpecification)
  package static let users = FederationProber(.usersProxyHTTPS, .https, metadataSpecification)
  private static let metadataSpecification = "RFC 8446, RFC 6066 3, SAML Metadata 2.3.2"

  static let probePath = "/adfs/probe"
  static let metadataPath = "/FederationMetadata/2007-06/FederationMetadata.xml"
  /// SAML 2.0 Metadata 2.3.2.
  private static let metadataNamespace = "urn:oasis:names:tc:SAML:2.0:metadata"

  private init(_ row: RowID, _ scheme: HTTPURL.Scheme, _ specification: String) {
    self.row = row
    self.scheme = scheme
    self.specification = specification
  }

  package func requiredDepth(withCredentials: Bool) -> Depth { .operation }

  package func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    guard let web = await WebConnection.open(scheme, target, context, log) else { return }
    defer { web.close() }
    switch scheme {
    case .http: await probe(web, context, log)
    case .https: await metadata(web, target, context, log)
    }
  }

  /// 200 without a page: what AD FS answers, and no web server by itself.
  private func probe(_ web: WebConnection, _ context: ProbeContext, _ log: ConversationLog) async {
    guard let response = await web.get(Self.probePath, context, log) else { return }
    if response.isWebPage || response.isRedirect {
      return log.observe(.captivePortal("a web page or redirect for \(web.url.host)\(Self.probePath)"))
    }
    guard response.status == 200 else { return log.observeService(response) }
    log.reached(.operation)
    log.observeDate(response, context)
  }

  private func metadata(
    _ web: WebConnection, _ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog
  ) async {
    guard let response = await web.get(Self.metadataPath, phase: .operation, context, log) else { return }
    log.observeDate(response, context)
    guard response.status == 200 else {
      if response.status >= 500, await isProbeGreen(target, context, log) {
        return log.observe(.probeGreenServiceDown(probe: 200, service: response.status))
      }
      return log.observeService(response)
    }
    do throws(XMLError) {
      let root = try XMLDocument.parse(response.body)
      guard root.name == XMLElement.Name(Self.metadataNamespace, "EntityDescriptor"),
        let entity = root.attribute("entityID"), !entity.isEmpty
      else {
        return log.observe(
          .wrongAnswer(
            recognised: "HTTP", summary: "a document <\(root.name.local.prefix(40))>, no federation metadata"))
      }
      log.observe(.note("federation service \(entity.prefix(200))"))
      log.reached(.operation)
    } catch {
      log.observe(.wrongAnswer(recognised: "HTTP", summary: "no federation metadata: \(error.message)"))
    }
  }

  /// Asks the balancer's probe on 80 of the same address.
  private func isProbeGreen(_ target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async -> Bool {
    var other = target
    other.port = HTTPURL.Scheme.http.defaultPort
    // What is seen there belongs to another row's flow: only the result is taken over.
    let aside = ConversationLog()
    guard let web = await WebConnection.open(.http, other, context, aside) else { return false }
    defer { web.close() }
    let index = log.begin(.negotiate, sent: "GET http://\(target.serverName)\(Self.probePath)")
    let response = await web.get(Self.probePath, context, aside)
    log.end(index, received: response.map(WebConnection.words) ?? "no response")
    return response?.status == 200
  }
}

extension ConversationLog {
  /// Records a status that is no success.
  func observeService(_ response: HTTPResponse) {
    if response.status == 503 {
      observe(.serviceUnavailable("the web server answers 503"))
    } else if response.status == 404 {
      observe(.wrongAnswer(recognised: "HTTP", summary: "status 404: a web server that does not know the service"))
    } else {
      observe(.httpStatus(response.status))
    }
  }
}
