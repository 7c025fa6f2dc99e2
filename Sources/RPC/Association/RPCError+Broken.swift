// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore

extension RPCError {
  /// The connection ended with an error of the system.
  static func broken(_ peer: String, _ error: any Error) -> RPCError {
    let isReset = [ECONNRESET, EPIPE].contains((error as? IOError)?.errnoCode)
    return RPCError(
      isReset ? .reset : .closed, "The connection to \(peer) broke: \(reason(error)).",
      remedy: "Connect again; if it persists, look for a firewall that resets connections.")
  }

  static func reason(_ error: any Error) -> String {
    (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
  }
}
