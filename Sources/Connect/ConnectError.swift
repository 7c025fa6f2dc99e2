// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Why a pass of the synchronisation engine stopped.
package typealias ConnectError = CodedError<ConnectErrorCode>

package enum ConnectErrorCode: String, ErrorCode {
  package static let domain = "connect"

  /// The store holds bytes that this version cannot read.
  case corruptStore
  /// A directory ended its answer early, again and again.
  case importIncomplete
  case directoryUnreachable
  /// Attributes that many entries had came with none.
  case attributesLost
  case scopeUnresolved
  case scopeLost
  case tooManyDeletions
  case tooManyRemovals
  /// Everybody in a unit lost an attribute at once.
  case valuesLost
  /// The difference that was approved does not stand before the guard.
  case notStanding
  case targetUnreachable
  case targetRefused
  case objectNotFound
}

extension ConnectError {
  /// Whether the guard stopped an export.
  package var isGuarded: Bool { [.tooManyDeletions, .tooManyRemovals, .valuesLost, .scopeLost].contains(code) }

  static func corrupt(_ what: String) -> ConnectError {
    ConnectError(
      .corruptStore, "The store holds \(what) that cannot be read.",
      remedy:
        "Restore the database from a copy, or remove it and run a full synchronisation: objects are matched again.")
  }
}
