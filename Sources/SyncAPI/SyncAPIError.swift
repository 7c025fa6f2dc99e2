// SPDX-License-Identifier: Apache-2.0

import Wire

/// Why a conversation over the Sync API failed.
package struct SyncAPIError: DiagnosableError, Hashable {
  /// What happened, as a closed vocabulary that callers branch on.
  package enum Code: String, Sendable, CaseIterable {
    /// The message is no binary SOAP envelope, or not of the layout that its operation has.
    case malformed
    /// More objects, values or bytes than this side accepts.
    case tooLarge
    /// The service answered with a SOAP fault: ``SyncAPIError/fault`` has it.
    case fault
    /// The service sends its clients to a place that they do not follow it to.
    case badRedirect
    /// The service asked to wait, and still did after every attempt.
    case throttled
    /// 5xx without a fault, or a gateway's page.
    case unavailable
    /// 4xx without a fault.
    case refused
    /// No access token could be had; nothing was sent.
    case noToken
    /// No connection, or it broke, after every attempt.
    case unreachable
    case untrusted
    case timedOut
    case cancelled
  }

  package var code: Code
  package var message: String
  package var remedy: String
  package var fault: SyncFault?
  /// The HTTP status, when there was an answer.
  package var status: Int?
  /// What the service asked to wait.
  package var retryAfter: Duration?

  package var identifier: String { "syncapi.\(code.rawValue)" }

  package init(_ code: Code, _ message: String, remedy: String? = nil) {
    self.code = code
    self.message = message
    self.remedy = remedy ?? Self.remedy(for: code)
  }

  init(_ fault: SyncFault, _ operation: String) {
    self.init(.fault, "The service refused \(operation): \(fault.summary)")
    self.fault = fault
  }

  private static func remedy(for code: Code) -> String {
    switch code {
    case .malformed: "Check that the address is that of a directory synchronisation service."
    case .tooLarge: "Send or ask for less at once."
    case .fault: "Correct what the service names; its own log has more."
    case .badRedirect: "Configure the service's final address, if it is one that you trust."
    case .throttled: "Wait, or synchronise less often."
    case .unavailable: "Check the service's health and run again later."
    case .refused: "Check the address, and that the tenant is open for directory synchronisation."
    case .noToken: "Check the application's registration, its certificate and its permissions."
    case .unreachable, .timedOut: "Check the network, the proxy and whether the service runs."
    case .untrusted: "Check the service's certificate and the configured authorities."
    case .cancelled: "Start the operation again if it is still wanted."
    }
  }
}
