// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Why the watch cannot begin.
package typealias WatchError = CodedError<WatchErrorCode>

package enum WatchErrorCode: String, ErrorCode {
  package static let domain = "watch"

  case notLoopback, bind, webhook
}
