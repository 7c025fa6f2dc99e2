// SPDX-License-Identifier: Apache-2.0

import HTTP
import Wire

/// Why a request to a SCIM service failed, with what the service said about it.
package struct SCIMClientError: DiagnosableError, Hashable {
  /// What happened, as a closed vocabulary that callers branch on.
  package enum Code: String, Sendable, CaseIterable {
    /// No token could be had; nothing was sent.
    case noToken
    /// 401: the token is wrong or expired.
    case unauthorized
    /// 403: the token may not do this.
    case forbidden
    /// 404.
    case notFound
    /// 409, or 400 with `uniqueness`: a value that must be unique belongs to another resource.
    case conflict
    /// 412: the resource has changed since the version that was given.
    case preconditionFailed
    /// 413, or an answer above the client's limit.
    case tooLarge
    /// 429, still after every retry.
    case throttled
    /// 408, 502, 503 or 504, still after every retry.
    case unavailable
    /// 405 or 501.
    case notSupported
    /// Any other 4xx: `scimType` and `detail` tell what the service does not like.
    case refused
    /// Any other 5xx.
    case serviceFailed
    /// No connection, or it broke while reading.
    case unreachable
    /// The service's certificate is not trusted; nothing was sent.
    case untrusted
    /// The service did not answer in time.
    case timedOut
    /// The request may or may not have been carried out: look before repeating it.
    case outcomeUnknown
    /// The answer is not SCIM.
    case malformedAnswer
    /// The result changed while its pages were read, or a page is missing.
    case incomplete
    case cancelled
  }

  package var code: Code
  package var message: String
  package var remedy: String
  /// The HTTP status, when the service answered.
  package var status: Int?
  package var scimType: String?
  /// The service's own words, shortened.
  package var detail: String?
  /// What the service asked to wait.
  package var retryAfter: Duration?
  /// The transport's name for what went wrong, for example `http.reset`.
  package var cause: String?

  package var identifier: String { "scim.client.\(code.rawValue)" }

  /// Whether every other request would fail alike, so that going on is of no use.
  package var concernsService: Bool {
    switch code {
    case .noToken, .unauthorized, .throttled, .unavailable, .unreachable, .untrusted, .timedOut, .cancelled: true
    default: false
    }
  }

  init(_ code: Code, _ message: String, remedy: String? = nil) {
    self.code = code
    self.message = message
    self.remedy = remedy ?? Self.remedy(for: code)
  }

  /// From an answer that is no success.
  init(status: Int, body: SCIMErrorBody?, request: String, retryAfter: Duration? = nil) {
    let code = Self.code(status: status, scimType: body?.scimType)
    let detail = body?.detail.map(Self.printable)
    let scimType = body?.scimType.map(Self.printable)
    let reason = [scimType, detail].compactMap { $0 }.joined(separator: ": ")
    self.init(code, "The service answered \(status) to \(request)\(reason.isEmpty ? "." : ": \(reason)")")
    self.status = status
    self.scimType = scimType
    self.detail = detail
    self.retryAfter = retryAfter
  }

  init(_ error: HTTPError, request: String) {
    let code: Code =
      switch error.code {
      case .untrusted: .untrusted
      case .timedOut: .timedOut
      case .tooLarge: .tooLarge
      case .malformedResponse, .badRedirect: .malformedAnswer
      case .badRequest: .refused
      case .cancelled, .shutDown: .cancelled
      case .nameNotFound, .refused, .unreachable, .reset, .closedEarly, .proxyAuthenticationRequired, .proxyForbidden,
        .proxyFailed:
        .unreachable
      }
    self.init(code, "\(request) failed: \(error.message)", remedy: error.remedy)
    cause = error.identifier
  }

  /// The same error where the request may have been carried out.
  func withUnknownOutcome(_ request: String) -> SCIMClientError {
    var error = SCIMClientError(.outcomeUnknown, "Whether \(request) was carried out is unknown: \(message)")
    error.status = status
    error.scimType = scimType
    error.detail = detail
    error.cause = cause ?? identifier
    return error
  }

  private static func code(status: Int, scimType: String?) -> Code {
    switch status {
    case 401: .unauthorized
    case 403: .forbidden
    case 404: .notFound
    case 409: .conflict
    case 400 where scimType == SCIMErrorType.uniqueness.rawValue: .conflict
    case 405, 501: .notSupported
    case 412: .preconditionFailed
    case 413: .tooLarge
    case 429: .throttled
    case 408, 502, 503, 504: .unavailable
    case 400..<500: .refused
    case 500..<600: .serviceFailed
    default: .malformedAnswer
    }
  }

  /// A remote text on one line of a log.
  private static func printable(_ text: String) -> String {
    let safe = String(
      String.UnicodeScalarView(
        text.unicodeScalars.prefix(500).map { $0.properties.generalCategory == .control ? " " : $0 }))
    return text.unicodeScalars.count > 500 ? safe + "…" : safe
  }

  private static func remedy(for code: Code) -> String {
    switch code {
    case .noToken: "Check the configured source of the bearer token."
    case .unauthorized: "Issue a new token and configure it; it may have expired or belong to another tenant."
    case .forbidden: "Give the token the scope that the operation needs."
    case .notFound: "Import the service's state again; the resource was removed there."
    case .conflict: "Change the value here or on the resource that holds it."
    case .preconditionFailed: "Read the resource again and repeat the change."
    case .tooLarge: "Send or ask for less at once."
    case .throttled: "Wait, or lower the number of concurrent requests."
    case .unavailable: "Check the service's health and repeat the run later."
    case .notSupported: "Check the base URI and what /ServiceProviderConfig says is supported."
    case .refused: "Correct what the service names; /Schemas has its rules."
    case .serviceFailed: "See the service's log."
    case .unreachable, .timedOut: "Check the network, the proxy and whether the service runs."
    case .untrusted: "Check the service's certificate and the configured authorities."
    case .outcomeUnknown: "Look the resource up by its externalId before repeating the request."
    case .malformedAnswer: "Check that the base URI is that of a SCIM 2.0 service."
    case .incomplete: "Read the list again."
    case .cancelled: "Start the operation again if it is still wanted."
    }
  }
}
