// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Why a request of password writeback could not be made or read.
package typealias WritebackError = CodedError<WritebackErrorCode>

package enum WritebackErrorCode: String, ErrorCode {
  package static let domain = "writeback"

  case invalidKey
  /// A password that cannot be one.
  case invalidPassword
  case malformed
  /// Encrypted to another key, or changed on the way.
  case undecipherable
}

extension WritebackError {
  static func malformed(_ reason: String) -> WritebackError {
    WritebackError(
      .malformed, "The request of password writeback is malformed: \(reason).",
      remedy: "Check that the tenant and Connect have the same version.")
  }
}
