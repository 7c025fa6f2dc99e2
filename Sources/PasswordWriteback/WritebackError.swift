// SPDX-License-Identifier: Apache-2.0

import Wire

/// Why a request of password writeback could not be made or read.
package struct WritebackError: DiagnosableError, Equatable {
  package enum Code: String, Sendable {
    case invalidKey
    /// A password that cannot be one.
    case invalidPassword
    case malformed
    /// Encrypted to another key, or changed on the way.
    case undecipherable
  }

  package let code: Code
  package let message: String
  package let remedy: String

  package var identifier: String { "writeback.\(code.rawValue)" }

  package init(_ code: Code, _ message: String, remedy: String) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }

  static func malformed(_ reason: String) -> WritebackError {
    WritebackError(
      .malformed, "The request of password writeback is malformed: \(reason).",
      remedy: "Check that the tenant and Connect have the same version.")
  }
}
