// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Why a stand-in cannot be run or is not believed.
package typealias StandInError = CodedError<StandInErrorCode>

package enum StandInErrorCode: String, ErrorCode, CaseIterable {
  package static let domain = "stand-in"

  case weakCode
  /// What came is no message of the stand-in's protocol.
  case malformed
  /// The other side does not know the code.
  case wrongCode
  /// A message that was seen before.
  case replay
  case refused
  case portInUse
  case cannotListen
  case nothingToListenTo
}
