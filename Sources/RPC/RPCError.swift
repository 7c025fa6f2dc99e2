// SPDX-License-Identifier: Apache-2.0

import Wire

/// Why a remote procedure call, or the association under it, failed.
package struct RPCError: DiagnosableError {
  /// What happened, as a closed vocabulary that callers branch on.
  package enum Code: String, Sendable, CaseIterable {
    /// No TCP connection: refused, no route, or an address that is none.
    case unreachable
    /// Nothing came within the time allowed.
    case timeout
    /// The peer closed the connection where an answer was due.
    case closed
    /// The connection was reset: by the peer, or by something on the way.
    case reset
    /// What answered does not speak DCE/RPC.
    case notRPC
    /// DCE/RPC, but not as its specification has it.
    case malformed
    /// More than a limit of ``RPCLimits`` allows.
    case tooLarge
    /// The server refused the association as a whole (bind_nak).
    case bindRefused
    /// The server does not offer the interface, or not in this version or encoding.
    case interfaceRefused
    /// The endpoint mapper knows no endpoint of the interface.
    case notRegistered
    /// The server answered the call with a fault; see ``RPCError/status``.
    case fault
    /// The procedure ran and returned a failure; see ``RPCError/status``.
    case refused
    /// Sealing was not agreed, or a message came unsealed.
    case unprotected
    /// A secret in an answer cannot be decrypted.
    case badSecret
    /// The association was closed before.
    case notOpen
  }
  package var code: Code
  package var message: String
  package var remedy: String
  /// The fault's status, WERROR, NTSTATUS or bind_nak reason behind ``code``.
  package var status: UInt32?
  /// The first bytes of what is no DCE/RPC.
  package var received: [UInt8]?

  package init(_ code: Code, _ message: String, remedy: String, status: UInt32? = nil) {
    self.code = code
    self.message = message
    self.remedy = remedy
    self.status = status
  }

  package var identifier: String { "rpc.\(code.rawValue)" }

  /// Whether another server, or this one later, may do what was asked.
  package var isTransient: Bool {
    switch code {
    case .unreachable, .timeout, .closed, .reset, .notOpen, .notRegistered: true
    default: false
    }
  }

  /// - Parameter what: what did not happen in time, in words: `dc1:135 did not answer the bind`.
  static func timeout(_ what: String, _ time: Duration) -> RPCError {
    RPCError(
      .timeout, "\(what) within \(time.components.seconds) s.",
      remedy: "Check the server's load, and for a firewall that lets connections through but not what follows.")
  }

  static func malformed(_ peer: String, _ what: String) -> RPCError {
    RPCError(
      .malformed, "\(peer) sent an RPC message that cannot be read: \(what).",
      remedy:
        "Check what stands between this machine and the server; if nothing does, report this with the server's version."
    )
  }

  static func tooLarge(_ peer: String, _ what: String) -> RPCError {
    RPCError(
      .tooLarge, "\(peer) sent \(what), more than is accepted.",
      remedy: "Ask for less at a time, or check what really answers there.")
  }
}
