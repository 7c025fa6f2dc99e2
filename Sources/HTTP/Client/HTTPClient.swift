// SPDX-License-Identifier: Apache-2.0

package import CertificateTrust
import Logging
package import NIOCore
import NIOPosix
package import Wire

/// A client for HTTP/1.1 with kept-alive connections, proxies and verified TLS.
///
/// A request is written only on a connection whose TLS handshake, certificate chain, name and revocation have passed.
package final class HTTPClient: Sendable {
  private let connector: HTTPConnector
  private let pool: ConnectionPool
  private let userAgent: String

  /// - Parameters:
  ///   - tls: nil makes a client for plain http only (the one that fetches revocation lists).
  package init(
    configuration: HTTPClientConfiguration = HTTPClientConfiguration(), tls: TLSClientPolicy?,
    resolver: any NameResolver = SystemNameResolver(),
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
  ) {
    connector = HTTPConnector(configuration: configuration, tls: tls, resolver: resolver, group: group)
    pool = ConnectionPool(connector: connector, limit: configuration.maximumConnectionsPerOrigin)
    userAgent = configuration.userAgent
  }

  /// Sends a request and collects its response; every status is a response, none is an error.
  ///
  /// - Throws: ``HTTPError``.
  package func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    try request.validate()
    let deadline = NIODeadline.now() + request.deadline
    var request = request
    var redirects = 0
    while true {
      let response = try await exchange(request, deadline: deadline)
      guard [301, 302, 303, 307, 308].contains(response.status), ["GET", "HEAD"].contains(request.method),
        redirects < request.maximumRedirects, let location = response.fields["Location"]
      else { return response }
      redirects += 1
      let next = try request.url.resolving(location)
      guard next.scheme == request.url.scheme || next.scheme == .https else {
        throw HTTPError(.badRedirect, "\(request.url.endpoint) redirects from https to \(next), without protection.")
      }
      if next.endpoint != request.url.endpoint || next.scheme != request.url.scheme {
        // Credentials are for the origin that they were given for.
        request.fields["Authorization"] = nil
        request.fields["Cookie"] = nil
      }
      request.url = next
    }
  }

  /// Closes every connection; requests under way and later ones fail.
  package func shutdown() async { await pool.shutdown() }

  private func exchange(_ request: HTTPRequest, deadline: NIODeadline) async throws(HTTPError) -> HTTPResponse {
    while true {
      let lease = try await pool.lease(for: request.url, deadline: deadline)
      let outcome: ExchangeHandler.Outcome
      do throws(HTTPError) {
        outcome = try await lease.connection.perform(request, userAgent: userAgent, deadline: deadline)
      } catch {
        await pool.release(lease, reusable: false)
        // RFC 9112 9.3.1: a server may close a kept-alive connection at any moment. Only a reused connection can have
        // been stale, so this ends when the kept ones are used up.
        let replay = lease.isReused && error.withoutResponse && (request.isReplayable || !error.mayHaveReachedServer)
        guard replay else { throw error }
        continue
      }
      await pool.release(lease, reusable: outcome.keepsAlive)
      if lease.connection.usesAbsoluteForm, outcome.response.status == 407 {
        throw HTTPError(.proxyAuthenticationRequired, "The proxy asks for authentication for \(request.url.endpoint).")
      }
      return outcome.response
    }
  }
}
