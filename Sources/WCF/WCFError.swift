// SPDX-License-Identifier: Apache-2.0

import Wire

/// Why a net.tcp session could not be opened or used.
package struct WCFError: DiagnosableError, Hashable {
  /// What happened, as a closed vocabulary that callers branch on.
  package enum Code: String, Sendable, CaseIterable {
    /// What the peer sends is no .NET message framing, or breaks its grammar.
    case malformed
    /// A record is larger than this side accepts.
    case tooLarge
    /// The peer answered with a fault record: ``WCFError/fault`` says which.
    case fault
    /// The peer's security package refused the handshake (MS-NNS 2.2.1 `HandshakeError`).
    case handshakeRefused
    /// The context negotiated less than confidentiality.
    case unprotected
    /// The peer ended the connection.
    case closed
  }

  package var code: Code
  package var message: String
  package var remedy: String
  /// The fault that the peer named, when `code` is `fault`.
  package var fault: FramingFault?

  package init(_ code: Code, _ message: String, remedy: String? = nil, fault: FramingFault? = nil) {
    self.code = code
    self.message = message
    self.remedy = remedy ?? Self.remedy(for: code)
    self.fault = fault
  }

  package init(_ fault: FramingFault) {
    self.init(.fault, "The service refused the session: \(fault.meaning).", remedy: fault.remedy, fault: fault)
  }

  init(_ error: ByteError, in what: String) {
    self.init(.malformed, "The peer sent a malformed \(what): \(error).")
  }

  package var identifier: String { "wcf.\(code.rawValue)" }

  private static func remedy(for code: Code) -> String {
    switch code {
    case .malformed: "Check what answers at this address; it does not speak net.tcp (MC-NMF) correctly."
    case .tooLarge: "Ask for less at once."
    case .fault: "Check the service's log."
    case .handshakeRefused: "Check the account, its rights and the clocks; the server's security log has the reason."
    case .unprotected: "Check the server's policy: the session must be encrypted."
    case .closed: "Check the service's log, and for a firewall that ends connections."
    }
  }
}
