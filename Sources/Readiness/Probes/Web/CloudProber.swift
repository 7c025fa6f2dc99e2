// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTP
package import PortReference
import Wire

/// The cloud directory on 443, directly or through the proxy: TLS with a public issuer and the right name, then the
/// discovery document where the host has one, any answer of the service where it has not.
package struct CloudProber: Prober {
  package let row = RowID.connectCloudHTTPS
  package let transport = Transport.tcp
  package let specification = "RFC 8446, RFC 9110 9.3.6, OpenID Connect Discovery 4"

  /// Where sign-in hosts describe themselves, for every tenant.
  static let discoveryPath = "/common/v2.0/.well-known/openid-configuration"

  package init() {}

  package func requiredDepth(withCredentials: Bool) -> Depth { .service }

  package func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async {
    guard let web = await WebConnection.open(.https, target, context, log) else { return }
    defer { web.close() }
    let describesItself = Self.describesItself(target.serverName)
    let response = await web.get(
      describesItself ? Self.discoveryPath : "/", fields: ["Accept": "application/json, */*;q=0.1"], context, log)
    guard let response else { return }
    log.observeDate(response, context)
    guard describesItself else {
      // TLS has shown who answers; what the root of a service says to strangers is its own matter, unless it is down.
      return response.status < 500 ? log.reached(.service) : log.observeService(response)
    }
    guard response.status == 200 else { return log.observeService(response) }
    guard let document = try? JSONDecoder().decode(Discovery.self, from: Data(response.body)) else {
      return log.observe(
        response.isWebPage
          ? .captivePortal("a web page for the discovery document")
          : .wrongAnswer(recognised: "HTTP", summary: "no discovery document: \(WebConnection.words(response))"))
    }
    log.observe(.note("issuer \(document.issuer.prefix(200))"))
    log.reached(.operation)
  }

  /// OpenID Connect Discovery 3: the properties that every provider has.
  private struct Discovery: Decodable {
    var issuer: String
    var token_endpoint: String
    var jwks_uri: String
  }

  /// Microsoft's sign-in hosts, the national clouds' included.
  static func describesItself(_ host: String) -> Bool {
    let host = host.lowercased()
    return ["login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"].contains(host)
      || host == "login.windows.net"
  }
}
