// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import Wire

/// One connection of the caller's own, for what belongs to a connection: a security context (RFC 4559 3, MS-WSMV), or a
/// probe that opened the channel itself. Requests follow each other; none is sent a second time.
///
/// Over https the channel must have been secured by ``TLSClientPolicy/secure(_:host:within:)`` before.
package struct HTTPSession: Sendable {
  private let connection: HTTPConnection
  private let userAgent: String

  /// Adds HTTP to a connected channel.
  ///
  /// - Parameter proxy: one that the channel leads to without a tunnel: requests then go in the absolute form.
  package init(
    on channel: any Channel, to url: HTTPURL, proxy: HTTPProxy? = nil, userAgent: String = "bridgehead"
  ) async throws(HTTPError) {
    connection = try await HTTPConnector.install(
      on: channel, url, idleLimit: HTTPClientConfiguration().idleLimit, onFirstResponse: nil, proxy: proxy)
    self.userAgent = userAgent
  }

  package var isOpen: Bool { connection.isOpen }
  package func close() { connection.close() }

  /// Sends a request and collects its response; every status is a response. When the response ends the connection,
  /// ``isOpen`` is false afterwards. Redirects are the caller's.
  package func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    try request.validate()
    return try await connection.perform(request, userAgent: userAgent, deadline: .now() + request.deadline).response
  }

  /// Asks the proxy that a channel leads to for a tunnel (RFC 9110 9.3.6).
  package static func tunnel(
    through proxy: HTTPProxy, to endpoint: Endpoint, on channel: any Channel, within limit: TimeAmount
  ) async throws(HTTPError) {
    try await HTTPConnector.tunnel(through: proxy, to: endpoint, on: channel, within: limit)
  }
}
