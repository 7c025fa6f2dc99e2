// SPDX-License-Identifier: Apache-2.0

import HTTP
import Readiness
import Wire

/// The account with which a check signs in to the topology's HTTP proxy.
enum ProxyAccount {
  /// The options' account, or the topology's, or the configuration's for the very same proxy; nil when there is none.
  ///
  /// - Throws: ``CommandError`` for an account without a proxy, and for a password that is not where it should be.
  static func credentials(
    _ options: CheckOptions, _ topology: Topology, _ configuration: Configuration, _ environment: [String: String]
  ) throws -> HTTPProxy.Credentials? {
    guard let proxy = topology.outboundProxy else {
      guard options.proxyUser == nil else {
        throw CommandError(
          "check.proxy", "The topology has no HTTP proxy that --proxy-user could sign in to.",
          remedy: "add outboundProxy to the topology, or leave the option out.", status: .usage)
      }
      return nil
    }
    if let user = options.proxyUser {
      return HTTPProxy.Credentials(user: user, password: try SecretFile.read(options.proxyPasswordFile ?? ""))
    }
    if let user = proxy.user, let password = proxy.password {
      return HTTPProxy.Credentials(user: user, password: try password.read(environment))
    }
    guard let section = configuration.httpProxy, let user = section.user, let password = section.password,
      let endpoint = Endpoint(parsing: section.address), isSame(proxy, endpoint)
    else { return nil }
    return HTTPProxy.Credentials(user: user, password: try password.read(environment))
  }

  /// A password is for the proxy that it was given for, and no other.
  private static func isSame(_ proxy: OutboundProxy, _ endpoint: Endpoint) -> Bool {
    let places = [proxy.name.lowercased()] + (proxy.addresses ?? []).filter(\.isSingle).map(\.addressText)
    return proxy.port == endpoint.port && places.contains(endpoint.host.lowercased())
  }
}
