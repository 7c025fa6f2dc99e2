// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore

/// Why a server could not listen.
package enum ListenFailure {
  /// The cause in words, for the server's own error; nil for an error of another kind.
  package static func cause(_ error: any Error) -> String? {
    switch error {
    case let error as IOError: String(cString: strerror(error.errnoCode))
    case is SocketAddressError, is SocketAddressError.UnknownHost: "there is no such address"
    default: nil
    }
  }
}
