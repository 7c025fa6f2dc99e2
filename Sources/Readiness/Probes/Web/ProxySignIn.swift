// SPDX-License-Identifier: Apache-2.0

package import HTTP
import Wire

/// Signs in to the HTTP proxy on the way to the cloud (Basic, RFC 7617), and never again once it was refused: many proxies
/// ask Active Directory, where a wrong password for each name of the cloud would lock the account.
package final class ProxySignIn: Sendable {
  private let credentials: HTTPProxy.Credentials
  private let first = FirstAttempt { error in
    guard let error = error as? HTTPError, error.code == .proxyAuthenticationRequired else { return nil }
    var stop = HTTPError(.proxyAuthenticationRequired, "The proxy was not asked: it has refused the account already.")
    stop.refusal = error.refusal
    return stop
  }

  package init(_ credentials: HTTPProxy.Credentials) { self.credentials = credentials }

  fileprivate func run<Value: Sendable>(
    _ endpoint: Endpoint, _ request: @escaping @Sendable (HTTPProxy) async throws -> Value
  ) async throws -> Value {
    let proxy = proxy(endpoint)
    return try await first.run { try await request(proxy) }
  }

  fileprivate func proxy(_ endpoint: Endpoint) -> HTTPProxy { HTTPProxy(endpoint: endpoint, credentials: credentials) }
}

extension ProbeContext {
  /// Asks the proxy for something, with the account's credentials where there are some.
  ///
  /// - Parameter request: throws ``HTTPError/Code/proxyAuthenticationRequired`` where the proxy refuses the account.
  func asking<Value: Sendable>(
    _ endpoint: Endpoint, _ request: @escaping @Sendable (HTTPProxy) async throws -> Value
  ) async throws -> Value {
    guard let proxySignIn else { return try await request(HTTPProxy(endpoint: endpoint)) }
    return try await proxySignIn.run(endpoint, request)
  }

  /// The proxy for requests in the absolute form; ``asking(_:_:)`` goes around each of them.
  func proxy(at endpoint: Endpoint) -> HTTPProxy { proxySignIn?.proxy(endpoint) ?? HTTPProxy(endpoint: endpoint) }
}
