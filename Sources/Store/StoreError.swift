// SPDX-License-Identifier: Apache-2.0

import Wire

/// Why the store could not do what it was asked. Whatever the code: the transaction was undone as a whole.
package struct StoreError: DiagnosableError, Equatable {
  package enum Code: String, Sendable {
    case diskFull, locked, corrupt, readOnly, notADatabase, cannotOpen, newerSchema, foreign, inputOutput, tooLarge
    /// A unique, foreign key, check or not-null rule refused the write; the caller usually knows what it means.
    case constraint
    case typeMismatch, statement, closed
  }

  package let code: Code
  package let message: String
  package let remedy: String

  package var identifier: String { "store.\(code.rawValue)" }

  init(_ code: Code, _ message: String, remedy: String? = nil) {
    self.code = code
    self.message = message
    self.remedy = remedy ?? Self.defect
  }

  static func foreign(_ path: String, _ reason: String) -> StoreError {
    StoreError(
      .foreign, "The database \(path) does not belong to this role: \(reason).",
      remedy: "Name another file, or leave this one to the role that made it.")
  }

  private static let defect = "This is a defect of Bridgehead: please report it with the log."
}
