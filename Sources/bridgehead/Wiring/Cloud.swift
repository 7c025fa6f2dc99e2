// SPDX-License-Identifier: Apache-2.0

import CertificateTrust
import FoundationEssentials
import HTTP
import Logging
import NIOCore
import PortReference
import Wire

/// The way to the cloud: one policy of trust for every TLS connection, and the HTTP client on top of it.
struct Cloud: Closable {
  let tls: TLSClientPolicy
  let http: HTTPClient
  /// Reads revocation lists from forests, once it knows them.
  let directoryLists = LDAPRevocationListSource()
  /// Fetches revocation lists; without TLS, as their signatures protect them (RFC 5280 8).
  private let plain: HTTPClient

  init(_ configuration: Configuration, names: Names, flows: any FlowRecorder, environment: [String: String]) throws {
    let trust = configuration.trust
    let proxy = try configuration.httpProxy.map { try HTTPProxy($0, environment) }
    let httpFlow = Flow(row: RowID.connectCloudHTTP.rawValue, recorder: flows)
    let httpsFlow = Flow(row: RowID.connectCloudHTTPS.rawValue, recorder: flows)
    let logger = Logger(label: "bridgehead.trust")
    plain = HTTPClient(
      configuration: HTTPClientConfiguration(flows: HTTPFlows(http: httpFlow), proxy: proxy), tls: nil,
      resolver: names.cloud)
    let now: @Sendable () -> Date = { Date.now }
    let mode = trust?.revocation.flatMap(RevocationPolicy.Mode.init) ?? .require
    let cache = RevocationListCache(
      source: RevocationListSources([HTTPRevocationListSource(client: plain), directoryLists]),
      directory: trust?.revocationCache, now: now, log: logger)
    let grace = trust?.revocationGrace.flatMap { Duration(parsing: $0) }.map { TimeInterval($0.components.seconds) }
    let revocation =
      mode == .off
      ? RevocationPolicy.off
      : RevocationPolicy(mode, cache: cache, grace: grace ?? RevocationPolicy.defaultGrace, now: now, log: logger)
    tls = try TLSClientPolicy(
      anchors: trust?.roots.map { try TrustAnchors.files($0) } ?? .system, revocation: revocation, now: now)
    http = HTTPClient(
      configuration: HTTPClientConfiguration(flows: HTTPFlows(https: httpsFlow, http: httpFlow), proxy: proxy),
      tls: tls, resolver: names.cloud)
  }

  func close() async {
    directoryLists.use([])
    await http.shutdown()
    await plain.shutdown()
  }
}

extension HTTPProxy {
  fileprivate init(_ section: Configuration.HTTPProxy, _ environment: [String: String]) throws {
    guard let endpoint = Endpoint(parsing: section.address) else {
      throw CommandError(
        "configuration.proxy", "httpProxy.address is not host:port.", remedy: "write host:port.", status: .configuration
      )
    }
    let credentials: Credentials? =
      if let user = section.user, let password = section.password {
        Credentials(user: user, password: try password.read(environment))
      } else {
        nil
      }
    self.init(endpoint: endpoint, credentials: credentials, exceptions: section.except ?? [])
  }
}
