// SPDX-License-Identifier: Apache-2.0

package import CertificateTrust
import Wire

/// A proxy's answer to CONNECT that was no tunnel.
package struct ProxyRefusal: Sendable, Hashable {
  package var status: Int
  /// The schemes of `Proxy-Authenticate`.
  package var schemes: [String]
  /// Whether the request carried credentials, which then are what was refused.
  package var hadCredentials: Bool

  package init(status: Int, schemes: [String], hadCredentials: Bool) {
    self.status = status
    self.schemes = schemes
    self.hadCredentials = hadCredentials
  }
}

/// Why a request got no response.
package struct HTTPError: DiagnosableError {
  /// What happened, as a closed vocabulary that callers branch on.
  package enum Code: String, Sendable, CaseIterable {
    case badRequest
    case nameNotFound
    case refused
    case unreachable
    case timedOut
    case reset
    case closedEarly
    /// The peer's certificate or its handshake was refused: ``HTTPError/trust`` says why.
    case untrusted
    /// RFC 9110 15.5.8: the proxy answered 407.
    case proxyAuthenticationRequired
    /// The proxy answered 403.
    case proxyForbidden
    case proxyFailed
    case malformedResponse
    case tooLarge
    case badRedirect
    case cancelled
    case shutDown
  }

  package var code: Code
  package var message: String
  package var remedy: String
  package var trust: TrustError?
  /// Whether the server may have received and processed the request. False is certain.
  package var mayHaveReachedServer: Bool
  /// What a proxy answered to CONNECT instead of a tunnel.
  package var refusal: ProxyRefusal?
  /// Whether the connection ended before a byte of the response.
  var withoutResponse = false

  package init(
    _ code: Code, _ message: String, remedy: String? = nil, trust: TrustError? = nil, mayHaveReachedServer: Bool = false
  ) {
    self.code = code
    self.message = message
    self.remedy = remedy ?? Self.remedy(for: code)
    self.trust = trust
    self.mayHaveReachedServer = mayHaveReachedServer
  }

  init(_ trust: TrustError) {
    self.init(.untrusted, trust.message, remedy: trust.remedy, trust: trust)
  }

  package var identifier: String { trust?.identifier ?? "http.\(code.rawValue)" }

  private static func remedy(for code: Code) -> String {
    switch code {
    case .badRequest: "Correct the URL or the header field."
    case .nameNotFound: "Check the host name and this machine's resolver."
    case .refused: "Check that the service runs and that the port is right; a firewall may also reject it."
    case .unreachable: "Check the route and the firewalls to this address."
    case .timedOut:
      "Check the service's load and the firewalls on the way; silence usually means that packets are dropped."
    case .reset, .closedEarly: "Check the service's log, and for a firewall that ends connections."
    case .untrusted: "Replace the peer's certificate."
    case .proxyAuthenticationRequired: "Configure the proxy's user name and password; the method must be Basic."
    case .proxyForbidden: "Let the proxy's administrator allow CONNECT to this host and port."
    case .proxyFailed: "Check the proxy's address and whether it can reach the destination."
    case .malformedResponse: "Check what answers at this address; it does not speak HTTP/1.1 correctly."
    case .tooLarge: "Ask for less at once."
    case .badRedirect: "Use the final address."
    case .cancelled, .shutDown: "Start the operation again if it is still wanted."
    }
  }
}
