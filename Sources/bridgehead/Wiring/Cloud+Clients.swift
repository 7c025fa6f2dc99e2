// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTP
import Logging
import NIOCore
import SCIM
import Wire

/// The SCIM clients of every part, made in one way.
extension Cloud {
  /// A client of a target's SCIM service.
  func client(of target: Configuration.Target, _ environment: [String: String]) throws -> SCIMClient {
    guard let token = target.token else {
      throw CommandError(
        "configuration.token", "The target \(target.key) has no token.", remedy: "add it.", status: .configuration)
    }
    var configuration = SCIMClientConfiguration(baseURL: try HTTPURL(target.url))
    configuration.concurrency = target.concurrency ?? configuration.concurrency
    if let timeout = target.requestTimeout.flatMap({ Duration(parsing: $0) }) {
      configuration.deadline = .seconds(timeout.components.seconds)
    }
    return try client(configuration, Logger(label: "bridgehead.scim")) { try token.read(environment) }
  }

  /// A client of what a tenant offers beside SCIM, from the root of its address.
  func tenantClient(
    of target: Configuration.Target, _ logger: Logger, adjust: (inout SCIMClientConfiguration) -> Void = { _ in },
    token: @escaping @Sendable () throws -> SecretBytes
  ) throws -> SCIMClient {
    let url = try HTTPURL(target.url)
    var configuration = SCIMClientConfiguration(baseURL: try HTTPURL("\(url.scheme)://\(url.endpoint)"))
    adjust(&configuration)
    return try client(configuration, logger, token: token)
  }

  private func client(
    _ configuration: SCIMClientConfiguration, _ logger: Logger, token: @escaping @Sendable () throws -> SecretBytes
  ) throws -> SCIMClient {
    // Read now, so that a missing token is told before anything is done, and again for each use: it may be renewed.
    _ = try token()
    return SCIMClient(
      configuration, http: http, timing: SCIMClientTiming(now: { Date.now }), logger: logger, token: token)
  }
}
