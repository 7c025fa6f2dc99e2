// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Why the store could not do what it was asked. Whatever the code: the transaction was undone as a whole.
package typealias StoreError = CodedError<StoreErrorCode>

package enum StoreErrorCode: String, ErrorCode {
  package static let domain = "store"

  case diskFull, locked, corrupt, readOnly, notADatabase, cannotOpen, newerSchema, foreign, inputOutput, tooLarge
  /// A unique, foreign key, check or not-null rule refused the write; the caller usually knows what it means.
  case constraint
  case typeMismatch, statement, closed
}

extension StoreError {
  /// What no administrator can mend.
  init(_ code: StoreErrorCode, _ message: String) {
    self.init(code, message, remedy: "This is a defect of Bridgehead: please report it with the log.")
  }

  /// What a column holds is nothing that the product writes there: it is not guessed at.
  ///
  /// - Parameters:
  ///   - place: `table.column`.
  ///   - row: what names the row, for people.
  package static func corrupt(_ place: String, row: some CustomStringConvertible) -> StoreError {
    StoreError(
      .corrupt, "The database holds an unknown value in \(place) of \(row).",
      remedy: "Restore the database from a backup; find out what wrote there.")
  }

  static func foreign(_ path: String, _ reason: String) -> StoreError {
    StoreError(
      .foreign, "The database \(path) does not belong to this role: \(reason).",
      remedy: "Name another file, or leave this one to the role that made it.")
  }
}
