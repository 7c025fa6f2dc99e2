// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import Wire

/// Why there is no connection to a peer. Protocols make an error of their own of it, with the same words.
package struct TCPFailure: DiagnosableError {
  /// What happened, as far as callers branch on it.
  package enum Kind: Sendable {
    /// The address is no numeric one.
    case noAddress
    /// The peer said nothing at all, in the time that it had.
    case timeout
    case refused
    case reset
    /// No route, no permission, or another cause of the system's.
    case unreachable
  }

  package let kind: Kind
  package let message: String
  package let remedy: String

  package var isTimeout: Bool { kind == .timeout }

  package var identifier: String {
    switch kind {
    case .noAddress: "tcp.address"
    case .timeout: "tcp.timeout"
    case .refused, .reset, .unreachable: "tcp.unreachable"
    }
  }

  init(noAddress address: String, of peer: String) {
    kind = .noAddress
    message = "\(address) is no numeric address for \(peer)."
    remedy = "Resolve the name first."
  }

  init(_ error: any Error, peer: String, address: SocketAddress) {
    let place = address.ipAddress.map { "\(peer) (\($0))" } ?? peer
    let port = address.port.map { "TCP port \($0)" } ?? "the socket"
    kind = Self.kind(error)
    if kind == .timeout {
      message = "\(place) does not accept connections."
      remedy = "Open \(port) from here to there, or choose another server."
    } else {
      message = "\(place) cannot be reached: \(Self.reason(error))."
      remedy = "Check that the server runs and that \(port) is open from here to there."
    }
  }

  private static func kind(_ error: any Error) -> Kind {
    if case ChannelError.connectTimeout? = error as? ChannelError { return .timeout }
    return switch (error as? IOError)?.errnoCode {
    case ETIMEDOUT: .timeout
    case ECONNREFUSED: .refused
    case ECONNRESET: .reset
    default: .unreachable
    }
  }

  /// An error of a connection in words.
  package static func reason(_ error: any Error) -> String {
    (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
  }
}
