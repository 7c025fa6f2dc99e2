// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import TCP

extension RPCError {
  /// The connection ended with an error of the system.
  static func broken(_ peer: String, _ error: any Error) -> RPCError {
    let isReset = [ECONNRESET, EPIPE].contains((error as? IOError)?.errnoCode)
    return RPCError(
      isReset ? .reset : .closed, "The connection to \(peer) broke: \(TCPFailure.reason(error)).",
      remedy: "Connect again; if it persists, look for a firewall that resets connections.")
  }
}
