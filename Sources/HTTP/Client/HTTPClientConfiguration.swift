// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import NIOHTTP1
package import Wire

/// The rows of the reference that a client's connections belong to.
package struct HTTPFlows: Sendable {
  /// Recorded after each TLS handshake.
  package var https: Flow?
  /// Recorded at a connection's first response head.
  package var http: Flow?

  package init(https: Flow? = nil, http: Flow? = nil) {
    self.https = https
    self.http = http
  }
}

/// Limits and routes of an ``HTTPClient``.
package struct HTTPClientConfiguration: Sendable {
  package var flows: HTTPFlows
  package var proxy: HTTPProxy?
  /// For each address: SYNs go out at 0, 1 and 3 s.
  package var connectDeadline: TimeAmount = .milliseconds(3_500)
  /// For the proxy's answer to CONNECT.
  package var proxyDeadline: TimeAmount = .seconds(15)
  /// Connections to one origin, idle ones included; further requests wait.
  package var maximumConnectionsPerOrigin = 8
  /// An idle connection is closed after this time; most servers and firewalls wait longer.
  package var idleLimit: TimeAmount = .seconds(50)
  package var userAgent = "bridgehead"

  package init(flows: HTTPFlows = HTTPFlows(), proxy: HTTPProxy? = nil) {
    self.flows = flows
    self.proxy = proxy
  }

  /// The most addresses of a name that are tried.
  static let maximumAddresses = 8
  /// Origins whose idle connections are kept.
  static let maximumOrigins = 64

  /// RFC 9110 5.4 leaves the limits to the recipient: 16 KiB for a field, 64 KiB and 200 fields for a response.
  static var decoderLimits: NIOHTTPDecoderLimitConfiguration {
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = 16 << 10
    limits.maxHeaderListSize = 64 << 10
    limits.maxHeaderFieldCount = 200
    return limits
  }
}
