// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import Wire

/// Why there is no connection to a peer. Protocols make an error of their own of it, with the same words.
package struct TCPFailure: DiagnosableError {
  /// Whether the peer said nothing at all, in the time that it had.
  package let isTimeout: Bool
  package let identifier: String
  package let message: String
  package let remedy: String

  init(noAddress address: String, of peer: String) {
    (isTimeout, identifier) = (false, "tcp.address")
    message = "\(address) is no numeric address for \(peer)."
    remedy = "Resolve the name first."
  }

  init(_ error: any Error, peer: String, address: SocketAddress) {
    let place = address.ipAddress.map { "\(peer) (\($0))" } ?? peer
    let port = address.port.map { "TCP port \($0)" } ?? "the socket"
    if case ChannelError.connectTimeout? = error as? ChannelError {
      (isTimeout, identifier) = (true, "tcp.timeout")
      message = "\(place) does not accept connections."
      remedy = "Open \(port) from here to there, or choose another server."
    } else {
      (isTimeout, identifier) = (false, "tcp.unreachable")
      message = "\(place) cannot be reached: \(Self.reason(error))."
      remedy = "Check that the server runs and that \(port) is open from here to there."
    }
  }

  /// An error of a connection in words.
  package static func reason(_ error: any Error) -> String {
    (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
  }
}
