// SPDX-License-Identifier: Apache-2.0

package import HTTP
import Wire

/// Why a WS-Management service did not do what was asked.
package struct WSManagementError: DiagnosableError {
  /// What happened, as a closed vocabulary that callers branch on.
  package enum Code: String, Sendable, CaseIterable {
    /// There was no HTTP response: ``WSManagementError/transport`` says why.
    case transport
    /// An HTTP status that the protocol does not lead to: ``WSManagementError/status``.
    case unexpectedStatus
    /// The service answers, WinRM behind it does not (503 of http.sys).
    case unavailable
    /// 401 without Negotiate or Kerberos among the schemes.
    case negotiateNotOffered
    /// The sign-in was refused.
    case refused
    /// Signed in, and not allowed (403, or a fault `wsman:AccessDenied`).
    case denied
    /// The service answered with a SOAP fault.
    case fault
    /// What came is no WS-Management message.
    case malformed
    /// Nothing is sent or believed that is not sealed.
    case unprotected
  }
  package var code: Code
  package var message: String
  package var remedy: String
  package var status: Int?
  package var transport: HTTPError?
  /// The schemes that the service offers, when `code` is `negotiateNotOffered`.
  package var schemes: [String] = []

  package init(
    _ code: Code, _ message: String, remedy: String? = nil, status: Int? = nil, transport: HTTPError? = nil
  ) {
    self.code = code
    self.message = message
    self.remedy = remedy ?? Self.remedy(for: code)
    self.status = status
    self.transport = transport
  }

  init(_ error: HTTPError) { self.init(.transport, error.message, remedy: error.remedy, transport: error) }

  package var identifier: String { transport?.identifier ?? "wsman.\(code.rawValue)" }

  private static func remedy(for code: Code) -> String {
    switch code {
    case .transport, .unexpectedStatus: "Check what answers on this port; it should be WinRM's HTTP listener."
    case .unavailable: "Start the WinRM service and its HTTP listener (winrm quickconfig) on the server."
    case .negotiateNotOffered:
      "Enable Kerberos or Negotiate for the WinRM service, and look for a proxy on the way that takes them away."
    case .refused: "Check the account, its rights and the clocks; the server's security log has the reason."
    case .denied: "Let the account be a member of Remote Management Users on the server."
    case .fault: "Check the server's WinRM log."
    case .malformed: "Check what answers on this port; it does not speak WS-Management correctly."
    case .unprotected: "Let the service require encryption (AllowUnencrypted false), and use Kerberos."
    }
  }
}
